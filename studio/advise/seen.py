"""A picture as an optimizer sees it: at working size, its colors in Lab, its edges, and where it is calm and busy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from nst_core.color import rgb_to_lab
from nst_core.errors import ImageError
from nst_core.picture import Picture, fit_long_side

MIN_SIDE_PX = 32
"""Smaller pictures hold nothing to advise on."""
BLOCKS = 16
"""Along the long side, in which calm and busy are told apart."""
CALM, BUSY = 2.0, 7.0
"""Mean slope of a block in ΔE a pixel, at 512 px: calm below the first, busy above the second."""
SLOPE_LEVELS = np.geomspace(0.5, 40, 15)
"""Of slopes, in ΔE a pixel, whose mixture within a block is its entropy."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture at working size; what is measured of it is computed once, when it is asked for."""

    rgb: np.ndarray
    """(H, W, 3) float32 sRGB in [0, 1]."""

    @property
    def size(self) -> int:
        """The longer side, pixels."""
        return max(self.rgb.shape[:2])

    @cached_property
    def lab(self) -> np.ndarray:
        """(H, W, 3): L in [0, 100], a and b."""
        return rgb_to_lab(self.rgb)

    @property
    def value(self) -> np.ndarray:
        """(H, W): L in [0, 100]."""
        return self.lab[..., 0]

    @cached_property
    def chroma(self) -> np.ndarray:
        """(H, W): 0 is gray, full colors are at 60 to 130."""
        return np.hypot(self.lab[..., 1], self.lab[..., 2])

    @cached_property
    def hue(self) -> np.ndarray:
        """(H, W): angle in Lab's plane of colors, in [-π, π]; of grays it means nothing."""
        return np.arctan2(self.lab[..., 2], self.lab[..., 1])

    @cached_property
    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Slopes of L, a and b across and down, each (H, W, 3), in ΔE a pixel at 512 px."""
        scale = self.size / 512
        smooth = ndimage.gaussian_filter(self.lab, (scale, scale, 0))
        return np.gradient(smooth, axis=1) * scale, np.gradient(smooth, axis=0) * scale

    @cached_property
    def edges(self) -> np.ndarray:
        """(H, W): how steeply the color changes, in ΔE a pixel at 512 px."""
        across, down = self.slopes
        return np.sqrt((across**2 + down**2).sum(-1))

    @cached_property
    def block_slopes(self) -> np.ndarray:
        """Mean of `edges` in each block."""
        return self._in_blocks(self.edges).mean(-1)

    @cached_property
    def busyness(self) -> np.ndarray:
        """Entropy of the slopes in each block, in [0, 1]: 0 is one flat or even tone, 1 holds every kind of edge."""
        levels = self._in_blocks(np.digitize(self.edges, SLOPE_LEVELS))
        kinds = len(SLOPE_LEVELS) + 1
        shares = np.stack([(levels == kind).mean(-1) for kind in range(kinds)], -1)
        return -(shares * np.log2(np.maximum(shares, 1e-12))).sum(-1) / np.log2(kinds)

    def _in_blocks(self, array: np.ndarray) -> np.ndarray:
        """(H, W) as (rows, columns, pixels of a block); what is left at the right and below is left out."""
        side = max(1, self.size // BLOCKS)
        side = min(side, *array.shape)
        rows, columns = array.shape[0] // side, array.shape[1] // side
        whole = array[: rows * side, : columns * side].reshape(rows, side, columns, side)
        return whole.swapaxes(1, 2).reshape(rows, columns, side * side)


def look(picture: Picture, size: int) -> Seen:
    """A picture at working size, on white where it is transparent.

    Args:
        picture: the picture.
        size: of its long side, pixels; a smaller picture is enlarged, as it is for painting.

    Raises:
        ImageError: The picture is too small.
    """
    if min(picture.width, picture.height) < MIN_SIDE_PX:
        raise ImageError(
            f"{picture.name or 'the picture'} has {picture.width} × {picture.height} pixels; "
            f"it takes {MIN_SIDE_PX} × {MIN_SIDE_PX} to tell anything"
        )
    picture = picture.resized(*fit_long_side(picture.width, picture.height, size))
    rgb = picture.as_float()
    if picture.alpha is not None:
        cover = (picture.alpha / np.float32(np.iinfo(picture.alpha.dtype).max))[..., None]
        rgb = rgb * cover + (1 - cover)
    return Seen(rgb)
