"""Where the eye goes first in a photo."""

import numpy as np
from scipy.sparse.csgraph import shortest_path
from scipy.spatial.distance import cdist
from skimage.segmentation import slic

from nst_core.color import rgb_to_lab
from nst_core.picture import fit_long_side
from nst_core.picture_samples import resize_floats
from studio.subject.edges import follow_edges

LONG_SIDE_PX = 320
"""At which it is looked for: what is finer does not catch the eye."""
SEGMENTS = 250
COLOR_SIGMA = 10.0
"""Lab distance within which two segments look alike."""
TOP_PERCENT = 98
"""Of the pixels: what stands out more than these counts as 1, so that one lamp does not dim all else."""
NEAR_SIGMA = 0.4
"""Distance, in long sides, over which segments are compared."""


def saliency(image: np.ndarray) -> np.ndarray:
    """How much each place stands out from what surrounds it.

    What is joined to the picture's border along most of its outline is background; what differs from the background
    stands out; and the result is smooth within what looks alike.

    Args:
        image: (H, W, 3) float32 in [0, 1], sRGB.

    Returns:
        (H, W) float32 in [0, 1]; 0 everywhere in a picture that is all of one color.

    Source: Zhu, Liang, Wei & Sun 2014, Saliency Optimization from Robust Background Detection.
    Differs: the segments are those of scikit-image, and the result follows the photo's edges by a guided filter.
    """
    height, width = image.shape[:2]
    small = np.clip(resize_floats(image, *fit_long_side(width, height, min(LONG_SIDE_PX, max(width, height)))), 0, 1)
    labels = slic(small, SEGMENTS, compactness=12, start_label=0, channel_axis=-1)
    values = _segment_saliency(rgb_to_lab(small), labels)
    found = (values - values.min()).astype(np.float32)[labels]
    if (top := np.percentile(found, TOP_PERCENT)) < 1e-3:
        return np.zeros((height, width), np.float32)
    found = np.minimum(found / top, 1)
    return follow_edges(found, small, image)


def _segment_saliency(lab: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """One value a segment; (S,)."""
    count = int(labels.max()) + 1
    sizes = np.bincount(labels.ravel(), minlength=count)
    height, width = labels.shape
    rows, columns = np.mgrid[:height, :width]

    def mean(plane: np.ndarray) -> np.ndarray:
        return np.bincount(labels.ravel(), plane.ravel(), count) / np.maximum(sizes, 1)

    colors = np.stack([mean(lab[..., channel]) for channel in range(3)], axis=1)
    places = np.stack([mean(rows), mean(columns)], axis=1) / max(labels.shape)
    border = np.zeros(count, bool)
    border[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    unlike = cdist(colors, colors)
    if unlike.max() < 1:
        return np.zeros(count)
    adjacent = _adjacent(labels, count, border)
    background = _background(unlike, adjacent, border)
    near = np.exp(-(cdist(places, places) ** 2) / (2 * NEAR_SIGMA**2))
    contrast = (unlike * near) @ background
    contrast /= max(contrast.max(), 1e-9)
    return _optimized(contrast, background, unlike, adjacent)


def _adjacent(labels: np.ndarray, count: int, border: np.ndarray) -> np.ndarray:
    """(S, S) bool: which segments touch; all at the border touch each other."""
    adjacent = np.zeros((count, count), bool)
    for one, other in ((labels[:-1], labels[1:]), (labels[:, :-1], labels[:, 1:])):
        adjacent[one, other] = adjacent[other, one] = True
    adjacent |= border[:, None] & border
    np.fill_diagonal(adjacent, False)
    return adjacent


def _background(unlike: np.ndarray, adjacent: np.ndarray, border: np.ndarray) -> np.ndarray:
    """How surely each segment is background, (S,) in [0, 1]: by the share of its region's outline on the border."""
    nearest = np.where(adjacent, unlike, np.inf).min(axis=1)
    small = np.mean(nearest[np.isfinite(nearest)])  # steps as small as within one thing count as none
    steps = np.where(adjacent, np.maximum(unlike - small, 0) + 1e-6, 0)
    far = shortest_path(steps, directed=False)
    alike = np.exp(-(far**2) / (2 * COLOR_SIGMA**2))
    outline = alike[:, border].sum(axis=1) / np.sqrt(alike.sum(axis=1))
    return 1 - np.exp(-(outline**2) / 2)


def _optimized(contrast: np.ndarray, background: np.ndarray, unlike: np.ndarray, adjacent: np.ndarray) -> np.ndarray:
    """Contrast where it stands out, 0 in the background, and alike among neighbors that look alike (equation 9)."""
    second = (adjacent.astype(np.float32) @ adjacent > 0) | adjacent
    ties = np.where(second, np.exp(-(unlike**2) / (2 * COLOR_SIGMA**2)) + 0.1, 0)
    np.fill_diagonal(ties, 0)
    laplacian = np.diag(ties.sum(axis=1)) - ties
    return np.linalg.solve(laplacian + np.diag(background + contrast), contrast)
