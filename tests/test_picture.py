"""Pictures in memory: floats, depths and sizes; and finding files."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_pictures import noise

from nst_core import picture_samples
from nst_core.errors import ImageError
from nst_core.picture import Picture, find_pictures, fit_long_side

RGB = noise(40, 60)
DEEP = np.random.default_rng(1).integers(0, 65536, (40, 60, 3), np.uint16)


def test_floats():
    levels = np.arange(256, dtype=np.uint8)[:, None, None].repeat(3, axis=2)
    picture = Picture(levels)
    floats = picture.as_float()
    assert floats.dtype == np.float32 and floats.min() == 0 and floats.max() == 1
    np.testing.assert_allclose(floats[:, 0, 0], np.arange(256) / 255, rtol=1e-7)
    np.testing.assert_array_equal(picture.rows(10, 20), floats[10:20])
    np.testing.assert_array_equal(Picture(RGB).crop(3, 9, 5, 25), Picture(RGB).as_float()[3:9, 5:25])
    np.testing.assert_allclose(Picture(DEEP).as_float(), DEEP / 65535, atol=1e-7)


def test_from_float_rounds_and_clips():
    values = np.array([-0.5, 0, 0.49 / 255, 0.51 / 255, 127.4 / 255, 1, 1.7])[None, :, None].repeat(3, axis=2)
    assert Picture.from_float(values).pixels[0, :, 1].tolist() == [0, 0, 0, 1, 127, 255, 255]
    assert Picture.from_float(values, bits=16).pixels[0, :, 1].tolist() == [0, 0, 126, 131, 32742, 65535, 65535]
    for original in (Picture(RGB), Picture(DEEP)):
        again = Picture.from_float(original.as_float(), bits=original.bit_depth)
        np.testing.assert_array_equal(again.pixels, original.pixels)


def test_from_float_takes_over_what_belongs():
    alpha = np.zeros((40, 60), np.uint8)
    alpha[:, 30:] = 255
    photo = Picture(RGB, alpha, b"exif", "cat.jpg", "abc", {"a": 1})
    painted = Picture.from_float(np.full((20, 30, 3), 0.5), like=photo, bits=16)
    assert (painted.exif, painted.name, painted.sha256, painted.settings) == (b"exif", "cat.jpg", None, None)
    assert painted.alpha is not None and painted.alpha.dtype == np.uint16
    assert painted.alpha.shape == (20, 30)
    assert (painted.alpha[:, :12] == 0).all() and (painted.alpha[:, 18:] == 65535).all()


def test_bits():
    picture = Picture(RGB, RGB[..., 0])
    deep = picture.with_bits(16)
    np.testing.assert_array_equal(deep.pixels, RGB.astype(int) * 257)
    np.testing.assert_array_equal(deep.with_bits(8).alpha, RGB[..., 0])
    np.testing.assert_array_equal(Picture(DEEP).with_bits(8).pixels, np.rint(DEEP / 257))
    assert picture.with_bits(8) is picture


def lanczos(old: int, new: int) -> np.ndarray:
    """Lanczos of three lobes by its formula, widened when shrinking: (new, old) weights that add up to 1."""
    scale = old / new
    centers = (np.arange(new) + 0.5) * scale - 0.5
    x = (np.arange(old) - centers[:, None]) / max(scale, 1)
    weights = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("size", [(30, 20), (17, 31), (90, 77), (1, 1), (60, 40)])
def test_resized_by_formula(size: tuple[int, int]):
    for picture in (Picture(RGB), Picture(DEEP)):
        top = 2**picture.bit_depth - 1
        exact = np.einsum("ah,bw,hwc->abc", lanczos(40, size[1]), lanczos(60, size[0]), picture.pixels / top)
        resized = picture.resized(*size)
        assert (resized.width, resized.height, resized.bit_depth) == (*size, picture.bit_depth)
        assert np.abs(resized.pixels - exact.clip(0, 1) * top).max() <= 0.51


@pytest.mark.parametrize("size", [(30, 20), (17, 31), (90, 77), (60, 13)])
def test_bands_leave_no_trace(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]):
    picture = Picture(DEEP, DEEP[..., 0])
    whole = picture.resized(*size)
    monkeypatch.setattr(picture_samples, "BAND_PIXELS", 200)
    banded = picture.resized(*size)
    assert np.abs(banded.pixels.astype(int) - whole.pixels).max() <= 1
    assert banded.alpha is not None and whole.alpha is not None
    assert np.abs(banded.alpha.astype(int) - whole.alpha).max() <= 1


def test_transparent_colors_do_not_bleed():
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, :16] = (255, 0, 0)
    pixels[:, 16:] = (0, 255, 0)
    alpha = np.zeros((32, 32), np.uint8)
    alpha[:, :16] = 255
    for size in (11, 7, 50):
        resized = Picture(pixels, alpha).resized(size, size)
        assert resized.alpha is not None
        visible = resized.alpha > 8
        assert visible.any() and np.abs(resized.pixels[visible].astype(int) - (255, 0, 0)).max() <= 3
        # Under full transparency colors stay themselves, for what is painted there touches its neighbours.
        assert (resized.pixels[:, -1] == (0, 255, 0)).all()


def test_memory_stays_small():
    picture = Picture(np.zeros((2000, 3000, 3), np.uint8))
    tracemalloc.start()
    try:
        picture.resized(1500, 1000)
        resizing = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        picture.rows(100, 200)
        rows = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert resizing < picture.pixels.nbytes * 1.5  # as floats it would be four times its bytes
    assert rows < 105 * 3000 * 3 * 4


@given(st.integers(1, 30_000), st.integers(1, 30_000), st.integers(1, 9000))
def test_fit_long_side(width: int, height: int, long_side: int):
    new_width, new_height = fit_long_side(width, height, long_side)
    assert max(new_width, new_height) == long_side and min(new_width, new_height) >= 1
    shorter = min(width, height) * long_side / max(width, height)
    assert abs(min(new_width, new_height) - max(shorter, 1)) <= 0.5


def test_fit_long_side_examples():
    assert fit_long_side(4000, 3000, 512) == (512, 384)
    assert fit_long_side(3000, 4000, 512) == (384, 512)
    assert fit_long_side(100, 50, 200) == (200, 100)
    assert fit_long_side(10_000, 1, 100) == (100, 1)


def test_find_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("b.JPG", "a.png", "notes.txt", "sub/c.tif", "sub/.d.png", ".hidden/e.png", "x[1].webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)

    def names(*paths: str) -> list[str]:
        return [path.as_posix() for path in find_pictures(paths)]

    assert names(".") == ["a.png", "b.JPG", "sub/c.tif", "x[1].webp"]
    assert names("sub", "a.png", "sub/c.tif") == ["a.png", "sub/c.tif"]
    assert names("*") == ["a.png", "b.JPG", "x[1].webp"]
    assert names("**/*.tif") == ["sub/c.tif"]
    assert names("x[1].webp", "notes.txt") == ["notes.txt", "x[1].webp"]
    (tmp_path / "empty").mkdir()
    assert names("empty") == []
    for missing in ("gone.jpg", "gone/*.jpg"):
        with pytest.raises(ImageError, match=r"does not exist; check the name"):
            find_pictures([missing])
