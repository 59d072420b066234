"""The classic: Johnson's network with instance norm; the baseline of every benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks import NormedConv, Norms, ResidualBlock


@dataclass(frozen=True)
class JohnsonOptions:
    """Shape of Johnson's network."""

    width: int = 32
    """Channels at full resolution; twice as many at half, four times at a quarter."""
    blocks: int = 5
    """Residual blocks."""


class Johnson(nn.Module):
    """9x9 convolution, two of stride 2, residual blocks, two of growing size, 9x9 convolution.

    Source: Johnson, Alahi & Fei-Fei 2016, with the instance norm of Ulyanov et al. 2016. Differs: mirrored
    borders at each convolution instead of once, nearest-neighbor growing instead of transposed convolutions
    (Odena et al. 2016), and a sigmoid instead of a scaled tanh, as pictures here lie in [0, 1].
    """

    def __init__(self, options: JohnsonOptions = JohnsonOptions()) -> None:
        super().__init__()
        w = options.width
        self.down = nn.ModuleList(
            [NormedConv(3, w, 9), NormedConv(w, 2 * w, 3, stride=2), NormedConv(2 * w, 4 * w, 3, stride=2)]
        )
        self.blocks = nn.ModuleList(ResidualBlock(4 * w) for _ in range(options.blocks))
        self.up = nn.ModuleList([NormedConv(4 * w, 2 * w, grow=True), NormedConv(2 * w, w, grow=True)])
        self.last = nn.Conv2d(w, 3, 9, padding=4, padding_mode="reflect")

    def forward(self, photo: Tensor, norm: Norms) -> Tensor:
        height, width = photo.shape[2:]
        y = F.pad(photo, (0, -width % 4, 0, -height % 4), mode="reflect") * 4 - 2
        for layer in self.down:
            y = F.relu(layer(y, norm))
        for block in self.blocks:
            y = block(y, norm)
        for layer in self.up:
            y = F.relu(layer(y, norm))
        return torch.sigmoid(self.last(y))[:, :, :height, :width]
