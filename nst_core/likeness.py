"""How like a photo, and how near to a painting's colors, a picture looks; without any loss network."""

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import eye_array, kron, vstack
from skimage.filters import gaussian, sobel
from skimage.metrics import structural_similarity

from nst_core.color import luminance, rgb_to_lab
from nst_core.picture import Picture, fit_long_side

COLOR_PX = 256
"""Long side at which colors are counted."""
COLOR_STEP = 12.0
"""Side of a histogram's bins in Lab: with 8 the distance changes by 3 %, and takes ten times as long."""
EDGE_BLUR_PX = 1.0
"""Of the pictures whose edges are compared, so that grain is none."""

_ROUNDING = 1e-4
"""Edges of flat pictures are no more than this."""
_NOTHING = 1e-12
"""Shares that differ by rounding alone are no further apart."""


def ssim(picture: Picture, photo: Picture) -> float:
    """Structural similarity of the luminance of two pictures of one size, 1 where they are the same.

    Source: Wang et al. 2004, with their Gaussian window.
    """
    a, b = luminance(picture.as_float()), luminance(photo.as_float())
    found = structural_similarity(a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    return float(found)  # pyright: ignore[reportArgumentType] - more only where it is asked for


def edge_agreement(picture: Picture, photo: Picture) -> float:
    """Correlation of the strength of edges in the luminance of two pictures of one size: 1 the same, 0 none."""
    a, b = (sobel(gaussian(luminance(p.as_float()), EDGE_BLUR_PX)).ravel() for p in (picture, photo))
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / max(np.sqrt((a @ a) * (b @ b)), _ROUNDING))


def color_distance(picture: Picture, painting: Picture) -> float:
    """How far a picture's colors have to be moved to be the painting's, in units of Lab (2 are hardly seen).

    The earth mover's distance of the histograms of both.

    Source: Rubner, Tomasi & Guibas 2000, in CIE Lab.
    """
    (a, shares), (b, wanted) = _histogram(picture), _histogram(painting)
    colors, where = np.unique(np.concatenate([a, b]), axis=0, return_inverse=True)
    surplus = np.bincount(where.ravel(), np.concatenate([shares, -wanted]))  # what both have stays: Lab is a metric
    leaving, missing = surplus > _NOTHING, surplus < -_NOTHING
    if not leaving.any() or not missing.any():
        return 0.0
    cost = np.linalg.norm(colors[leaving][:, None] - colors[missing][None], axis=2)
    rows, columns = cost.shape
    leaves = kron(eye_array(rows), np.ones((1, columns)))
    arrives = kron(np.ones((1, rows)), eye_array(columns))
    shares = np.concatenate([surplus[leaving], -surplus[missing]])
    return float(linprog(cost.ravel(), A_eq=vstack([leaves, arrives]).tocsr(), b_eq=shares).fun)


def _histogram(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """Colors that occur, (n, 3) Lab, and the share of each, (n,)."""
    long_side = min(COLOR_PX, max(picture.width, picture.height))
    small = picture.resized(*fit_long_side(picture.width, picture.height, long_side))
    bins = np.round(rgb_to_lab(small.as_float()).reshape(-1, 3) / COLOR_STEP).astype(int)
    colors, counts = np.unique(bins, axis=0, return_counts=True)
    return colors * COLOR_STEP, counts / counts.sum()
