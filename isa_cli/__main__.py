"""``python -m isa_cli`` is ``isa``."""

from isa_cli.cli.main import main

if __name__ == "__main__":
    main()
