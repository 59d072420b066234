"""VGG-19 and VGG-16 (Simonyan & Zisserman 2015) as loss networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nst_core.mirrored_conv import MirroredConv

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STRIDES: Mapping[str, int] = MappingProxyType({"relu1_1": 1, "relu2_1": 2, "relu3_1": 4, "relu4_1": 8, "relu5_1": 16})
HIDDEN = ("relu3_2", "relu3_3", "relu3_4", "relu4_2", "relu4_3", "relu4_4")
"""What lies between the deeper of them; no loss looks at these, but a network in training may imitate them."""
BLOCKS = {"vgg19": (2, 2, 4, 4, 1), "vgg16": (2, 2, 3, 3, 1)}
"""Convolutions in each block as far as relu5_1."""
WIDTHS = (64, 128, 256, 512, 512)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class VggNetwork(nn.Module):
    """VGG's features to relu5_1, reflect-padded so that they have no dark frame.

    Args:
        name: `vgg19` or `vgg16`.
        weights: torchvision's tensors, `features.N.weight` and `features.N.bias`; None leaves random
            weights, for timing.
    """

    layers: tuple[str, ...] = LAYERS
    strides: Mapping[str, int] = STRIDES
    halo_px = 80
    bytes_per_pixel = 4500
    content_channels = 512
    heads: Mapping[str, Tensor | None] = MappingProxyType(dict.fromkeys(LAYERS))
    mean: Tensor
    std: Tensor

    def __init__(self, name: str, weights: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.name = name
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.blocks = nn.ModuleList()
        channels, index = 3, 0
        for depth, width in zip(BLOCKS[name], WIDTHS, strict=True):
            block = nn.ModuleList()
            for _ in range(depth):
                conv = MirroredConv(channels, width)
                if weights is None:
                    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
                else:
                    conv.load_state_dict({k: weights[f"features.{index}.{k}"] for k in ("weight", "bias")})
                block.append(conv)
                channels, index = width, index + 2  # a ReLU follows each convolution
            index += 1  # a pooling follows each block
            self.blocks.append(block)
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def views(self) -> Sequence[VggNetwork]:
        """Itself alone."""
        return (self,)

    def features(self, x: Tensor, layers: Sequence[str] = LAYERS) -> dict[str, Tensor]:
        """Rectified features of any layers, `relu3_2` and the like too; see `nst_core.features.LossNetwork`."""
        out: dict[str, Tensor] = {}
        y = (x - self.mean) / self.std
        for number, block in enumerate(self.blocks, 1):
            y = F.max_pool2d(y, 2) if number > 1 else y
            for i, conv in enumerate(block, 1):  # type: ignore[arg-type]
                y = F.relu(conv(y), inplace=True)
                if (layer := f"relu{number}_{i}") in layers:
                    out[layer] = y
                    if len(out) == len(layers):
                        return out
        return out
