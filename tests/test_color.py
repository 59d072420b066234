"""Colors against published values and scikit-image."""

import numpy as np
import pytest
from skimage import color as reference

from nst_core import picture_samples
from nst_core.color import lab_to_rgb, linear_to_srgb, luminance, rgb_to_lab, srgb_to_linear

RGB = np.random.default_rng(0).random((50, 70, 3)).astype(np.float32)


def one(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[None, None]


@pytest.mark.parametrize(
    ("srgb", "linear"),
    [(0, 0), (1, 1), (0.04045, 0.0031308), (0.5, 0.2140411), (128 / 255, 0.2158605), (0.2, 0.0331048)],
)
def test_srgb_curve(srgb: float, linear: float):
    assert srgb_to_linear(one(srgb))[0, 0, 0] == pytest.approx(linear, abs=1e-6)
    assert linear_to_srgb(one(linear))[0, 0, 0] == pytest.approx(srgb, abs=1e-5)


def test_srgb_curve_round_trip():
    there = srgb_to_linear(RGB)
    assert there.dtype == np.float32
    np.testing.assert_allclose(linear_to_srgb(there), RGB, atol=1e-6)


@pytest.mark.parametrize(
    ("rgb", "lab"),  # published values, D65
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 1, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
        ((119 / 255, 119 / 255, 119 / 255), (50.03, 0, 0)),
    ],
)
def test_lab_of_known_colors(rgb: tuple[float, ...], lab: tuple[float, ...]):
    np.testing.assert_allclose(rgb_to_lab(one(*rgb))[0, 0], lab, atol=0.03)
    np.testing.assert_allclose(lab_to_rgb(one(*lab))[0, 0], rgb, atol=0.002)


def test_lab_as_scikit_image_does():
    lab = rgb_to_lab(RGB)
    assert lab.dtype == np.float32
    np.testing.assert_allclose(lab, reference.rgb2lab(RGB.astype(np.float64)), atol=0.01)
    np.testing.assert_allclose(lab_to_rgb(lab), RGB, atol=5e-5)


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
def test_out_of_gamut_keeps_lightness_and_hue():
    lab = rgb_to_lab(RGB)
    lab[..., 0] = np.random.default_rng(1).random(RGB.shape[:2]) * 100
    rgb = lab_to_rgb(lab)
    assert rgb.min() >= 0 and rgb.max() <= 1
    again = rgb_to_lab(rgb)
    np.testing.assert_allclose(again[..., 0], lab[..., 0], atol=0.02)
    chroma, wanted = np.hypot(again[..., 1], again[..., 2]), np.hypot(lab[..., 1], lab[..., 2])
    assert (chroma <= wanted + 0.1).all() and (chroma < wanted - 5).any()
    # What clipping each channel does to the lightness, for comparison.
    shown = np.clip(reference.lab2rgb(lab, channel_axis=-1), 0, 1)
    assert np.abs(rgb_to_lab(shown)[..., 0] - lab[..., 0]).max() > 5


def test_luminance():
    grays = np.linspace(0, 1, 256, dtype=np.float32)[None, :, None].repeat(3, axis=2)
    np.testing.assert_allclose(luminance(grays), grays[..., 0], atol=1e-6)
    # Same lightness as the color, by Lab's own definition.
    gray = luminance(RGB)
    assert gray.shape == RGB.shape[:2] and gray.dtype == np.float32
    lightness = reference.rgb2lab(RGB)[..., 0]
    np.testing.assert_allclose(reference.rgb2lab(gray[..., None].repeat(3, axis=2))[..., 0], lightness, atol=0.02)


@pytest.mark.parametrize("convert", [rgb_to_lab, lab_to_rgb, luminance])
def test_bands_leave_no_trace(monkeypatch: pytest.MonkeyPatch, convert):
    source = rgb_to_lab(RGB) if convert is lab_to_rgb else RGB
    whole = convert(source)
    monkeypatch.setattr(picture_samples, "BAND_PIXELS", 300)
    np.testing.assert_allclose(convert(source), whole, atol=1e-5)
