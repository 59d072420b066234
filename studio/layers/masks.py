"""The masks that the renders begin with."""

import numpy as np
from scipy.ndimage import gaussian_filter

from nst_core.picture import Picture
from studio.layers.options import Masks
from studio.layers.sight import Sight
from studio.photobash.borders import Borders
from studio.photobash.regions import large_regions

BRUSH_SHARE, FADE_SHARE = 0.006, 0.025
"""Of the long side: the width of a brush that follows edges; how far regions fade where no edge parts them."""
MOST_REGIONS = 6


def render_masks(kind: Masks, count: int, sight: Sight) -> list[tuple[int, np.ndarray | None]]:
    """The masks of so many renders, the broadest first, and in which place each is; renders of one place share it.

    The broadest shows everywhere where others have places of their own, so that nothing is left bare.

    Returns:
        The number of the place, and (h, w) float32 in [0, 1] at the size of `sight`; None is white.

    Raises:
        ImageError: There are not as many regions in the photo.
    """
    if kind == "white" or (kind == "region" and count == 1):
        return [(0, None)] * count
    if kind == "region":
        return _regions(count, sight)
    if kind == "saliency":
        bare = count > 1
        return [(rank, None if bare and not rank else _above(rank, count, sight.saliency)) for rank in range(count)]
    detailed = sight.subject if kind == "subject" else _near_edges(sight)
    behind = None if kind == "edges" else 1 - detailed
    broad = count // 2
    return [(0, behind if rank else None) for rank in range(broad)] + [(1, detailed)] * (count - broad)


def _near_edges(sight: Sight) -> np.ndarray:
    """Edges as broad as a brush that follows them."""
    spread = gaussian_filter(sight.edges, BRUSH_SHARE * max(sight.edges.shape))
    return np.clip(1.6 * spread, 0, 1)


def _above(rank: int, count: int, values: np.ndarray) -> np.ndarray:
    """Fades in around a level: the more detailed a render, the higher."""
    return np.clip((values - max(rank, 0.5) / count) * count + 0.5, 0, 1)


def _regions(count: int, sight: Sight) -> list[tuple[int, np.ndarray | None]]:
    """Each render's own part, the calmest for the broadest; where there are more renders than parts they share them."""
    wanted = min(count, MOST_REGIONS)
    photo = Picture.from_float(sight.image)
    parts = large_regions(photo, wanted)
    borders = Borders(photo, parts, FADE_SHARE * max(photo.width, photo.height)).rows(slice(0, photo.height))
    shares = [borders[..., number] for number in range(wanted)]
    shares.sort(key=lambda share: float((share * sight.edges).sum() / max(share.sum(), 1e-6)))
    places = [rank * wanted // count for rank in range(count)]
    return [(place, shares[place] if rank else None) for rank, place in enumerate(places)]
