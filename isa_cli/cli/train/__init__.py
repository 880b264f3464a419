"""``isa train`` and its two stages: what they may be told, and what they say."""
