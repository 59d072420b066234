"""The options of the optimizer, free of torch, so that the command line can show them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColorMode = Literal["painting", "photo", "palette"]
PaletteMatch = Literal["covariance", "histogram"]
LossNetworkName = Literal["compact", "vgg19", "vgg16"]


@dataclass(frozen=True)
class GatysOptions:
    """How a picture is optimized."""

    size: int = 512
    """Long side of the result, pixels; 0 keeps the photo's own."""
    strength: float = 1.0
    """How much painting: 0 is the photo, 1 the default, up to about 4."""
    brush_size: float = 1.0
    """Size of the strokes, as a multiple of the painting's own when it is as large as the picture."""
    color: ColorMode = "painting"
    """painting: its colors; photo: the photo's own, by luminance; palette: the result's colors matched to it."""
    palette_match: PaletteMatch = "covariance"
    """With color=palette: match mean and covariance, or the histogram."""
    iterations: int = 160
    """Iterations at each scale up to 512 px; larger scales get fewer."""
    optimizer: Literal["auto", "adam", "lbfgs"] = "auto"
    """auto: L-BFGS from a picture or after a style's painting, else Adam, which shows the compact loss network the
    picture in another orientation each time."""
    history: int = 12
    """Corrections that L-BFGS keeps, each the size of two pictures."""
    statistics: Literal["gram", "wasserstein"] = "gram"
    """Style as Gram matrices, or as 2-Wasserstein distance of feature means and covariances."""
    start: Literal["photo", "noise", "painting", "picture"] = "photo"
    """What the first scale starts from."""
    content_weight: float = 1.0
    """Weight of the content loss at strength 1."""
    tv_weight: float = 0.5
    """Weight of total variation, against noise."""
    layer_weights: tuple[float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0)
    """Style weights of relu1_1 to relu5_1."""
    network: LossNetworkName = "compact"
    """Loss network."""
    seed: int = 0
    """Seed of the noise to start from."""
