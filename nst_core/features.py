"""Loss networks: what all of them offer, and how to get one by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

import checkpoints
from nst_core import weights
from nst_core.compact import load_compact
from nst_core.errors import WeightsError
from nst_core.vgg import VggNetwork


class LossNetwork(Protocol):
    """A frozen feature extractor that losses are measured with."""

    @property
    def name(self) -> str: ...

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, shallow to deep."""
        ...

    @property
    def strides(self) -> Mapping[str, int]:
        """Pixels to a position of each layer."""
        ...

    @property
    def halo_px(self) -> int:
        """How far beyond a core its features may see; a multiple of the deepest stride."""
        ...

    @property
    def bytes_per_pixel(self) -> int:
        """Memory of features and their gradient, fp32, a pixel of input; with room for what the allocator keeps."""
        ...

    @property
    def content_channels(self) -> int:
        """Channels of relu4_1, before its head."""
        ...

    @property
    def heads(self) -> Mapping[str, Tensor | None]:
        """Linear head (k, c) that belongs to each layer's features; None is the identity."""
        ...

    def views(self) -> Sequence[LossNetwork]:
        """The network itself, and others as good that err differently; see `CompactNetwork.views`."""
        ...

    def features(self, x: Tensor, layers: Sequence[str] = ...) -> dict[str, Tensor]:
        """Rectified features before their heads.

        Args:
            x: (B, 3, H, W) sRGB in [0, 1], H and W at least 32.
            layers: which layers to return; nothing deeper than the last of them is computed.

        Returns:
            (B, c, H // s, W // s) for each layer, s its stride.
        """
        ...


def compact_path() -> Path:
    """Where the compact loss network ships."""
    return Path(checkpoints.__path__[0]) / "perceptual" / "compact.safetensors"


def load_network(name: str, device: torch.device | str = "cpu") -> LossNetwork:
    """Load a loss network by its name.

    Raises:
        WeightsError: the name is unknown, or the weights are missing or broken; the message says what to do.
    """
    if name == "compact":
        return load_compact(compact_path(), device)
    if name in ("vgg19", "vgg16"):
        return VggNetwork(name, weights.load(name)).to(device)
    raise WeightsError(f"no loss network is called {name!r}; choose compact, vgg19 or vgg16")
