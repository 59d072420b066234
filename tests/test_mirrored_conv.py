"""The mirrored convolution against torch's own padding."""

import pytest
import torch
from torch.nn import functional as F

from nst_core.mirrored_conv import MirroredConv


@pytest.mark.parametrize("size", [(2, 2), (2, 3), (3, 3), (5, 8)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_result_and_gradients_are_those_of_reflection_padding(
    size: tuple[int, int], layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    conv = MirroredConv(3, 4).double()
    x = torch.rand(2, 3, *size, dtype=torch.double).contiguous(memory_format=layout).requires_grad_()
    weights = torch.rand(2, 4, *size, dtype=torch.double)

    ours = conv(x)
    (gradient,) = torch.autograd.grad((ours * weights).sum(), x)
    theirs = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), conv.weight, conv.bias)
    (expected,) = torch.autograd.grad((theirs * weights).sum(), x)

    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(gradient, expected)
