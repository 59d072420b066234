"""A network over a picture, tile by tile: crops with room around them, their results blended where they meet."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt

from nst_core.picture_samples import to_bits, to_float
from nst_core.tiling import Tile, plan_tiles

BLEND_PX = 8
"""On each side of a border, where one tile's result passes into the next one's."""
ALIGN_PX = 8
"""Cores begin on multiples of this, which networks with windows like best."""

Progress = Callable[[float], None]
"""Takes the share of the work that is done, 0 to 1; what it raises ends the work."""


class Network(Protocol):
    """Enlarges what it is given."""

    @property
    def scale(self) -> int:
        """How much larger the result is, in pixels of a side."""
        ...

    @property
    def deep(self) -> bool:
        """Whether it sees and makes more than 8 bits a channel."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it is, for the settings inside a picture."""
        ...

    @property
    def halo_px(self) -> int:
        """What it needs to see around a tile; more than `BLEND_PX`, and a multiple of `ALIGN_PX`."""
        ...

    def fit(self, room_bytes: int) -> int:
        """Makes ready to take no more memory than this; gives the most pixels of a crop.

        Raises:
            BudgetError: It takes more for the smallest crop.
        """
        ...

    def enlarge(self, crops: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Each crop, (h, w, 3) uint8 or uint16, enlarged, as float32 in [0, 1]; several may be worked on at a time."""
        ...


def enlarge_tiles(
    pixels: np.ndarray, alpha: np.ndarray | None, factor: int, network: Network, crop_pixels: int, tell: Progress
) -> tuple[np.ndarray, np.ndarray | None]:
    """Colors and alpha, enlarged.

    Args:
        pixels: (H, W, 3) uint8 or uint16.
        alpha: (H, W), same dtype; is enlarged by Lanczos. Colors under full transparency are of no account.
        factor: up to the network's scale; where that is more, each of its results is made smaller.
        network: sees one crop at a time.
        crop_pixels: the most that it sees at once.
        tell: takes the share that is done.
    """
    height, width = pixels.shape[:2]
    bits = pixels.dtype.itemsize * 8
    out = np.empty((height * factor, width * factor, 3), pixels.dtype)
    out_alpha = None if alpha is None else np.empty(out.shape[:2], pixels.dtype)
    plan = plan_tiles(height, width, network.halo_px, ALIGN_PX, crop_pixels)
    windows = [np.s_[tile.crop_top : tile.crop_bottom, tile.crop_left : tile.crop_right] for tile in plan.tiles]
    crops = (_visible(pixels[window], None if alpha is None else alpha[window]) for window in windows)
    results = zip(plan.tiles, windows, network.enlarge(crops), strict=True)
    for number, (tile, window, large) in enumerate(results, 1):
        if alpha is not None and out_alpha is not None:
            _put(out_alpha, _lanczos(to_float(alpha[window]), factor), tile, factor, bits)
        if network.scale != factor:
            planes = [_lanczos(large[..., channel], factor / network.scale) for channel in range(3)]
            large = np.stack(planes, axis=-1)
        _put(out, large, tile, factor, bits)
        tell(number / len(plan.tiles))
    return out, out_alpha


def _put(out: np.ndarray, large: np.ndarray, tile: Tile, factor: int, bits: int) -> None:
    """Lays a tile's core over what is there, fading in across the borders to earlier tiles."""
    (rows, fade_y), (columns, fade_x) = (
        _fade(tile.top, tile.bottom, tile.crop_top, tile.crop_bottom, out.shape[0] // factor, factor),
        _fade(tile.left, tile.right, tile.crop_left, tile.crop_right, out.shape[1] // factor, factor),
    )
    top, left = tile.crop_top * factor, tile.crop_left * factor
    new = large[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    trailing = (1,) * (large.ndim - 2)
    for band, column_band in _bands(fade_y, fade_x):
        there = out[rows, columns][band, column_band]
        weight = np.outer(fade_y[band], fade_x[column_band])
        weight = weight.reshape(*weight.shape, *trailing)
        fresh = new[band, column_band]
        if there.size and weight.min() < 1:
            fresh = fresh * weight + to_float(there) * (1 - weight)
        there[...] = to_bits(fresh, bits)


def _fade(start: int, stop: int, crop_start: int, crop_stop: int, length: int, factor: int) -> tuple[slice, np.ndarray]:
    """Where along one axis of the result a tile is laid, and with what weights."""
    first = start - BLEND_PX if start > 0 else 0
    last = min(stop + BLEND_PX, length)
    first, last = max(first, crop_start), min(last, crop_stop)
    weights = np.ones((last - first) * factor, np.float32)
    if start > 0:
        ramp = 2 * (start - first) * factor
        weights[:ramp] = ((np.arange(ramp) + 0.5) / ramp)[: len(weights)]
    return slice(first * factor, last * factor), weights


def _bands(fade_y: np.ndarray, fade_x: np.ndarray) -> Iterator[tuple[slice, slice]]:
    """The faded top, the faded left side below it, and the rest, which nothing shines through."""
    y, x = int((fade_y < 1).sum()), int((fade_x < 1).sum())
    yield np.s_[:y], np.s_[:]
    yield np.s_[y:], np.s_[:x]
    yield np.s_[y:], np.s_[x:]


def _lanczos(plane: np.ndarray, scale: float) -> np.ndarray:
    height, width = plane.shape
    size = round(width * scale), round(height * scale)
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS))


def _visible(crop: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """The crop with the nearest visible color where it is fully transparent, so that no edge is made of the others."""
    if alpha is None:
        return crop
    hidden = alpha == 0
    if not hidden.any() or hidden.all():
        return crop
    rows, columns = np.asarray(distance_transform_edt(hidden, return_distances=False, return_indices=True))
    return crop[rows, columns]
