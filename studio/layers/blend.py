"""How the color of a layer and what lies below it mix, by blend mode.

Source: W3C, Compositing and Blending Level 1, sections 10.1 (separable) and 10.2 (non-separable), which are those of
PDF 1.7, section 11.3.5, and of Photoshop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from studio.layers.stack import Blend

Mix = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Of the backdrop and the source, (..., 3) float32 in [0, 1] each."""

_LUMINOSITY = np.array([0.3, 0.59, 0.11], np.float32)


def _normal(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    return source


def _multiply(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    return backdrop * source


def _screen(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    return backdrop + source - backdrop * source


def _overlay(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Hard light with the layers exchanged: the backdrop decides whether to multiply or to screen."""
    double = 2 * backdrop
    return np.where(backdrop <= 0.5, source * double, _screen(source, double - 1))


def _soft_light(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    dark = ((16 * backdrop - 12) * backdrop + 4) * backdrop
    lit = np.where(backdrop <= 0.25, dark, np.sqrt(np.maximum(backdrop, 0)))
    reach = np.where(source <= 0.5, backdrop * (1 - backdrop), lit - backdrop)
    return backdrop + (2 * source - 1) * reach


def _luminosity(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The hue and saturation of the backdrop with the luminosity of the source."""
    return _set_luminosity(backdrop, source @ _LUMINOSITY)


def _color(backdrop: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The hue and saturation of the source with the luminosity of the backdrop."""
    return _set_luminosity(source, backdrop @ _LUMINOSITY)


def _set_luminosity(color: np.ndarray, luminosity: np.ndarray) -> np.ndarray:
    """SetLum and ClipColor of the source: moved to a luminosity, and toward its gray as far as needed to fit."""
    gray = luminosity[..., None]
    moved = color + (luminosity - color @ _LUMINOSITY)[..., None]
    low, high = moved.min(axis=-1, keepdims=True), moved.max(axis=-1, keepdims=True)
    # 1 where the color fits already; else what takes its least to 0, or its greatest to 1.
    fit = np.ones_like(gray)
    np.divide(gray, gray - low, out=fit, where=low < 0)
    np.minimum(fit, np.divide(1 - gray, high - gray, out=np.ones_like(gray), where=high > 1), out=fit)
    return gray + (moved - gray) * fit


MIXES: Mapping[Blend, Mix] = {
    "normal": _normal,
    "multiply": _multiply,
    "screen": _screen,
    "overlay": _overlay,
    "soft_light": _soft_light,
    "luminosity": _luminosity,
    "color": _color,
}
