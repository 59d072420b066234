"""A guided filter: a mask that was found in a small picture, at the full size and along the photo's own edges."""

import numpy as np
from scipy.ndimage import uniform_filter

from nst_core.picture_samples import resize_floats

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
    size = 2 * max(1, round(share * max(mask.shape))) + 1
    guide = _lightness(small)
    mean, guide_mean = uniform_filter(mask, size), uniform_filter(guide, size)
    slope = uniform_filter(guide * mask, size) - guide_mean * mean
    slope /= uniform_filter(guide * guide, size) - guide_mean**2 + EDGE_VARIANCE
    offset = uniform_filter(mean - slope * guide_mean, size)
    slope = uniform_filter(slope, size)
    height, width = image.shape[:2]
    terms = resize_floats(np.stack([slope, offset], axis=-1).astype(np.float32), width, height)
    return np.clip(terms[..., 0] * _lightness(image) + terms[..., 1], 0, 1)


def _lightness(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) to (H, W), as edges are seen by it (BT.601)."""
    return rgb @ np.array([0.299, 0.587, 0.114], np.float32)
