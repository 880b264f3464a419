"""Measuring isa against what the machine allows; ``isa bench`` prints it."""
