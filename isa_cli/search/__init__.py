"""Where the query side and the gallery side meet: a request in, ranked photos out."""
