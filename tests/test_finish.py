"""Colors of the result: the painting's, the photo's own, or the painting's palette; and what is protected."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from nst_core.finish import ColorMode, Finish, Kept, PaletteMatch
from nst_core.picture import Picture
from nst_core.tensor import to_tensor


def muted(height: int, width: int, seed: int, low: int = 80, high: int = 170) -> Picture:
    """Away from the edges of sRGB, so that no color is out of reach."""
    rng = np.random.default_rng(seed)
    return Picture(rng.integers(low, high, (height, width, 3), dtype=np.uint8), name=f"{seed}.png")


PHOTO, PAINTING, RESULT = muted(20, 30, 0), muted(40, 25, 1, 20, 120), muted(20, 30, 2, 100, 150)


def finish(color: ColorMode, match: PaletteMatch = "covariance", *kept: Kept) -> Finish:
    return Finish(PHOTO, PAINTING, color, match, kept)


def test_the_paintings_colors_are_left_as_they_are():
    end = finish("painting")
    assert end.painting(PAINTING) is PAINTING
    np.testing.assert_array_equal(end.prepare(PHOTO.as_float(), 0, 20), PHOTO.as_float())
    np.testing.assert_array_equal(end.picture(to_tensor(RESULT)).pixels, RESULT.pixels)


def test_the_photos_own_colors_come_back_at_the_results_lightness():
    end = finish("photo")
    picture = end.picture(to_tensor(RESULT), 16)
    lab, photo, result = (rgb2lab(p.as_float().astype(np.float64)) for p in (picture, PHOTO, RESULT))
    np.testing.assert_allclose(lab[..., 1:], photo[..., 1:], atol=0.1)
    np.testing.assert_allclose(lab[..., 0], result[..., 0], atol=0.1)


def test_with_the_photos_colors_all_is_painted_in_gray_of_the_photos_tones():
    smooth = muted(5, 6, 0).resized(60, 50)  # its tones are the same at any size
    end = Finish(smooth, PAINTING, "photo", "covariance")
    gray = end.prepare(smooth.rows(5, 9), 5, 9)
    assert gray.shape == (4, 60, 3) and np.ptp(gray, axis=2).max() == 0
    painting = end.painting(PAINTING).as_float()
    assert np.ptp(painting, axis=2).max() == 0
    photo = end.prepare(smooth.as_float(), 0, 50)
    assert painting.mean() == pytest.approx(photo.mean(), abs=0.005)
    assert painting.std() == pytest.approx(photo.std(), abs=0.005)


def test_the_palette_is_the_paintings():
    picture = finish("palette").picture(to_tensor(RESULT), 16).as_float().reshape(-1, 3)
    painting = PAINTING.as_float().reshape(-1, 3)
    np.testing.assert_allclose(picture.mean(0), painting.mean(0), atol=0.005)
    np.testing.assert_allclose(np.cov(picture.T), np.cov(painting.T), atol=0.001)


def test_the_palettes_histogram_is_the_paintings():
    picture = finish("palette", "histogram").picture(to_tensor(RESULT), 16)
    lab, painting = (rgb2lab(p.as_float().astype(np.float64)).reshape(-1, 3) for p in (picture, PAINTING))
    for quantile in (0.1, 0.5, 0.9):
        difference = np.quantile(lab, quantile, axis=0) - np.quantile(painting, quantile, axis=0)
        np.testing.assert_allclose(difference, 0, atol=2)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("color", ["painting", "photo", "palette"])
def test_what_is_protected_stays_the_photo_exactly(color: ColorMode, bits: int):
    protect = np.zeros((20, 30), np.float32)
    protect[3:12, 4:20] = 1
    picture = finish(color, "covariance", Kept(protect, PHOTO)).picture(to_tensor(RESULT), bits)
    inside = protect == 1
    np.testing.assert_array_equal(picture.pixels[inside], PHOTO.with_bits(bits).pixels[inside])
    free = finish(color).picture(to_tensor(RESULT), bits)
    np.testing.assert_array_equal(picture.pixels[~inside], free.pixels[~inside])


def test_half_protected_is_half_way():
    protect = np.full((20, 30), 0.5, np.float32)
    picture = finish("painting", "covariance", Kept(protect, PHOTO)).picture(to_tensor(RESULT))
    half = (PHOTO.pixels.astype(float) + RESULT.pixels) / 2
    assert np.abs(picture.pixels - half).max() <= 0.5 + 1e-6


def test_of_two_pictures_that_are_kept_the_last_one_goes_first():
    draft = muted(20, 30, 3)
    left, top = np.zeros((2, 20, 30), np.float32)
    left[:, :15] = top[:10] = 1
    picture = finish("photo", "covariance", Kept(left, draft), Kept(top, PHOTO)).picture(to_tensor(RESULT))
    np.testing.assert_array_equal(picture.pixels[:10], PHOTO.pixels[:10])
    np.testing.assert_array_equal(picture.pixels[10:, :15], draft.pixels[10:, :15])
    assert (picture.pixels[10:, 15:] != RESULT.pixels[10:, 15:]).mean() > 0.5


def test_alpha_of_the_photo_is_kept():
    alpha = np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8)
    photo = Picture(PHOTO.pixels, alpha)
    picture = Finish(photo, PAINTING, "painting", "covariance").picture(torch.rand(1, 3, 20, 30))
    np.testing.assert_array_equal(picture.alpha, alpha)
