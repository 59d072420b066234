"""What the networks are built of: convolutions, each followed by an instance norm that is told what to paint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-5


class _InstanceNorm(torch.autograd.Function):
    """scale * (x - mean) / deviation + shift over each picture's positions; a scale and a shift for each sample.

    torch's own takes one scale for the batch and copies channels-last pictures; this reads them where they lie.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x.float(), (2, 3), correction=0)
        inverse = (variance + EPSILON).rsqrt()
        factor = scale * inverse
        ctx.save_for_backward(x, scale, mean, inverse)
        return torch.addcmul(_over(shift - mean * factor, x), x, _over(factor, x))

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        slope = slopes[0]
        x, scale, mean, inverse = ctx.saved_tensors
        positions = x.shape[2] * x.shape[3]
        total = slope.sum((2, 3), dtype=torch.float32)
        along = ((slope * x).sum((2, 3), dtype=torch.float32) - total * mean) * inverse
        factor = scale * inverse
        of_x = -factor * inverse * along / positions
        constant = -factor * total / positions - of_x * mean
        back = torch.addcmul(_over(constant, x), x, _over(of_x, x)).addcmul_(slope, _over(factor, x))
        return back, along, total


def _over(values: Tensor, x: Tensor) -> Tensor:
    """(B, C) values to every position of x."""
    return values[:, :, None, None].to(x.dtype)


def instance_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Conditional instance norm of (B, C, H, W); scale and shift (B, C), or (1, C) for the whole batch.

    Source: Ulyanov et al. 2016 (arXiv 1607.08022); conditional: Dumoulin et al. 2017 (arXiv 1610.07629).
    """
    if scale.shape[0] == 1:  # the form that ONNX has an operator for
        return F.instance_norm(x, weight=scale[0], bias=shift[0], eps=EPSILON)
    return _InstanceNorm.apply(x, scale, shift)  # type: ignore[return-value]


class Norms:
    """The instance norms of one pass through a network, each called once, in the order of `norm_channels`.

    Args:
        channels: of each norm.
        scale, shift: of all of them, (B, sum of channels), or (1, sum of channels) for the whole batch.
    """

    def __init__(self, channels: Sequence[int], scale: Tensor, shift: Tensor) -> None:
        self._affines = zip(scale.split(channels, 1), shift.split(channels, 1), strict=True)

    def __call__(self, x: Tensor) -> Tensor:
        return instance_norm(x, *next(self._affines))


class TileNorms(Norms):
    """Norms that can be told the moments of a whole picture, of which x is a tile, and tell those that they found.

    A picture painted tile by tile is then the same as painted whole, without seams.

    Source: URST, Chen et al. 2022 (arXiv 2103.11784), which takes them from a thumbnail.

    Args:
        channels, scale, shift: as of `Norms`.
        moments: means and variances, (B, 2, sum of channels), or (1, 2, sum of channels) for the whole batch.
        given: (1,), 1 where these count, 0 where each norm takes its own.
    """

    def __init__(self, channels: Sequence[int], scale: Tensor, shift: Tensor, moments: Tensor, given: Tensor) -> None:
        super().__init__(channels, scale[..., None, None], shift[..., None, None])
        mean, variance = moments[..., None, None].unbind(1)
        self._given = given > 0
        self._known = zip(mean.split(channels, 1), variance.split(channels, 1), strict=True)
        self._found: list[tuple[Tensor, Tensor]] = []

    def __call__(self, x: Tensor) -> Tensor:
        (scale, shift), (known_mean, known_variance) = next(self._affines), next(self._known)
        mean = F.adaptive_avg_pool2d(x, 1)
        center = torch.where(self._given, known_mean, mean)
        x = x - center  # before squaring, lest rounding leave nothing of a small variance
        variance = F.relu(F.adaptive_avg_pool2d(x * x, 1) - (mean - center).square())
        self._found.append((mean, variance))
        variance = torch.where(self._given, known_variance, variance)
        return x * (scale * torch.rsqrt(variance + EPSILON)) + shift

    @property
    def found(self) -> Tensor:
        """The pictures' own moments, (B, 2, sum of channels)."""
        means, variances = zip(*self._found, strict=True)
        return torch.stack([torch.cat(means, 1), torch.cat(variances, 1)], 1)[..., 0, 0]


class NormedConv(nn.Module):
    """Convolution with mirrored borders and conditional instance norm, (B, i, H, W) to (B, o, H / stride, W / stride).

    Args:
        inputs, channels: i and o.
        kernel, stride: of the convolution; the sizes are exact where `stride` divides H and W.
        grow: double height and width first, by repeating pixels: this leaves no checkerboard
            (Odena et al. 2016), as transposed convolutions do.
    """

    def __init__(self, inputs: int, channels: int, kernel: int = 3, stride: int = 1, grow: bool = False) -> None:
        super().__init__()
        padding = (kernel - stride + 1) // 2
        self.conv = nn.Conv2d(inputs, channels, kernel, stride, padding, padding_mode="reflect", bias=False)
        self.channels, self.grow = channels, grow

    def forward(self, x: Tensor, norm: Norms) -> Tensor:
        if self.grow:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        return norm(self.conv(x))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity, without a ReLU after the sum.

    Source: Gross & Wilber 2016, as Johnson et al. 2016 use it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = NormedConv(channels, channels)
        self.second = NormedConv(channels, channels)

    def forward(self, x: Tensor, norm: Norms) -> Tensor:
        return x + self.second(F.relu(self.first(x, norm)), norm)


def norm_channels(network: nn.Module) -> list[int]:
    """Channels of each norm, in the order of the modules: the order in which `forward` must take them."""
    return [module.channels for module in network.modules() if isinstance(module, NormedConv)]
