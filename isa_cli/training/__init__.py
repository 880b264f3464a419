"""Training the query side on unlabelled photos."""
