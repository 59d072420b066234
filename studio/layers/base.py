"""The painterly base: a photo in facets, as laid in with a flat, dry brush."""

import numpy as np

from nst_core.picture import Picture, fit_long_side
from studio.subject.opencv import load_opencv

WORK_PX = 1600
"""Long side at which the facets are made; larger photos get them enlarged."""
RADIUS_SHARE = 1 / 110
"""Of the long side: the size of the brush."""
SECTORS = 8
CALM_SHARE, CALM_LEVELS = 1 / 250, 18
"""Of the first smoothing: its reach in long sides, and the levels of color that it evens out."""
DECISION = 4.0
"""How much a sector counts for being calmer than the others: high is facets, low is blur."""
WEIGHT_FLOOR = 1e-12


def painterly(photo: Picture) -> np.ndarray:
    """The photo without its fine structure, edges kept, in facets; (H, W, 3) uint8.

    Mean shift evens out what is one color; the Kuwahara filter then lays facets, each place the mean of the calmest of
    the sectors around it.

    Raises:
        ConfigError: OpenCV is not installed.
    """
    cv2 = load_opencv()
    width, height = fit_long_side(photo.width, photo.height, min(WORK_PX, max(photo.width, photo.height)))
    small = photo.with_bits(8).resized(width, height).pixels
    reach = max(2.0, CALM_SHARE * max(width, height))
    calm = cv2.pyrMeanShiftFiltering(np.ascontiguousarray(small), reach, CALM_LEVELS)
    painted = _kuwahara(calm, max(2, round(RADIUS_SHARE * max(width, height))))
    if (width, height) == (photo.width, photo.height):
        return painted
    return cv2.resize(painted, (photo.width, photo.height), interpolation=cv2.INTER_CUBIC)


def _kuwahara(pixels: np.ndarray, radius: int) -> np.ndarray:
    """(h, w, 3) uint8 in and out.

    Source: Papari, Petkov & Campisi 2007, Artistic Edge and Corner Enhancing Smoothing: the sectors' means, weighted
        by how calm each sector is.
    """
    cv2 = load_opencv()
    image = pixels.astype(np.float32) / 255
    squares = image * image
    total, weights = np.zeros_like(image), np.zeros((*image.shape[:2], 1), np.float32)
    for sector in range(SECTORS):
        kernel = _sector(sector, radius)
        mean = cv2.filter2D(image, -1, kernel)
        spread = np.abs(cv2.filter2D(squares, -1, kernel) - mean * mean).sum(axis=2, keepdims=True)
        weight = np.maximum(1 / (1 + (255 * spread) ** DECISION), WEIGHT_FLOOR)
        total += mean * weight
        weights += weight
    return np.rint(np.clip(total / weights, 0, 1) * 255).astype(np.uint8)


def _sector(number: int, radius: int) -> np.ndarray:
    """One of the sectors of a disk, its edges soft, as weights that add up to 1."""
    cv2 = load_opencv()
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    angle, off = np.arctan2(y, x), np.hypot(x, y) / radius
    aside = np.abs((angle - number * 2 * np.pi / SECTORS + np.pi) % (2 * np.pi) - np.pi)
    inside = ((aside < 1.3 * np.pi / SECTORS) | (off == 0)) & (off <= 1)
    kernel = cv2.GaussianBlur((inside * np.exp(-2 * off**2)).astype(np.float32), (0, 0), max(0.5, radius / 6))
    return kernel / kernel.sum()
