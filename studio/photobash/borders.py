"""How much each style counts at each pixel: masks whose borders fade, and follow the photo's own edges."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import uniform_filter

from nst_core.mask import resize_mask
from nst_core.picture import Picture, fit_long_side
from nst_core.picture_samples import resize_floats

WORK_PX = 768
"""Long side at which borders are found; between its pixels they follow the photo's, whatever its size."""
EDGE_VARIANCE = 4e-4
"""Of the photo's colors around a pixel: with less they are taken for flat, and a border fades as if there were none
(He et al. 2013, their epsilon)."""


def share_out(masks: Sequence[np.ndarray | None], height: int, width: int) -> np.ndarray:
    """The masks so that together they cover each pixel once, (S, h, w) float32.

    As with layers, a later mask lies over the earlier ones. What none takes goes to the styles without a mask, or to
    the first one.

    Args:
        masks: of the styles, of any size in the photo's proportions; None takes what the others leave.
        height, width: of the result.
    """
    left = np.ones((height, width), np.float32)
    shares = np.zeros((len(masks), height, width), np.float32)
    for share, mask in zip(shares[::-1], masks[::-1], strict=True):
        if mask is not None:
            share[:] = left * resize_mask(mask, height, width)
            left -= share
    rest = next((number for number, mask in enumerate(masks) if mask is None), 0)
    shares[rest] += left
    return shares


class Borders:
    """The share of each style at each pixel of a picture, found when rows are asked for.

    Source: He, Sun & Tang 2013, Guided Image Filtering, with a guide in color; He & Sun 2015 (arXiv 1505.00996),
        with the coefficients found in a small picture.

    Args:
        photo: gives the edges, at the size of the result.
        masks: as `share_out` takes them.
        feather_px: how far a border fades to either side where the photo has no edge, pixels; 0 leaves the masks as
            they are.
    """

    def __init__(self, photo: Picture, masks: Sequence[np.ndarray | None], feather_px: float) -> None:
        self.photo, self.hard = photo, feather_px <= 0
        long_side = max(photo.width, photo.height)
        if self.hard:
            largest = max((max(mask.shape) for mask in masks if mask is not None), default=WORK_PX)
            width, height = fit_long_side(photo.width, photo.height, min(largest, long_side))
            self.offset = np.moveaxis(share_out(masks, height, width), 0, 2)
            return
        width, height = fit_long_side(photo.width, photo.height, min(WORK_PX, long_side))
        shares = np.moveaxis(share_out(masks, height, width), 0, 2)
        guide = photo.resized(width, height).as_float()
        slope, self.offset = _guided(guide, shares, max(1, round(feather_px * width / photo.width / 2)))
        self.slope = slope.reshape(height, width, -1)

    def rows(self, band: slice) -> np.ndarray:
        """Shares of some rows, (rows, W, S) float32; they sum to 1."""
        size = self.photo.width, self.photo.height
        shares = resize_floats(self.offset, *size, band)
        if not self.hard:
            guide = self.photo.rows(band.start, band.stop)
            slope = resize_floats(self.slope, *size, band).reshape(*guide.shape, -1)
            shares += np.einsum("hwc,hwcs->hws", guide, slope)
        shares = np.maximum(shares, 0)
        return shares / np.maximum(shares.sum(2, keepdims=True), 1e-6)


def _guided(guide: np.ndarray, shares: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Slope (h, w, 3, S) and offset (h, w, S) of the guide's colors that come closest to the shares around each pixel.

    Args:
        guide: (h, w, 3).
        shares: (h, w, S).
        radius: of the surroundings, pixels; on flat ground a border fades within twice as many to either side.
    """

    def mean(x: np.ndarray) -> np.ndarray:
        return uniform_filter(x, 2 * radius + 1, mode="nearest", axes=(0, 1))

    color, share = mean(guide), mean(shares)
    covariance = mean(guide[..., :, None] * guide[..., None, :]) - color[..., :, None] * color[..., None, :]
    covariance += EDGE_VARIANCE * np.eye(3, dtype=np.float32)
    together = mean(guide[..., None] * shares[..., None, :]) - color[..., None] * share[..., None, :]
    slope = np.linalg.solve(covariance, together)
    offset = share - np.einsum("hwc,hwcs->hws", color, slope)
    return mean(slope), mean(offset)
