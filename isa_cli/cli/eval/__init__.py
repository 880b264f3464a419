"""``isa eval`` and the commands below it."""
