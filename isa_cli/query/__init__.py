"""The light, online side: a reference and words in, one vector out."""
