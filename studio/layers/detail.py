"""How detailed a render is, and where a photo has details that a painter would keep."""

from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter

from nst_core.color import luminance
from nst_core.picture import Picture, fit_long_side
from studio.layers.sight import Sight

MEASURED_PX = 512
"""Long side at which renders are compared, so that their own sizes do not count."""
OCTAVES = 5
"""Of structure that are told apart: from 1 pixel at that size to 16."""
FACE_SHARE, SUBJECT_SHARE, EDGE_SHARE = 0.85, 0.85, 0.6
"""How much of the photo at most shows through the base: in faces, on the subject's edges, on all other edges."""


def measured_detail(render: Picture) -> float:
    """How fine the structures are that a render is made of, from 0 (broad strokes only) to 1 (fine ones only)."""
    light = luminance(render.resized(*fit_long_side(render.width, render.height, MEASURED_PX)).as_float())
    softer = [light, *(gaussian_filter(light, 2.0**octave) for octave in range(OCTAVES))]
    contrasts = np.array([np.std(finer - broader) for finer, broader in pairwise(softer)])
    fineness = np.linspace(1, 0, OCTAVES)
    return float(contrasts @ fineness / max(contrasts.sum(), 1e-6))


def detail_mask(sight: Sight) -> np.ndarray:
    """How much of the photo's own detail should stay, (h, w) float32 in [0, 1], at the size of `sight`."""
    kept = np.maximum(EDGE_SHARE * sight.edges**1.5, SUBJECT_SHARE * sight.subject * np.sqrt(sight.edges))
    kept = np.maximum(kept, FACE_SHARE * sight.face_ovals() * (0.4 + 0.6 * np.sqrt(sight.edges)))
    kept = np.maximum(kept, FACE_SHARE * sight.eye_ovals())
    return gaussian_filter(kept, 0.0015 * max(kept.shape))
