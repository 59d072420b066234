"""sRGB, linear light, Lab and luminance, in float32 and by bands.

White is D65, for the 2° observer. Source: IEC 61966-2-1 (sRGB) and CIE 15 (Lab).
"""

from collections.abc import Callable

import numpy as np

from nst_core.picture_samples import bands

_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]],
    np.float32,
)
"""Linear sRGB to XYZ."""
_WHITE = _XYZ.sum(axis=1)
_LUMINANCE = _XYZ[1] / _WHITE[1]
_TO_CONES = (_XYZ / _WHITE[:, None]).T.copy()
_FROM_CONES = np.linalg.inv(_TO_CONES)
_EPSILON = np.float32((6 / 29) ** 3)
_SLOPE = np.float32((29 / 6) ** 2 / 3)


def srgb_to_linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1], any shape, as light in [0, 1]."""
    srgb = np.asarray(srgb, np.float32)
    curve = ((np.maximum(srgb, 0.04045) + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(srgb <= 0.04045, srgb / np.float32(12.92), curve)


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """Light in [0, 1], any shape, as sRGB in [0, 1]."""
    linear = np.asarray(linear, np.float32)
    curve = np.float32(1.055) * np.maximum(linear, 0.0031308) ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(linear <= 0.0031308, linear * np.float32(12.92), curve)


def luminance(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) sRGB as (H, W): the gray, itself sRGB, that is as light as the color. Grays stay."""
    return _by_bands(_gray, rgb, rgb.shape[:2])


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) sRGB in [0, 1] as Lab: L in [0, 100], a and b about [-110, 110]."""
    return _by_bands(_lab, rgb, rgb.shape)


def lab_to_rgb(lab: np.ndarray) -> np.ndarray:
    """(H, W, 3) Lab as sRGB in [0, 1].

    Colors that sRGB cannot show lose chroma, not lightness: clipping each channel would change both
    lightness and hue.
    """
    return _by_bands(_rgb, lab, lab.shape)


def _by_bands(convert: Callable[[np.ndarray], np.ndarray], array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    out = np.empty(shape, np.float32)
    for band in bands(*shape[:2]):
        out[band] = convert(array[band])
    return out


def _gray(rgb: np.ndarray) -> np.ndarray:
    return linear_to_srgb(srgb_to_linear(rgb) @ _LUMINANCE)


def _lab(rgb: np.ndarray) -> np.ndarray:
    xyz = srgb_to_linear(rgb) @ _TO_CONES
    f = np.where(xyz > _EPSILON, np.cbrt(xyz), xyz * _SLOPE + np.float32(4 / 29))
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _rgb(lab: np.ndarray) -> np.ndarray:
    y = (np.asarray(lab[..., 0], np.float32) + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(f > np.float32(6 / 29), f**3, (f - np.float32(4 / 29)) / _SLOPE)
    gray = np.clip(xyz[..., 1:2], 0, 1)
    # Light is linear: on the line from the gray of the same luminance to the color, luminance stays.
    chroma = xyz @ _FROM_CONES - gray
    room = np.where(chroma > 0, 1 - gray, gray)
    share = np.min(room / np.maximum(np.abs(chroma), room + np.float32(1e-9)), axis=-1, keepdims=True)
    return np.clip(linear_to_srgb(gray + share * chroma), 0, 1)
