"""The default: most of its work at an eighth of the resolution, so that a plain CPU paints at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks import NormedConv, Norms, ResidualBlock

MARGIN_PX = 8
"""Mirrored around the photo and cut off again, so that what a border does to the convolutions stays outside."""
ALIGN_PX = 8


@dataclass(frozen=True)
class SwiftOptions:
    """Shape of the swift network."""

    widths: tuple[int, int, int] = (16, 48, 80)
    """Channels at a half, a quarter and an eighth of the resolution."""
    blocks: int = 4
    """Residual blocks, at an eighth."""


class Swift(nn.Module):
    """Down to an eighth, residual blocks, up to a half, and four pixels from each position there.

    A step up first narrows the channels with a 1x1 convolution, which is cheap where the picture is small, then
    doubles the size, then convolves. At a quarter, what was seen on the way down is added for detail.
    """

    def __init__(self, options: SwiftOptions = SwiftOptions()) -> None:
        super().__init__()
        half, quarter, eighth = options.widths
        self.to_half = NormedConv(3, half, 6, stride=2)
        self.to_quarter = NormedConv(half, quarter, 3, stride=2)
        self.to_eighth = NormedConv(quarter, eighth, 3, stride=2)
        self.blocks = nn.ModuleList(ResidualBlock(eighth) for _ in range(options.blocks))
        self.narrow_to_quarter = nn.Conv2d(eighth, quarter, 1)
        self.grow_to_quarter = NormedConv(quarter, quarter, grow=True)
        self.narrow_to_half = nn.Conv2d(quarter, half, 1)
        self.grow_to_half = NormedConv(half, half, grow=True)
        self.last = nn.Conv2d(half, 12, 3, padding=1)
        with torch.no_grad():  # at first the four pixels of a position are alike: no grid to unlearn (ICNR)
            for values in (self.last.weight, self.last.bias):
                assert values is not None
                values.copy_(values[::4].repeat_interleave(4, 0))

    def forward(self, photo: Tensor, norm: Norms) -> Tensor:
        height, width = photo.shape[2:]
        right, bottom = (MARGIN_PX + -side % ALIGN_PX for side in (width, height))
        y = F.pad(photo, (MARGIN_PX, right, MARGIN_PX, bottom), mode="reflect") * 4 - 2
        y = F.relu(self.to_half(y, norm))
        detail = F.relu(self.to_quarter(y, norm))
        y = F.relu(self.to_eighth(detail, norm))
        for block in self.blocks:
            y = block(y, norm)
        y = F.relu(self.grow_to_quarter(self.narrow_to_quarter(y), norm)) + detail
        y = F.relu(self.grow_to_half(self.narrow_to_half(y), norm))
        y = torch.sigmoid(F.pixel_shuffle(self.last(y), 2))
        return y[:, :, MARGIN_PX : MARGIN_PX + height, MARGIN_PX : MARGIN_PX + width]
