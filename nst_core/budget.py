"""What an optimization will need, decided and said before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from nst_core.errors import BudgetError
from nst_core.features import LossNetwork
from nst_core.objective import CONTENT_LAYER
from nst_core.picture import fit_long_side
from nst_core.tiling import TilePlan, canvas_margins, plan_tiles

SMALLEST_PX = 32
"""Shortest side that the deepest layer of a loss network still has two positions for."""
COARSEST_PX = 256
"""Long side of the first scale, where a loss network sees a painting's larger forms."""
FULL_EFFORT_PX = 512
"""Scales up to this long side get all iterations; larger ones refine what these have laid out."""
FEWEST_CORRECTIONS = 4
"""With room for less history than this, Adam takes the place of L-BFGS; a choice, not a measurement."""
LBFGS_PICTURES, ADAM_PICTURES = 13, 5
"""fp32 pictures that an optimizer's step holds at its peak, the picture and its gradient included."""
PICTURE_BYTES = 3 * 4


@dataclass(frozen=True)
class Scale:
    """One size at which the picture is optimized."""

    width: int
    height: int
    iterations: int
    views: int
    """How many of the loss network's views take turns."""
    tiles: TilePlan

    @property
    def work(self) -> int:
        """Pixels passed through the loss network, to share out the time with."""
        passes = 1 if self.tiles.whole else 1.4  # a second forward pass gathers the moments
        crops = sum((t.crop_bottom - t.crop_top) * (t.crop_right - t.crop_left) for t in self.tiles.tiles)
        return round(passes * crops * self.iterations)


@dataclass(frozen=True)
class Plan:
    """Scales, optimizer and tiles, and the memory they are expected to take."""

    scales: tuple[Scale, ...]
    optimizer: str
    history: int
    needed_bytes: int
    limit_bytes: int

    def __str__(self) -> str:
        last = self.scales[-1]
        sizes = ", ".join(str(max(s.width, s.height)) for s in self.scales)
        optimizer = f"L-BFGS with {self.history} corrections" if self.optimizer == "lbfgs" else "Adam"
        tiles = "undivided" if last.tiles.whole else f"in {len(last.tiles.tiles)} tiles"
        return (
            f"{last.width}x{last.height} px, scales {sizes} px, {optimizer}, {tiles}; "
            f"about {megabytes(self.needed_bytes)} of {megabytes(self.limit_bytes)}"
        )


def scale_sizes(width: int, height: int, size: int) -> list[tuple[int, int]]:
    """Sizes (width, height) from coarse to fine: factors of two down to `COARSEST_PX` or a little more."""
    halvings = max(0, math.floor(math.log2(max(1.0, size / COARSEST_PX))))
    sizes = [fit_long_side(width, height, max(1, round(size / 2**i))) for i in range(halvings, -1, -1)]
    usable = [s for s in sizes if min(s) >= SMALLEST_PX]
    if not usable:
        raise BudgetError(f"{width}x{height} at {size} px has a side below {SMALLEST_PX} px; raise --size")
    return usable


def plan_optimization(
    network: LossNetwork,
    width: int,
    height: int,
    size: int,
    iterations: int,
    optimizer: str,
    history: int,
    limit_bytes: int,
    source_bytes: int,
    one_scale: bool = False,
    one_view: bool = False,
) -> Plan:
    """Fit an optimization into memory.

    Tiles come first, as they cost only time; then L-BFGS's history is shortened; then Adam takes over.

    Args:
        network: the loss network.
        width, height: of the photo.
        size: long side of the result, pixels.
        iterations: at each scale up to `FULL_EFFORT_PX`.
        optimizer: `lbfgs` or `adam`.
        history: corrections L-BFGS would like to keep.
        limit_bytes: memory beyond the interpreter's own.
        source_bytes: what the pictures held beside the optimizer take.
        one_scale: all iterations at the final size.
        one_view: through the loss network as it is, whatever the optimizer.

    Raises:
        BudgetError: it does not fit; the message says which limit would do.
    """
    sizes = scale_sizes(width, height, size)
    sizes = sizes[-1:] if one_scale else sizes
    counts = {size: iterations if one_scale else scale_iterations(iterations, size) for size in sizes}
    align = max(network.strides.values())
    width, height = sizes[-1]
    pixels = width * height
    canvas = (width + 2 * align) * (height + 2 * align)  # with the widest margins
    tile = min(canvas, (2 * network.halo_px + 12 * align) ** 2) * network.bytes_per_pixel
    content = canvas // network.strides[CONTENT_LAYER] ** 2 * network.content_channels * 4

    def held(name: str, corrections: int, views: int = 1) -> int:
        pictures = LBFGS_PICTURES + 2 * corrections if name == "lbfgs" else ADAM_PICTURES
        return pictures * PICTURE_BYTES * pixels + views * content + source_bytes

    name, corrections, views = optimizer, 0, 1
    if name == "lbfgs":
        corrections = min(history, (limit_bytes - tile - held(name, 0)) // (2 * PICTURE_BYTES * pixels))
        if corrections < FEWEST_CORRECTIONS:
            name, corrections = "adam", 0
    if name == "adam":
        most = 1 if one_view else min(len(network.views()), counts[sizes[-1]])
        # Targets for more views may take memory from the tiles only while those stay of a useful size.
        views = max([v for v in range(1, most + 1) if held(name, 0, v) + 3 * tile <= limit_bytes], default=1)
    room = limit_bytes - held(name, corrections, views)
    if room < tile:
        raise BudgetError(
            f"{width}x{height} px needs {megabytes(held('adam', 0) + tile)} at the least, "
            f"{megabytes(limit_bytes)} is allowed; lower --size or raise --memory-limit"
        )
    crop_pixels = room // network.bytes_per_pixel
    scales = tuple(Scale(w, h, counts[w, h], views, _canvas_tiles(w, h, network, crop_pixels)) for w, h in sizes)
    largest = max(scale.tiles.crop_pixels for scale in scales)
    needed = held(name, corrections, views) + largest * network.bytes_per_pixel
    return Plan(scales, name, corrections, needed, limit_bytes)


def _canvas_tiles(width: int, height: int, network: LossNetwork, crop_pixels: int) -> TilePlan:
    """Tiles of a picture with its mirrored margins."""
    align = max(network.strides.values())
    margins = left, right, top, bottom = canvas_margins(height, width, align)
    tiles = plan_tiles(height + top + bottom, width + left + right, network.halo_px, align, crop_pixels)
    return replace(tiles, margins=margins)


def scale_iterations(iterations: int, size: tuple[int, int]) -> int:
    """Iterations at a scale (width, height), of so many at a scale of up to `FULL_EFFORT_PX`."""
    return max(1, round(iterations * min(1.0, FULL_EFFORT_PX / max(size))))


def megabytes(count: int) -> str:
    """A number of bytes to read: `1.50 GB` or `80 MB`, rounded up."""
    return f"{math.ceil(count / 1e7) / 100:.2f} GB" if count >= 1e8 else f"{math.ceil(count / 1e6)} MB"
