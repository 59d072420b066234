"""A guided filter: a mask that was found in a small picture, at the full size and along the photo's own edges."""

import numpy as np
from scipy.ndimage import uniform_filter

from nst_core.picture import Picture
from nst_core.picture_samples import bands, resize_floats, to_bits

EDGE_VARIANCE = 1e-3
"""Of lightness in a neighborhood: with less the filter takes it for flat (He et al. 2013, their epsilon)."""
RADIUS_SHARE = 0.012
"""Of the small picture's long side."""


def follow_edges(mask: np.ndarray, small: np.ndarray, image: np.ndarray, share: float = RADIUS_SHARE) -> np.ndarray:
    """A mask along the edges of a picture, at its size.

    Args:
        mask: (h, w) float32 in [0, 1], found in `small`.
        small: (h, w, 3) float32 in [0, 1], the picture made smaller.
        image: (H, W, 3) float32 in [0, 1].
        share: of the small picture's long side, how far off an edge the mask may have been.

    Returns:
        (H, W) float32 in [0, 1].

    Source: He & Sun 2015, Fast Guided Filter (arXiv 1505.00996): the coefficients are found in the small picture.
    """
    height, width = image.shape[:2]
    terms = resize_floats(_terms(mask, small, share), width, height)
    return np.clip(terms[..., 0] * _lightness(image) + terms[..., 1], 0, 1)


def enlarge_mask(mask: np.ndarray, small: np.ndarray, photo: Picture, share: float = RADIUS_SHARE) -> np.ndarray:
    """The same as `follow_edges`, for a photo as it was read and by bands; (H, W) uint8."""
    terms = _terms(mask, small, share)
    out = np.empty((photo.height, photo.width), np.uint8)
    for band in bands(photo.height, photo.width):
        slope, offset = np.moveaxis(resize_floats(terms, photo.width, photo.height, band), 2, 0)
        out[band] = to_bits(slope * _lightness(photo.rows(band.start, band.stop)) + offset, 8)
    return out


def _terms(mask: np.ndarray, small: np.ndarray, share: float) -> np.ndarray:
    """Slope and offset, (h, w, 2), such that slope * lightness + offset is the mask."""
    size = 2 * max(1, round(share * max(mask.shape))) + 1
    guide = _lightness(small)
    mean, guide_mean = uniform_filter(mask, size), uniform_filter(guide, size)
    slope = uniform_filter(guide * mask, size) - guide_mean * mean
    slope /= uniform_filter(guide * guide, size) - guide_mean**2 + EDGE_VARIANCE
    offset = uniform_filter(mean - slope * guide_mean, size)
    return np.stack([uniform_filter(slope, size), offset], axis=-1).astype(np.float32)


def _lightness(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) to (H, W), as edges are seen by it (BT.601)."""
    return rgb @ np.array([0.299, 0.587, 0.114], np.float32)
