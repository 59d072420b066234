"""How a photo is painted in a style: what artists turn."""

import math
from dataclasses import dataclass
from typing import Literal

from models.card import MIN_SIDE_PX, STRENGTH_RANGE
from models.catalog import Style
from nst_core.errors import ConfigError

BRUSH_RANGE = (0.25, 4.0)
"""Of the brush size."""


@dataclass(frozen=True)
class PaintOptions:
    """How a photo is painted in a style."""

    size: int = 0
    """Long side of the result, pixels; 0 keeps the photo's own."""
    strength: float = 1.0
    """How much painting: 0 is the photo, 1 as trained, up to 1.5."""
    brush_size: float = 1.0
    """Size of the strokes in proportion to the picture, whatever its size in pixels: 1 as trained, 0.25 to 4."""
    weights: tuple[float, ...] = ()
    """Share of each painting, where a style holds several; empty takes equal shares."""
    color: Literal["painting", "photo", "palette"] = "painting"
    """painting: its colors; photo: the photo's own, by luminance; palette: the result's colors matched to it."""

    def check(self, style: Style) -> None:
        """Finds out whether a style can be painted so.

        Raises:
            ConfigError: It cannot; the message says which option is wrong.
        """
        for name, value, (low, high) in (
            ("strength", self.strength, STRENGTH_RANGE),
            ("brush_size", self.brush_size, BRUSH_RANGE),
        ):
            if not low <= value <= high:
                raise ConfigError(f"{name} must be from {low:g} to {high:g}, not {value:g}")
        if self.size != 0 and self.size < MIN_SIDE_PX:
            raise ConfigError(f"size must be {MIN_SIDE_PX} px or more, or 0 for the photo's own, not {self.size}")
        names = [painting.name for painting in style.card.paintings]
        if self.weights and len(names) == 1:
            raise ConfigError(f"{style.name} holds one painting only; leave the weights out")
        if self.weights and len(self.weights) != len(names):
            count = len(self.weights)
            raise ConfigError(f"{style.name} holds {len(names)} paintings ({', '.join(names)}), not {count} weights")
        if self.weights and not (all(weight >= 0 for weight in self.weights) and 0 < sum(self.weights) < math.inf):
            raise ConfigError("weights must be 0 or more, and not all 0")

    def shares(self, style: Style) -> tuple[float, ...]:
        """Of each of the style's paintings; their sum is 1."""
        weights = self.weights or (1.0,) * len(style.card.paintings)
        return tuple(weight / sum(weights) for weight in weights)
