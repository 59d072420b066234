"""Color transfer: the statistics, lightness or distribution that were asked for come out."""

import numpy as np
import pytest
from skimage import color as reference
from skimage import data

from nst_core.color import luminance
from nst_core.color_transfer import (
    color_statistics,
    keep_luminance,
    match_histogram,
    match_luminance,
    match_mean_covariance,
)


def photo(picture: np.ndarray, height: int = 60, width: int = 80) -> np.ndarray:
    rows = np.linspace(0, picture.shape[0] - 1, height).astype(int)
    columns = np.linspace(0, picture.shape[1] - 1, width).astype(int)
    return (picture[rows][:, columns] / 255).astype(np.float32)


CAT = photo(data.chelsea())
COFFEE = photo(data.coffee(), 50, 70)


def in_gamut(seed: int, spread: float) -> np.ndarray:
    """Correlated colors that stay inside [0, 1] when matched with one another."""
    rng = np.random.default_rng(seed)
    mixed = rng.uniform(-1, 1, (64, 64, 3)) @ (np.eye(3) + rng.uniform(-0.5, 0.5, (3, 3)))
    return (0.5 + spread * mixed).astype(np.float32)


def test_mean_and_covariance_match():
    source, wanted = in_gamut(1, 0.08), in_gamut(2, 0.1)
    matched = match_mean_covariance(source, *color_statistics(wanted))
    assert matched.dtype == np.float32 and matched.shape == source.shape
    np.testing.assert_allclose(matched.mean((0, 1)), wanted.mean((0, 1)), atol=1e-4)
    found, expected = (np.cov(array.reshape(-1, 3).T) for array in (matched, wanted))
    np.testing.assert_allclose(found, expected, atol=5e-5)


def test_the_map_moves_colors_least():
    """The Monge-Kantorovich map is symmetric; and a picture's own statistics move nothing."""
    source, wanted = in_gamut(1, 0.08), in_gamut(2, 0.1)
    matched = match_mean_covariance(source, *color_statistics(wanted))
    flat = source.reshape(-1, 3) - source.mean((0, 1))
    matrix = np.linalg.lstsq(flat, matched.reshape(-1, 3) - matched.mean((0, 1)), rcond=None)[0]
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-3)
    assert (np.linalg.eigvalsh((matrix + matrix.T) / 2) > 0).all()
    np.testing.assert_allclose(match_mean_covariance(CAT, *color_statistics(CAT)), CAT, atol=1e-4)


def test_gray_and_flat_pictures_stay_finite():
    flat = np.full((8, 8, 3), 0.3, np.float32)
    gray = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8, 1).repeat(3, axis=2)
    for source in (flat, gray):
        for wanted in (flat, gray, CAT):
            for matched in (
                match_mean_covariance(source, *color_statistics(wanted)),
                match_histogram(source, wanted),
                keep_luminance(source, source),
                match_luminance(luminance(source), luminance(wanted)),
            ):
                assert np.isfinite(matched).all() and matched.min() >= 0 and matched.max() <= 1
    np.testing.assert_allclose(
        match_mean_covariance(flat, *color_statistics(CAT)).mean((0, 1)), CAT.mean((0, 1)), atol=0.01
    )


def test_histogram_matches():
    matched = match_histogram(CAT, COFFEE)
    found, wanted = reference.rgb2lab(matched), reference.rgb2lab(COFFEE)
    quantiles = np.linspace(0.02, 0.98, 25)
    before = np.abs(np.quantile(reference.rgb2lab(CAT)[..., 0], quantiles) - np.quantile(wanted[..., 0], quantiles))
    after = np.abs(np.quantile(found[..., 0], quantiles) - np.quantile(wanted[..., 0], quantiles))
    assert after.max() < 0.5 < before.max()
    np.testing.assert_allclose(match_histogram(CAT, CAT), CAT, atol=0.002)


def test_keep_luminance():
    painted = CAT[::-1].copy()
    kept = keep_luminance(painted, CAT)
    found, wanted = reference.rgb2lab(kept), reference.rgb2lab(painted)
    np.testing.assert_allclose(found[..., 0], wanted[..., 0], atol=0.05)
    # Where the photo is about as light as the painting, its colors are all there.
    own = reference.rgb2lab(CAT)
    alike = np.abs(own[..., 0] - wanted[..., 0]) < 2
    assert alike.sum() > 50
    np.testing.assert_allclose(found[alike][:, 1:], own[alike][:, 1:], atol=1.5)
    np.testing.assert_allclose(keep_luminance(CAT, CAT), CAT, atol=1e-4)
    gray = CAT[..., :1].repeat(3, axis=2)
    np.testing.assert_allclose(np.ptp(keep_luminance(painted, gray), axis=2), 0, atol=1e-3)


def test_match_luminance():
    rng = np.random.default_rng(0)
    painting, wanted = rng.normal(0.3, 0.05, (40, 50)), rng.normal(0.6, 0.08, (30, 20))
    matched = match_luminance(painting.astype(np.float32), wanted.astype(np.float32))
    assert matched.dtype == np.float32
    assert matched.mean() == pytest.approx(wanted.mean(), abs=1e-3)
    assert matched.std() == pytest.approx(wanted.std(), abs=1e-3)
