"""Figures of a picture without a loss network."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance_nd
from skimage.color import rgb2lab

from nst_core.likeness import COLOR_STEP, color_distance, edge_agreement, ssim
from nst_core.picture import Picture

RANDOM = np.random.default_rng(0)
NOISE = Picture(RANDOM.integers(0, 256, (48, 64, 3), np.uint8))
SMOOTH = Picture(RANDOM.integers(0, 256, (6, 8, 3), np.uint8)).resized(64, 48)


def flat(*colors: tuple[int, int, int]) -> Picture:
    """Stripes of equal width."""
    return Picture(np.repeat(np.array([colors], np.uint8), 16, axis=1).repeat(48, axis=0))


def test_a_picture_is_like_itself_and_unlike_noise():
    for figure in (ssim, edge_agreement):
        assert figure(SMOOTH, SMOOTH) == pytest.approx(1)
        assert -0.3 < figure(NOISE, SMOOTH) < 0.3
    assert color_distance(SMOOTH, SMOOTH) == pytest.approx(0, abs=1e-9)


def test_edges_agree_whatever_the_colors():
    negative = Picture(255 - SMOOTH.pixels)
    assert edge_agreement(negative, SMOOTH) > 0.5
    assert ssim(negative, SMOOTH) < 0


def test_flat_pictures_have_no_edges_to_agree_on():
    assert edge_agreement(flat(*[(10, 20, 30)] * 4), SMOOTH) == pytest.approx(0, abs=1e-6)


def test_color_distance_is_that_of_two_colors():
    red, blue = (200, 30, 40), (20, 60, 200)
    apart = np.linalg.norm(rgb2lab(np.array(red) / 255) - rgb2lab(np.array(blue) / 255))
    assert color_distance(flat(red), flat(blue)) == pytest.approx(apart, abs=COLOR_STEP)
    half = color_distance(flat(red), flat(red, blue))  # half of it has to go all the way
    assert half == pytest.approx(color_distance(flat(red), flat(blue)) / 2)


def test_color_distance_does_not_depend_on_place_or_size():
    red, blue, gray = (200, 30, 40), (20, 60, 200), (128, 128, 128)
    assert color_distance(flat(red, blue, gray), flat(gray, red, blue)) == pytest.approx(0, abs=1e-9)
    assert color_distance(flat(red, blue), flat(red, red, blue, blue)) == pytest.approx(0, abs=1e-9)


def test_color_distance_is_scipys():
    few = Picture(RANDOM.integers(0, 256, (3, 4, 3), np.uint8))
    other = Picture(RANDOM.integers(0, 256, (2, 4, 3), np.uint8))
    bins = [np.round(rgb2lab(p.pixels / 255).reshape(-1, 3) / COLOR_STEP) * COLOR_STEP for p in (few, other)]
    assert _enlarged(few, other) == pytest.approx(wasserstein_distance_nd(*bins), rel=1e-4)


def _enlarged(*pictures: Picture) -> float:
    """Each pixel as a block of the size that colors are counted at, so that nothing is resampled."""
    return color_distance(*(Picture(p.pixels.repeat(64, axis=0).repeat(64, axis=1)) for p in pictures))
