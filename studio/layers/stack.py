"""A stack of layers as the writers take it: what is shown, where, and how it is blended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

import numpy as np

from nst_core.mask import resize_mask
from nst_core.picture_samples import resize, to_bits, to_float

Blend = Literal["normal", "multiply", "screen", "overlay", "soft_light", "luminosity", "color"]
GroupBlend = Literal["pass_through", "normal", "multiply", "screen", "overlay", "soft_light", "luminosity", "color"]

RESOLUTION_DPI = 300
"""That files say of themselves: what a painting would be printed at."""

Progress = Callable[[int, int], None]
"""Called with the layers done and the layers in all."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A picture at the size of the stack.

    Arrays are only read, by rows, so they may be memory-mapped files (`np.memmap`) or, where all is alike, one
    number spread out (`np.broadcast_to`), which takes no memory.
    """

    name: str
    pixels: np.ndarray = field(repr=False)
    """(H, W, 3) uint8, sRGB."""
    alpha: np.ndarray | None = field(default=None, repr=False)
    """(H, W) uint8, not multiplied into the colors; None when opaque."""
    mask: np.ndarray | None = field(default=None, repr=False)
    """(H, W) uint8, 255 shows; None without a layer mask."""
    opacity: float = 1.0
    """0 to 1."""
    blend: Blend = "normal"
    visible: bool = True
    origin: str = ""
    """SHA-256 of the file that it was made of, by which an update knows it again; empty when of none."""

    def resized(self, width: int, height: int) -> Self:
        """The layer at another size."""
        if self.pixels.shape[:2] == (height, width):
            return self
        pixels, alpha = resize(self.pixels, self.alpha, width, height)
        mask = self.mask
        if mask is not None:
            mask = to_bits(resize_mask(to_float(mask), height, width), 8)
        return replace(self, pixels=pixels, alpha=alpha, mask=mask)


@dataclass(frozen=True, eq=False)
class Group:
    """Layers and groups that are shown, hidden and faded together."""

    name: str
    children: Sequence[Layer | Group]
    """Bottom to top."""
    opacity: float = 1.0
    """0 to 1. Fade layers rather than groups: Krita 5 takes it for 1 in a .psd, and OpenRaster isolates the group."""
    blend: GroupBlend = "pass_through"
    """Passing through, its layers blend with what lies below the group; else with each other first."""
    visible: bool = True


@dataclass(frozen=True, eq=False)
class Stack:
    """A picture in layers."""

    width: int
    height: int
    children: Sequence[Layer | Group]
    """Bottom to top."""

    def __post_init__(self) -> None:
        for layer in self.layers():
            for what, array, shape in (
                ("pixels", layer.pixels, (self.height, self.width, 3)),
                ("alpha", layer.alpha, (self.height, self.width)),
                ("mask", layer.mask, (self.height, self.width)),
            ):
                if array is not None and (array.shape != shape or array.dtype != np.uint8):
                    raise ValueError(f"{layer.name}: {what} is {array.dtype} {array.shape}, not uint8 {shape}")

    def layers(self) -> Iterator[Layer]:
        """All layers, those in groups too, bottom to top."""
        return _layers(self.children)


def _layers(children: Sequence[Layer | Group]) -> Iterator[Layer]:
    for child in children:
        if isinstance(child, Group):
            yield from _layers(child.children)
        else:
            yield child
