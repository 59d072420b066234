"""What a photobash is made of: styles, where each applies, and how they come together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.catalog import Style
from nst_core.errors import ConfigError, ImageError
from nst_core.picture import Picture
from serve.paint_options import PaintOptions
from studio.photobash.palette import Palette

FEATHER_SHARE = 0.03
"""Of the long side, that borders fade over to either side unless it is said."""
MOST_REGIONS = 12
"""That a photo is parted into."""
PROPORTIONS_OFF = 0.02
"""How far a mask's proportions may be from the photo's."""


@dataclass(frozen=True, eq=False)
class Part:
    """A style, and where it applies."""

    style: Style
    mask: np.ndarray | None = None
    """(h, w) in [0, 1], in the photo's proportions, 1 where it applies; None is all that the other masks leave."""
    options: PaintOptions = PaintOptions()
    """How it is painted; the size is that of the `PhotobashOptions`."""


@dataclass(frozen=True, eq=False)
class PhotobashOptions:
    """How the parts come together."""

    size: int = 0
    """Long side of the result, pixels; 0 keeps the photo's own."""
    feather_px: float | None = None
    """How far a border fades to either side where the photo has no edge to follow, pixels of the photo; None is 3 % of
    its long side, 0 keeps the masks as they are."""
    palette: Palette | Literal["first", "none"] = "first"
    """What the colors of all parts are matched to. first: the first style's, as it paints this photo."""
    palette_strength: float = 0.75
    """How far they are: 0 leaves each its own, 1 gives all the very same palette."""


def check_parts(photo: Picture, parts: Sequence[Part]) -> None:
    """Finds out whether a photo can be painted so.

    Raises:
        ConfigError: There are fewer than two styles, or an option makes no sense for its style.
        ImageError: A mask is not in the photo's proportions.
    """
    check_count(len(parts))
    for part in parts:
        part.options.check(part.style)
        if part.mask is not None:
            height, width = part.mask.shape
            check_proportions(photo, width, height, f"the mask of {part.style.name}")


def check_count(styles: int) -> None:
    """Finds out whether there are styles enough.

    Raises:
        ConfigError: There are not.
    """
    if styles < 2:
        raise ConfigError("a photobash takes two styles or more; for one alone there is impasto paint")


def check_proportions(photo: Picture, width: int, height: int, name: str) -> None:
    """Finds out whether a mask is the photo's.

    Raises:
        ImageError: It is not; the message calls the mask by this name.
    """
    if abs(width * photo.height / (height * photo.width) - 1) > PROPORTIONS_OFF:
        raise ImageError(
            f"{name} is {width}x{height} px, which are not the proportions of the photo ({photo.width}x{photo.height} "
            "px); make it from the photo"
        )
