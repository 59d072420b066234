"""The compact loss network: a narrow VGG-19-like network distilled from VGG-19, small enough to ship."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from nst_core.errors import WeightsError
from nst_core.files import write_bytes
from nst_core.mirrored_conv import MirroredConv
from nst_core.vgg import LAYERS, STRIDES

TEACHER_CHANNELS = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512, "relu5_1": 512}
LAYOUT = (
    *("relu1_1", "relu1_2", "pool"),
    *("relu2_1", "relu2_2", "pool"),
    *("relu3_1", "relu3_2", "relu3_3", "relu3_4", "pool"),
    *("relu4_1", "relu4_2", "relu4_3", "relu4_4", "pool"),
    "relu5_1",
)
"""VGG-19's 3x3 convolutions with ReLU, and 2x2 max-pooling."""


@dataclass(frozen=True)
class CompactOptions:
    """Shape of the compact loss network."""

    widths: tuple[int, ...] = (16, 32, 64, 64, 96, 64, 64, 64, 128, 112, 112, 112, 160)
    """Output channels of each convolution, in order."""


class CompactNetwork(nn.Module):
    """VGG-19-like features to relu5_1 for about a tenth of VGG-19's work.

    Each tapped layer has a linear 1x1 head to VGG-19's channels. A linear head H never has to be run:
    H and the triangular factor R of its QR decomposition give the same Gram and content errors, since
    |H D H^T| = |R D R^T| for any D. `heads` holds the R, (c, c) instead of (512, c).

    Differs from Wang et al. 2020 (arXiv 2003.08436): widths spent where Gram matrices need
    them, linear heads folded into a metric, one joint training in which Gram matrices are matched too.
    """

    name = "compact"
    layers: tuple[str, ...] = LAYERS
    strides: Mapping[str, int] = STRIDES
    halo_px = 80
    bytes_per_pixel = 4000
    content_channels: int
    heads: Mapping[str, Tensor | None]

    def __init__(self, options: CompactOptions = CompactOptions()) -> None:
        super().__init__()
        layers = [layer for layer in LAYOUT if layer != "pool"]
        if len(options.widths) != len(layers):
            raise WeightsError(f"a compact loss network has {len(layers)} widths, not {len(options.widths)}")
        self.options = options
        self.content_channels = options.widths[layers.index("relu4_1")]
        self.convs = nn.ModuleList()
        self.teacher_heads = nn.ModuleDict()
        channels = 3
        for layer, width in zip(layers, options.widths, strict=True):
            conv = MirroredConv(channels, width)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            self.convs.append(conv)
            if layer in LAYERS:
                self.teacher_heads[layer] = nn.Conv2d(width, TEACHER_CHANNELS[layer], 1, bias=False)
            channels = width

    def features(self, x: Tensor, layers: Sequence[str] = LAYERS) -> dict[str, Tensor]:
        """Rectified features before their heads, of any layers of `LAYOUT`; see `nst_core.features.LossNetwork`."""
        out: dict[str, Tensor] = {}
        convs = iter(self.convs)
        y = x * 4.0 - 2.0
        for layer in LAYOUT:
            if layer == "pool":
                y = F.max_pool2d(y, 2)
                continue
            y = F.relu(next(convs)(y), inplace=True)
            if layer in layers:
                out[layer] = y
                if len(out) == len(layers):
                    break
        return out

    def freeze(self) -> CompactNetwork:
        """Make it a loss network: no gradients for weights, heads folded, laid out for speed."""
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.heads = self.folded_heads()
        return self

    def views(self) -> Sequence[CompactNetwork]:
        """The frozen network as it sees pictures upright, mirrored and turned: eight, sharing nothing but heads.

        What a narrow network gets wrong depends on the orientation it sees a picture in, what VGG-19 sees
        in common does not. An optimizer that goes by another view each time cannot settle where one of
        them errs. Instead of the picture, the kernels are turned.
        """
        views = []
        for turn in (0, 4, 3, 7, 1, 5, 2, 6):  # the first few differ most
            view = copy.copy(self)
            view._modules = {**self._modules, "convs": copy.deepcopy(self.convs)}
            for conv in view.convs:
                assert isinstance(conv, nn.Conv2d)
                kernel: Tensor = conv.weight.data
                kernel = kernel.flip(3) if turn & 1 else kernel
                kernel = kernel.flip(2) if turn & 2 else kernel
                kernel = kernel.transpose(2, 3) if turn & 4 else kernel
                conv.weight.data = kernel.contiguous(memory_format=torch.channels_last)
            views.append(view)
        return views

    def folded_heads(self) -> dict[str, Tensor | None]:
        """R of the QR decomposition of each layer's head, (c, c)."""
        return {
            layer: torch.linalg.qr(head.weight[:, :, 0, 0], mode="r").R  # type: ignore[union-attr, index]
            for layer, head in self.teacher_heads.items()
        }


def save_compact(network: CompactNetwork, path: Path, card: Mapping[str, object]) -> None:
    """Write weights (fp16) and card into one safetensors file."""
    tensors = {key: value.detach().half().contiguous() for key, value in network.state_dict().items()}
    write_bytes(path, save(tensors, {"options": json.dumps(asdict(network.options)), "card": json.dumps(card)}))


def load_compact(path: Path, device: torch.device | str = "cpu") -> CompactNetwork:
    """Read a compact loss network, frozen, in fp32.

    Raises:
        WeightsError: the file is missing, broken, or not a compact loss network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            options = json.loads((file.metadata() or {})["options"])
            state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 - not a dict
        network = CompactNetwork(CompactOptions(widths=tuple(options["widths"])))
        network.load_state_dict(state)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{path.name}: not a compact loss network ({reason}); reinstall Impasto") from error
    return network.to(device).freeze()
