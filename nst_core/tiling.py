"""Dividing a picture into tiles: exact cores that cover it once, each inside a crop with room around it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

from nst_core.errors import BudgetError


@dataclass(frozen=True)
class Tile:
    """One tile: the core it answers for, and the crop that is needed to answer. Pixels, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int
    crop_top: int
    crop_bottom: int
    crop_left: int
    crop_right: int

    def core(self, stride: int) -> tuple[slice, slice]:
        """Rows and columns of the core in a feature map of the crop, one position for `stride` pixels."""
        return (
            slice((self.top - self.crop_top) // stride, (self.bottom - self.crop_top) // stride),
            slice((self.left - self.crop_left) // stride, (self.right - self.crop_left) // stride),
        )


Margins = tuple[int, int, int, int]
"""Pixels to the left, to the right, above and below."""


@dataclass(frozen=True)
class TilePlan:
    """The tiles of a canvas, row by row; one tile is the whole canvas.

    The canvas is a picture with mirrored margins. It is never made as a whole: what a tile needs of it
    is mirrored when the tile's turn comes.
    """

    height: int
    width: int
    tiles: tuple[Tile, ...]
    margins: Margins = (0, 0, 0, 0)

    @property
    def whole(self) -> bool:
        """Whether the picture is not divided."""
        return len(self.tiles) == 1

    @property
    def crop_pixels(self) -> int:
        """Pixels of the largest crop."""
        return max((t.crop_bottom - t.crop_top) * (t.crop_right - t.crop_left) for t in self.tiles)

    def part(self, index: int) -> tuple[slice, slice, Margins]:
        """Rows and columns of the picture in one tile's crop, and the margins to mirror onto them."""
        tile = self.tiles[index]
        left, right, top, bottom = self.margins
        beyond = (
            max(0, left - tile.crop_left),
            max(0, tile.crop_right - (self.width - right)),
            max(0, top - tile.crop_top),
            max(0, tile.crop_bottom - (self.height - bottom)),
        )
        rows = slice(tile.crop_top + beyond[2] - top, tile.crop_bottom - beyond[3] - top)
        columns = slice(tile.crop_left + beyond[0] - left, tile.crop_right - beyond[1] - left)
        return rows, columns, beyond


def _cuts(length: int, core: int, align: int) -> list[int]:
    """Ends of equal parts of at most `core`, on multiples of `align` but for the last."""
    parts = max(1, math.ceil(length / core))
    inner = [round(i * length / parts / align) * align for i in range(1, parts)]
    return [0, *inner, length]


def canvas_margins(height: int, width: int, align: int) -> Margins:
    """What to mirror onto a picture before a loss network looks at it.

    Pooling passes over what is left of a side after the last whole stride: nothing would keep the last
    rows and columns in check, and they would fill with colors. With these margins the sides are multiples
    of `align`, and the picture's own border is nowhere the border of what the network sees.
    """
    half = align // 2
    right, bottom = (half + -n % align for n in (width, height))
    return half, right, half, bottom


def smaller_tiles(plan: TilePlan, halo: int, align: int) -> TilePlan:
    """The same canvas in tiles with about half as large a core.

    Raises:
        BudgetError: the tiles are as small as is useful.
    """
    side = max(max(t.bottom - t.top, t.right - t.left) for t in plan.tiles)
    while side > align:
        side //= 2
        smaller = plan_tiles(plan.height, plan.width, halo, align, (side + 2 * halo + align) ** 2)
        if len(smaller.tiles) > len(plan.tiles):
            return replace(smaller, margins=plan.margins)
    raise BudgetError("out of memory even with the smallest tiles; lower --size or close other programs")


def plan_tiles(height: int, width: int, halo: int, align: int, crop_pixels: int) -> TilePlan:
    """Divide a picture or canvas so that no crop is larger than `crop_pixels`.

    Args:
        height, width: of it, pixels.
        halo: room needed around a core, pixels; a multiple of `align`.
        align: cores begin on multiples of this.
        crop_pixels: the most pixels in a crop, halo included.

    Raises:
        BudgetError: not even the smallest useful tile fits.
    """
    if height * width <= crop_pixels:
        return TilePlan(height, width, (Tile(0, height, 0, width, 0, height, 0, width),))
    side = math.isqrt(crop_pixels)
    # A long side that fits whole needs no halo along it: give the room to the other one.
    core_height = height if height <= side else max(align, side - 2 * halo - align)
    core_width = max(align, crop_pixels // min(height, core_height + 2 * halo + align) - 2 * halo - align)
    if core_width <= align or core_height <= align:
        raise BudgetError("the memory limit leaves no room for a tile; raise --memory-limit")
    rows, columns = _cuts(height, core_height, align), _cuts(width, core_width, align)
    tiles = tuple(
        Tile(
            top, bottom, left, right,
            max(0, top - halo), min(height, bottom + halo), max(0, left - halo), min(width, right + halo),
        )
        for top, bottom in itertools.pairwise(rows)
        for left, right in itertools.pairwise(columns)
    )  # fmt: skip
    return TilePlan(height, width, tiles)
