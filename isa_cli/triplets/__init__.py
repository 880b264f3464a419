"""Triplets (reference, modifier, target): their file, and where they come from."""

from isa_cli.triplets.records import Problem, Triplet, examine, read_triplets, write_triplets

__all__ = ["Problem", "Triplet", "examine", "read_triplets", "write_triplets"]
