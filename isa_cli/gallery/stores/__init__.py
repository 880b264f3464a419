"""Vector engines behind one protocol, ``types.VectorIndex``."""
