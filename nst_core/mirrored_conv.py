"""The convolution of the loss networks: 3x3, the size kept, borders mirrored, at little more than its own cost."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Mirror(torch.autograd.Function):
    """Pads (B, C, H, W) by its mirrored border of one position, channels last.

    torch's own copies channels-last features position by position, and on CUDA its gradients are not deterministic.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        out = torch.empty((b, c, h + 2, w + 2), dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
        out[:, :, 1:-1, 1:-1] = x
        out[:, :, 0, 1:-1] = x[:, :, 1]
        out[:, :, -1, 1:-1] = x[:, :, -2]
        out[:, :, :, 0] = out[:, :, :, 2]
        out[:, :, :, -1] = out[:, :, :, -3]
        return out

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        slope = slopes[0].clone(memory_format=torch.channels_last)
        slope[:, :, :, 2] += slope[:, :, :, 0]
        slope[:, :, :, -3] += slope[:, :, :, -1]
        slope[:, :, 2] += slope[:, :, 0]
        slope[:, :, -3] += slope[:, :, -1]
        return slope[:, :, 1:-1, 1:-1]


class MirroredConv(nn.Conv2d):
    """3x3 convolution that keeps the size, with mirrored borders."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(_Mirror.apply(input))  # type: ignore[arg-type]
