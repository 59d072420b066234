"""Networks to distil from: VGG-19's features at five layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from nst_core.errors import WeightsError
from nst_core.features import LossNetwork
from nst_core.vgg import HIDDEN

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return {key: value.float() for key, value in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error


def _conv_relu(x: Tensor, weights: Mapping[str, Tensor], name: str) -> Tensor:
    padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
    return F.relu(F.conv2d(padded, weights[f"{name}.weight"], weights[f"{name}.bias"]))


class TwoPartTeacher(nn.Module):
    """Real VGG-19 filters to relu3_1, and above them a distilled VGG-19 with heads to VGG-19's widths.

    Args:
        shallow: safetensors with `features.{0,2,5,7,10}` as torchvision names them.
        deep: safetensors with `conv0`, `conv11` ... `conv51` and the 1x1 `conv41_aux`, `conv51_aux`
            (the layout of Wang et al. 2020, arXiv 2003.08436).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shallow: Path, deep: Path) -> None:
        super().__init__()
        self.files = (shallow, deep)
        self.shallow, self.deep = _read(shallow), _read(deep)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        needed = {f"features.{i}.weight" for i in (0, 2, 5, 7, 10)} - self.shallow.keys()
        needed |= {"conv51_aux.weight", "conv41_aux.weight"} - self.deep.keys()
        if needed:
            raise WeightsError(f"{shallow.name}, {deep.name}: not the two parts of a teacher, {min(needed)} is missing")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> TwoPartTeacher:
        self.shallow, self.deep = ({k: fn(v) for k, v in part.items()} for part in (self.shallow, self.deep))
        return super()._apply(fn, recurse)

    @torch.no_grad()
    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) sRGB in [0, 1] to VGG-19's features, (B, 64 ... 512, H / s, W / s), and hidden layers."""
        out: dict[str, Tensor] = {}
        y = out["relu1_1"] = _conv_relu((x - self.mean) / self.std, self.shallow, "features.0")
        y = F.max_pool2d(_conv_relu(y, self.shallow, "features.2"), 2)
        y = out["relu2_1"] = _conv_relu(y, self.shallow, "features.5")
        y = F.max_pool2d(_conv_relu(y, self.shallow, "features.7"), 2)
        out["relu3_1"] = _conv_relu(y, self.shallow, "features.10")
        y = F.conv2d(x, self.deep["conv0.weight"], self.deep["conv0.bias"])
        for stage, depth in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1)):
            for i in range(1, depth + 1):
                y = _conv_relu(y, self.deep, f"conv{stage}{i}")
                if i == 1 and stage >= 4:
                    head = F.conv2d(y, self.deep[f"conv{stage}1_aux.weight"], self.deep[f"conv{stage}1_aux.bias"])
                    out[f"relu{stage}_1"] = F.relu(head)
                elif i > 1 and stage in (3, 4):
                    out[f"relu{stage}_{i}"] = y
            y = F.max_pool2d(y, 2)
        return out


class LossNetworkTeacher(nn.Module):
    """A loss network as a teacher.

    Args:
        network: such as `nst_core.features.load_network("vgg19")`.
        file: that its weights were read from.
    """

    def __init__(self, network: LossNetwork, file: Path) -> None:
        super().__init__()
        self.network, self.files = network, (file,)

    @torch.no_grad()
    def features(self, x: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) sRGB in [0, 1] to its features, hidden layers included."""
        return self.network.features(x, (*self.network.layers, *HIDDEN))
