"""Masks: what selects, at which size, how softly."""

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_core.errors import ImageError
from nst_core.mask import feather, read_mask, resize_mask


def half(height: int = 20, width: int = 40) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[:, width // 2 :] = 255
    return mask


def test_gray_is_its_own_value(tmp_path: Path):
    ramp = np.arange(256, dtype=np.uint8)[None].repeat(2, axis=0)
    Image.fromarray(ramp).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png", 2, 256)
    assert mask.dtype == np.float32
    np.testing.assert_allclose(mask, ramp / 255, atol=1e-6)


def test_transparency_selects_where_one_color_is_painted(tmp_path: Path):
    stroke = np.zeros((20, 40, 4), np.uint8)
    stroke[..., 3] = half()
    stroke[:, 20:, 0] = 180  # red strokes on nothing
    Image.fromarray(stroke).save(tmp_path / "m.png")
    np.testing.assert_allclose(read_mask(tmp_path / "m.png", 20, 40), half() / 255)


def test_transparency_and_several_colors(tmp_path: Path):
    layer = np.zeros((20, 40, 4), np.uint8)
    layer[..., 3] = half()
    layer[:10, :, :3] = 255  # white above, black below, and nothing on the left
    Image.fromarray(layer).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png", 20, 40)
    assert mask[:10, 20:].min() > 0.999 and mask[10:].max() == 0 and mask[:, :20].max() == 0


def test_nothing_selected(tmp_path: Path):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "black.png")
    Image.fromarray(np.zeros((8, 8, 4), np.uint8)).save(tmp_path / "clear.png")
    for name in ("black.png", "clear.png"):
        with pytest.raises(ImageError, match=rf"{name} selects nothing.*paint white what it should select"):
            read_mask(tmp_path / name, 8, 8)
    with pytest.raises(ImageError, match="does not exist"):
        read_mask(tmp_path / "gone.png", 8, 8)


def test_resize_is_by_area():
    mask = np.zeros((4, 6), np.float32)
    mask[:2, :3] = 1
    mask[3, 5] = 1
    np.testing.assert_allclose(resize_mask(mask, 2, 3), [[1, 0.5, 0], [0, 0, 0.25]], atol=1e-6)
    enlarged = resize_mask(half().astype(np.float32) / 255, 60, 120)
    assert enlarged.shape == (60, 120) and enlarged.mean() == pytest.approx(0.5, abs=1e-3)
    assert enlarged.min() == 0 and enlarged.max() == 1


def test_other_proportions_are_stretched_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    Image.fromarray(half()).save(tmp_path / "m.png")
    with caplog.at_level(logging.WARNING):
        assert read_mask(tmp_path / "m.png", 10, 20).mean() == pytest.approx(0.5)
        assert not caplog.text
        read_mask(tmp_path / "m.png", 20, 20)
    assert "m.png is 40 × 20 and is stretched" in caplog.text


def test_feather():
    hard = half(60, 120).astype(np.float32) / 255
    soft = feather(hard, 8)
    assert soft.dtype == np.float32 and soft.shape == hard.shape
    np.testing.assert_allclose(soft[:, 59] + soft[:, 60], 1, atol=1e-5)
    # A Gaussian of sigma 4: 2.3 % are left two sigmas away, 4 sigmas away nothing.
    assert soft[30, 67] == pytest.approx(0.97, abs=0.01) and soft[30, 52] == pytest.approx(0.03, abs=0.01)
    assert soft[:, :40].max() < 1e-3 and soft[:, 80:].min() > 1 - 1e-3
    assert feather(hard, 0) is hard
