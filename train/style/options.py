"""How a style is learned; free of torch, so that the command line can show it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nst_core.gatys_options import LossNetworkName

SMALLEST_PAINTING_PX = 64
"""Short side below which a painting shows the deep layers next to nothing."""


@dataclass(frozen=True)
class StyleOptions:
    """How a network learns one painting, or several."""

    network: Literal["swift", "johnson"] = "swift"
    """Network: swift, or the classic johnson, eight times slower."""
    strength: float = 1.0
    """How much painting the result has at strength 1; less keeps more of the photo."""
    brush_size: float = 1.0
    """Size of the strokes, as a multiple of the painting's own when it is as large as the picture."""
    size: int = 512
    """Long side of the photos that the strokes are learned for, pixels."""
    steps: int = 450
    """Optimizer steps, unless a time is given; with twice the photos a step, half as many do."""
    batch_size: int = 4
    """Photos a step, in each process; auto (0) is 4, or fewer where the memory asks for it."""
    crop_px: int = 256
    """Side of the squares cut from photos."""
    learning_rate: float = 3e-3
    """Adam's peak learning rate for 4 photos a step; it grows with the square root of the photos a step, those of all
    processes together. Short warm-up, then cosine decay to zero."""
    content_weight: float = 1.0
    """Weight of the content loss."""
    tv_weight: float = 0.5
    """Weight of total variation, against noise."""
    layer_weights: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0)
    """Style weights of relu1_1 to relu5_1."""
    loss_network: LossNetworkName = "compact"
    """Loss network."""
    seed: int = 0
    """Seed of crops, strengths and, without a base, of the first weights."""
