"""Stacks of layers for the tests, drawn by code."""

import numpy as np

from studio.layers.stack import Blend, Group, Layer, Stack

WIDTH, HEIGHT = 48, 36
BLENDS: tuple[Blend, ...] = ("normal", "multiply", "screen", "overlay", "soft_light", "luminosity", "color")


def colors(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(H, W, 3) uint8: a gradient of each channel in its own direction, and noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    planes = [(rows * np.sin(seed + c) + columns * np.cos(seed + c)) % 1 for c in range(3)]
    return np.clip(np.dstack(planes) * 255 + rng.normal(0, 20, (height, width, 3)), 0, 255).astype(np.uint8)


def fade(height: int = HEIGHT, width: int = WIDTH, down: bool = False) -> np.ndarray:
    """(H, W) uint8 from 0 to 255, to the right or down."""
    ramp = np.linspace(0, 255, height if down else width).astype(np.uint8)
    return np.broadcast_to(ramp[:, None] if down else ramp, (height, width))


def even(level: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """(H, W) uint8 of one level, which takes no memory."""
    return np.broadcast_to(np.uint8(level), (height, width))


def two_layers(blend: Blend, opacity: float = 0.7) -> Stack:
    """A masked layer over an opaque one."""
    above = Layer("above", colors(2), mask=fade(), opacity=opacity, blend=blend)
    return Stack(WIDTH, HEIGHT, [Layer("below", colors(1)), above])


def painting() -> Stack:
    """As an artist has it: photo, base, renders, finishing, an empty layer to paint on; one layer is hidden."""
    renders = [
        Layer("broad", colors(3), mask=fade(), origin="1" * 64),
        Layer("fine", colors(4), mask=even(255), opacity=0.4, origin="2" * 64),
    ]
    finishing = [
        Layer("light", colors(5), alpha=fade(down=True), blend="soft_light"),
        Layer("edges", colors(6), alpha=fade(), mask=fade(down=True), blend="overlay", opacity=0.5),
        Layer("hidden", colors(7), visible=False),
    ]
    apart = [Layer("tint", colors(8), mask=fade(), blend="color")]
    empty = np.broadcast_to(np.uint8(0), (HEIGHT, WIDTH, 3))
    return Stack(
        WIDTH,
        HEIGHT,
        [
            Layer("Photo", colors(1)),
            Layer("Base: öl 油絵", colors(2), mask=fade(down=True)),
            Group("Renders", renders),
            Group("Finishing", [*finishing, Group("Apart", apart, opacity=0.5, blend="normal")]),
            Layer("Details", empty, alpha=even(0)),
        ],
    )
