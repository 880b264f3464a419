"""Evaluation is search with known answers: a gallery, cases, and pure metrics."""
