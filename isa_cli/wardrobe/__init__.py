"""The built-in world: garments with known attributes, drawn, described and changed by code."""
