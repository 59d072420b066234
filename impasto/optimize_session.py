"""What all photos of one `impasto optimize` share: the loss network, the device, the paintings, the memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jsonargparse import Namespace

from impasto.memory import MemoryMeter, free_bytes
from impasto.optimize_files import Painting, read_paintings
from nst_core import features, weights
from nst_core.errors import ConfigError
from nst_core.features import LossNetwork
from nst_core.files import sha256
from nst_core.gatys_options import GatysOptions


@dataclass(frozen=True)
class Session:
    """The options, and what was made of them before the first photo."""

    options: Namespace
    gatys: GatysOptions
    draft: Path | None
    """The picture that start=picture starts from, or the style that paints it."""
    paintings: Sequence[Painting]
    device: torch.device
    network: LossNetwork
    network_sha256: str | None
    limit_bytes: int
    meter: MemoryMeter

    @property
    def files(self) -> list[Path]:
        """What is read for every photo."""
        masks = [painting.mask for painting in self.paintings if painting.mask]
        others = [Path(path) for path in (self.options.protect, self.options.only, self.draft) if path]
        return [*(painting.path for painting in self.paintings), *masks, *others]

    @property
    def device_name(self) -> str:
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return f"CPU, {torch.get_num_threads()} threads"


def open_session(options: Namespace, gatys: GatysOptions, draft: Path | None) -> Session:
    """Loads the loss network, measures the memory, and then reads the paintings.

    Raises:
        ConfigError: There is no such device, or the paintings' options make no sense.
        ImageError: A painting cannot be read.
        ModelError: There is neither a picture nor a style of that name.
        WeightsError: The loss network is missing.
    """
    device = open_device(options.device, options.memory_limit)
    network = features.load_network(gatys.network, device)
    path = features.compact_path() if gatys.network == "compact" else weights.find(gatys.network)
    limit_bytes = options.memory_limit or free_bytes(device)
    meter = MemoryMeter(device)  # before the first picture, as the plan counts pictures in
    paintings = read_paintings(options, draft)
    return Session(options, gatys, draft, paintings, device, network, path and sha256(path), limit_bytes, meter)


def open_device(name: str, limit_bytes: int | None) -> torch.device:
    """Makes a device ready: auto, cpu or cuda.

    Raises:
        ConfigError: There is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        if not torch.cuda.is_available():
            raise ConfigError("--device cuda: torch finds no graphics card; run: impasto doctor")
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.allow_tf32 = False  # newer cards would round to 10 bits
        if limit_bytes is not None:  # the card's own allocator keeps to it, too
            whole = torch.cuda.get_device_properties(0).total_memory
            torch.cuda.set_per_process_memory_fraction(min(1.0, limit_bytes / whole))
    return torch.device(name)
