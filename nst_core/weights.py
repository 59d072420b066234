"""The VGG loss networks' ImageNet weights: where they are, how they come here, and how they are loaded.

Only `get` uses the network, and only when it is called. What is kept is one safetensors file a network,
with the convolutions up to relu5_1 and nothing else.
"""

import logging
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import safetensors.torch
import torch

from nst_core.errors import WeightsError
from nst_core.files import Progress, download, sha256, write_bytes

logger = logging.getLogger(__name__)

_BLOCK_WIDTHS = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class LossWeights:
    """One network's published weights.

    Source: torchvision's ImageNet models (IMAGENET1K_V1), BSD-3-Clause.
    """

    url: str
    sha256: str
    """Of the file as published; its first eight digits are those in torch hub's file name."""
    block_convs: tuple[int, ...]
    """How many convolutions each block has, the last one only as far as relu5_1."""

    @property
    def file_name(self) -> str:
        """The name that torch hub gives the file."""
        return self.url.rpartition("/")[2]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The tensors up to relu5_1, by torchvision's names `features.N.weight` and `features.N.bias`."""
        shapes: dict[str, tuple[int, ...]] = {}
        index, channels = 0, 3
        for convs, width in zip(self.block_convs, _BLOCK_WIDTHS, strict=True):
            for _ in range(convs):
                shapes[f"features.{index}.weight"] = (width, channels, 3, 3)
                shapes[f"features.{index}.bias"] = (width,)
                index, channels = index + 2, width  # a ReLU follows each convolution
            index += 1  # a pooling follows each block
        return shapes


LOSS_WEIGHTS: Mapping[str, LossWeights] = {
    "vgg19": LossWeights(
        url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        block_convs=(2, 2, 4, 4, 1),
    ),
    "vgg16": LossWeights(
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        block_convs=(2, 2, 3, 3, 1),
    ),
}


def weights_folder() -> Path:
    """Where this program keeps weights; the environment variable IMPASTO_WEIGHTS_DIR names another."""
    chosen = os.environ.get("IMPASTO_WEIGHTS_DIR")
    return Path(chosen) if chosen else platformdirs.user_data_path("impasto", appauthor=False) / "weights"


def find(name: str) -> Path | None:
    """The file with the weights of `name`: ours, or else torch hub's, which is used where it lies.

    Raises:
        WeightsError: There is no network of that name.
    """
    spec = _spec(name)
    candidates = (_own_file(name), Path(torch.hub.get_dir()) / "checkpoints" / spec.file_name)
    return next((path for path in candidates if path.is_file()), None)


def load(name: str) -> dict[str, torch.Tensor]:
    """The tensors of `name` up to relu5_1, float32, by torchvision's names.

    Raises:
        WeightsError: They are not on this machine, or the file is broken.
    """
    path = find(name)
    if path is None:
        raise WeightsError(
            f"the {name} weights are not on this machine; run: impasto weights get {name} "
            f"(or impasto weights add FILE, where it has no network)"
        )
    tensors = _read(path)
    if _recognize(tensors) != name:
        raise WeightsError(f"{path} does not hold {name}; delete it and run: impasto weights get {name}")
    return {key: tensors[key].float() for key in _spec(name).shapes()}


def get(name: str, url: str | None = None, progress: Progress | None = None) -> Path:
    """Downloads the weights of `name` unless they are here already; gives the file they are in.

    Args:
        name: A key of `LOSS_WEIGHTS`.
        url: Another place that holds the published file, byte for byte.
        progress: Called with the bytes done and in all.

    Raises:
        WeightsError: The download failed, or brought another file.
        NstError: The folder cannot be written to, or the disk is full.
    """
    spec = _spec(name)
    if path := find(name):
        return path
    published = weights_folder() / spec.file_name
    download(url or spec.url, published, spec.sha256, progress)
    add(published, name)
    published.unlink()
    return _own_file(name)


def add(file: Path, name: str | None = None) -> str:
    """Takes the weights in `file` (torchvision's .pth, or safetensors with its names) into our folder.

    Args:
        file: Is left as it is.
        name: What the file should hold; None to go by what it does hold.

    Returns:
        The name of the network that was added.

    Raises:
        WeightsError: The file is missing or broken, or holds no network that we know, or not `name`.
        NstError: The folder cannot be written to, or the disk is full.
    """
    if name is not None:
        _spec(name)
    tensors = _read(file)
    found = _recognize(tensors)
    if found is None:
        raise WeightsError(f"{file} is neither VGG-19 nor VGG-16 as torchvision publishes them; nothing was added")
    if name not in (None, found):
        raise WeightsError(f"{file} holds {found}, not {name}; nothing was added")
    kept = {key: tensors[key].float().contiguous() for key in _spec(found).shapes()}
    if not all(bool(tensor.isfinite().all()) for tensor in kept.values()):
        raise WeightsError(f"{file} holds values that are not finite; nothing was added")
    digest = sha256(file)
    if file.suffix == ".pth" and digest != _spec(found).sha256:
        logger.warning("%s has the shapes of %s but is not the published file", file, found)
    metadata = {"network": found, "source": file.name, "source_sha256": digest}
    write_bytes(_own_file(found), safetensors.torch.save(kept, metadata))
    return found


def _own_file(name: str) -> Path:
    return weights_folder() / f"{name}.safetensors"


def _spec(name: str) -> LossWeights:
    try:
        return LOSS_WEIGHTS[name]
    except KeyError:
        raise WeightsError(f"there are no weights for {name!r}; there are: {', '.join(LOSS_WEIGHTS)}") from None


def _recognize(tensors: Mapping[str, torch.Tensor]) -> str | None:
    """The network all of whose tensors up to relu5_1 are there with the right shapes."""
    for name, spec in LOSS_WEIGHTS.items():
        if all(key in tensors and tensors[key].shape == shape for key, shape in spec.shapes().items()):
            return name
    return None


def _read(file: Path) -> dict[str, torch.Tensor]:
    """Reads a table of tensors without running any code that the file may carry."""
    if not file.is_file():
        raise WeightsError(f"there is no file {file}")
    try:
        if file.suffix == ".safetensors":
            return safetensors.torch.load_file(file)
        # Mapped where the format allows, so that VGG's 500 MB of classifier are never read.
        tensors = torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except Exception as error:  # a damaged file can fail anywhere inside the readers
        raise WeightsError(f"{file} cannot be read as weights: it is damaged or of another kind") from error
    if not isinstance(tensors, dict):
        raise WeightsError(f"{file} holds no table of weights by name")
    return {str(key): value for key, value in tensors.items() if isinstance(value, torch.Tensor)}
