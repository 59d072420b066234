"""The masks that the renders begin with."""

import numpy as np
from scipy.ndimage import gaussian_filter

from nst_core.mask import resize_mask
from nst_core.picture import Picture
from studio.layers.options import Masks
from studio.layers.sight import Sight
from studio.photobash.regions import large_regions

SOFT_SHARE = 0.006
"""Of the long side: how far the masks' edges fade."""
MOST_REGIONS = 6


def render_masks(kind: Masks, count: int, sight: Sight) -> list[np.ndarray | None]:
    """The masks of so many renders, the broadest first; (h, w) float32 in [0, 1], at the size of `sight`.

    The broadest shows everywhere unless each has a place of its own, so that nothing is left bare. None is white.

    Raises:
        ImageError: There are not as many regions in the photo.
    """
    if kind == "white" or (kind == "region" and count == 1):
        return [None] * count
    if kind == "region":
        return _regions(count, sight)
    if kind == "saliency":
        return [None if count > 1 and rank == 0 else _above(rank, count, sight.saliency) for rank in range(count)]
    place = sight.subject if kind == "subject" else _near_edges(sight)
    broad = count // 2
    behind = None if kind == "edges" else 1 - place
    return [None if rank == 0 else behind for rank in range(broad)] + [place] * (count - broad)


def _near_edges(sight: Sight) -> np.ndarray:
    """Edges as broad as a brush that follows them."""
    spread = gaussian_filter(sight.edges, SOFT_SHARE * max(sight.edges.shape))
    return np.clip(1.6 * spread, 0, 1)


def _above(rank: int, count: int, values: np.ndarray) -> np.ndarray:
    """Fades in around a level: the more detailed a render, the higher."""
    return np.clip((values - max(rank, 0.5) / count) * count + 0.5, 0, 1)


def _regions(count: int, sight: Sight) -> list[np.ndarray | None]:
    """Each render's own part, the calmest for the broadest; where there are more renders than parts they share them."""
    wanted = min(count, MOST_REGIONS)
    height, width = sight.edges.shape
    parts = [resize_mask(part, height, width) for part in large_regions(Picture.from_float(sight.image), wanted)]
    parts.sort(key=lambda part: float((part * sight.edges).sum() / part.sum()))
    soft = [gaussian_filter(part, SOFT_SHARE * max(height, width)) for part in parts]
    return [None] + [soft[rank * wanted // count] for rank in range(1, count)]
