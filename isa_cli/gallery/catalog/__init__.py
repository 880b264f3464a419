"""The catalogue: the truth of a gallery, vectors included, in one SQLite file."""

from isa_cli.gallery.catalog.catalog import Catalog

__all__ = ["Catalog"]
