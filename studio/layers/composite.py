"""The picture that a stack of layers shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from studio.layers.blend import MIXES
from studio.layers.stack import Blend, Group, Layer, Stack

BAND_PIXELS = 1 << 16
"""Rows are taken together up to this size, so that what they need stays in the processor's cache."""


@dataclass(frozen=True)
class _Canvas:
    """What has been painted so far, of some rows."""

    color: np.ndarray
    """(h, W, 3) float32, multiplied by alpha."""
    alpha: np.ndarray
    """(h, W, 1) float32."""

    @classmethod
    def empty(cls, height: int, width: int) -> _Canvas:
        return cls(np.zeros((height, width, 3), np.float32), np.zeros((height, width, 1), np.float32))

    def straight(self) -> np.ndarray:
        """The colors, not multiplied by alpha."""
        if self.alpha.min() == 1:
            return self.color
        return self.color / np.maximum(self.alpha, 1e-6)


def composite(stack: Stack) -> np.ndarray:
    """What the stack shows, (H, W, 3) uint8; on white where it is transparent.

    Source: W3C, Compositing and Blending Level 1. A group that passes through and is not opaque is what lies below
        it and that with the group's layers over it, mixed by its opacity, as in Photoshop, Krita and GIMP.
    Differs: all in float and rounded once, where Photoshop keeps 8 bits after each layer.
    """
    out = np.empty((stack.height, stack.width, 3), np.uint8)
    for rows in _bands(stack.height, stack.width):
        canvas = _paint_all(_Canvas.empty(rows.stop - rows.start, stack.width), stack.children, rows)
        out[rows] = np.rint(np.clip(canvas.color + (1 - canvas.alpha), 0, 1) * np.float32(255))
    return out


def _bands(height: int, width: int) -> Iterator[slice]:
    rows = max(1, BAND_PIXELS // width)
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def _paint_all(canvas: _Canvas, children: Sequence[Layer | Group], rows: slice) -> _Canvas:
    for child in children:
        if not child.visible or child.opacity == 0:
            continue
        canvas = _paint_group(canvas, child, rows) if isinstance(child, Group) else _paint_layer(canvas, child, rows)
    return canvas


def _paint_layer(canvas: _Canvas, layer: Layer, rows: slice) -> _Canvas:
    cover = np.full(canvas.alpha.shape, layer.opacity, np.float32)
    for plane in (layer.alpha, layer.mask):
        if plane is not None:
            cover *= _as_float(plane[rows])[..., None]
    if not cover.any():
        return canvas
    return _over(canvas, _as_float(layer.pixels[rows]), cover, layer.blend)


def _paint_group(canvas: _Canvas, group: Group, rows: slice) -> _Canvas:
    if group.blend == "pass_through":
        after = _paint_all(canvas, group.children, rows)
        opacity = np.float32(group.opacity)
        return _Canvas(_between(canvas.color, after.color, opacity), _between(canvas.alpha, after.alpha, opacity))
    inside = _paint_all(_Canvas.empty(*canvas.alpha.shape[:2]), group.children, rows)
    return _over(canvas, inside.straight(), inside.alpha * np.float32(group.opacity), group.blend)


def _over(canvas: _Canvas, source: np.ndarray, cover: np.ndarray, blend: Blend) -> _Canvas:
    """A source, of which `cover` (h, W, 1) counts, blended with and laid over the canvas."""
    if blend != "normal":
        mixed = MIXES[blend](canvas.straight(), source)
        source = _between(source, mixed, canvas.alpha)  # there is nothing to blend with where the canvas is clear
    return _Canvas(canvas.color * (1 - cover) + source * cover, canvas.alpha * (1 - cover) + cover)


def _between(first: np.ndarray, second: np.ndarray, part: np.ndarray | np.float32) -> np.ndarray:
    return first + (second - first) * part


def _as_float(samples: np.ndarray) -> np.ndarray:
    return np.multiply(samples, np.float32(1 / 255), dtype=np.float32)
