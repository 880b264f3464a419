"""How a scene becomes a picture: geometry, cloth, garments, light.  Pillow and numpy, no assets."""

from isa_cli.wardrobe.drawing.render import render

__all__ = ["render"]
