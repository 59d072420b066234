"""How alike pictures look: their colors and the texture of their strokes in a few numbers."""

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab

LONG_SIDE_PX = 160
"""At which looks are taken, whatever the picture's size."""
_HUES, _DIRECTIONS = 12, 8
_SHARES = (5, 25, 50, 75, 95)
_KINDS = 4
_STROKES_PX = (1.0, 2.0, 4.0, 8.0)
"""Widths of strokes whose energy is told apart."""


def look_of(image: Image.Image) -> NDArray[np.float32]:
    """Colors (spread of lightness and both opponent axes, hues by their chroma) and texture (energy by width and
    direction of strokes) of a picture."""
    image = image.convert("RGB")
    image.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX))
    lab = rgb2lab(np.asarray(image)).astype(np.float32)
    return np.concatenate([_colors(lab), _texture(lab[..., 0])]).astype(np.float32)


def differences(looks: Mapping[int, NDArray[np.float32]], of: int) -> dict[int, float]:
    """How unlike each of several looks is to one of them; 0 for itself, around 1 in a usual sweep."""
    apart = np.stack(list(looks.values())) - looks[of]
    return dict(zip(looks, (np.sqrt(np.square(apart).sum(axis=1) / 2)).tolist(), strict=True))


def _colors(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    quantiles = np.percentile(lab.reshape(-1, 3), _SHARES, axis=0).ravel()
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    angle = np.arctan2(lab[..., 2], lab[..., 1])
    hues, _ = np.histogram(angle, _HUES, (-np.pi, np.pi), weights=chroma)
    return np.concatenate([_weighed(quantiles, 12), _weighed(np.sqrt(hues / chroma.size), 0.7)])


def _texture(lightness: NDArray[np.float32]) -> NDArray[np.float32]:
    blurred = [lightness, *(gaussian_filter(lightness, width) for width in _STROKES_PX)]
    bands = [np.log1p(np.abs(fine - coarse).mean()) for fine, coarse in itertools.pairwise(blurred)]
    rows, columns = np.gradient(blurred[1])
    strength = np.hypot(rows, columns)
    turned, _ = np.histogram(np.arctan2(rows, columns) % np.pi, _DIRECTIONS, (0, np.pi), weights=strength)
    return np.concatenate([_weighed(np.array(bands), 0.2), _weighed(turned / max(strength.sum(), 1e-6), 0.037)])


def _weighed(numbers: NDArray[np.floating], spread: float) -> NDArray[np.floating]:
    """Numbers of one kind so that each kind counts the same, however many they are and in whatever unit.

    Args:
        numbers: of one kind.
        spread: their standard deviation over six photos in sixteen styles.
    """
    return numbers / (spread * np.sqrt(numbers.size * _KINDS))
