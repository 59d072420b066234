"""Model files that artists bring: any that spandrel knows, without running what a file may carry; needs torch."""

import importlib.util
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nst_core.errors import BudgetError, ModelError
from nst_core.files import sha256
from nst_core.memory import PeakMemory
from nst_core.picture_samples import to_float

if TYPE_CHECKING:
    import torch
    from spandrel import ImageModelDescriptor

SAFE, PICKLED = ".safetensors", (".pth", ".pt", ".ckpt")
TRIAL_PX = 96
"""Side of the crop on which a model's memory is measured."""
CROP_PIXELS = 512 * 512
LEAST_CROP_PIXELS = 128 * 128
CARD_SHARE = 0.8
"""Of a graphics card's free memory, how much is taken."""
LEAST_BYTES = 100.0
"""For each pixel of a result, where less is measured: what is over within moments is not seen."""
MARGIN = 1.3
"""By which what was measured is exceeded."""


class ModelNetwork:
    """Enlarges by a model file.

    Args:
        path: the file.

    Raises:
        ModelError: It is missing, broken, no model for enlarging colors, or what reads it is not installed.
    """

    deep, halo_px = True, 32

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._model = _load(path)
        self.scale = self._model.scale
        self.settings: Mapping[str, Any] = {
            "method": "model",
            "model": path.name,
            "sha256": sha256(path),
            "architecture": self._model.architecture.name,
        }
        self._bytes_per_pixel = self._measure()  # before anyone asks what the program takes: torch now has its own

    def fit(self, room_bytes: int) -> int:
        """See `studio.upscale.tiles.Network`."""
        import torch

        if self._model.device.type == "cuda":
            room_bytes = int(torch.cuda.mem_get_info()[0] * CARD_SHARE)
        most = int(room_bytes / (self._bytes_per_pixel * MARGIN))
        if most < LEAST_CROP_PIXELS:
            needed = LEAST_CROP_PIXELS * self._bytes_per_pixel * MARGIN
            raise BudgetError(f"{self._name} takes {needed / 1e9:.1f} GB beside the picture; raise --memory-limit")
        return min(most, CROP_PIXELS)

    def enlarge(self, crops: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `studio.upscale.tiles.Network`.

        Raises:
            BudgetError: The model takes more than was measured.
            ModelError: It fails, or makes what is no picture.
        """
        return map(self._enlarge, crops)

    def _enlarge(self, crop: np.ndarray) -> np.ndarray:
        import torch

        values = torch.from_numpy(np.ascontiguousarray(to_float(crop).transpose(2, 0, 1)))[None]
        try:
            large = self._model(values.to(self._model.device))
        except torch.OutOfMemoryError as error:
            raise BudgetError(f"{self._name}: out of memory; lower --memory-limit, for smaller tiles") from error
        except (RuntimeError, ValueError, AssertionError) as error:  # whatever an architecture raises
            raise ModelError(f"{self._name} fails: {error}; use another model") from error
        result = large[0].permute(1, 2, 0).cpu().numpy()
        if not np.isfinite(result).all():
            raise ModelError(f"{self._name} makes no picture of it (not a number); use another model")
        return result

    def _measure(self) -> float:
        """Bytes for each pixel of a crop, where what computes has its memory."""
        import torch

        crop = np.zeros((TRIAL_PX, TRIAL_PX, 3), np.uint8)
        with PeakMemory() as peak:
            self._enlarge(crop)
        card = self._model.device.type == "cuda"
        most = torch.cuda.max_memory_allocated() if card else peak.bytes
        return max(most / crop[..., 0].size, LEAST_BYTES * self.scale**2)


def _load(path: Path) -> "ImageModelDescriptor":
    if not path.is_file():
        raise ModelError(f"{path} does not exist; check the name")
    for package, extra in (("torch", "train"), ("spandrel", "upscale")):
        if importlib.util.find_spec(package) is None:
            raise ModelError(
                f"{path.name}: model files need {package}; in the folder of Impasto, run: pip install '.[{extra}]'"
            )
    import torch
    from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError, canonicalize_state_dict

    state = _read(path)
    try:
        model = ModelLoader().load_from_state_dict(canonicalize_state_dict(state))
    except UnsupportedModelError as error:
        raise ModelError(f"{path.name} is of no architecture that spandrel knows; use another model") from error
    except (RuntimeError, ValueError, KeyError, AttributeError, TypeError, AssertionError) as error:
        raise ModelError(f"{path.name} is damaged ({error}); get it again") from error
    if not isinstance(model, ImageModelDescriptor) or model.scale < 2:
        raise ModelError(f"{path.name} ({model.architecture.name}) does not enlarge; use a model of scale 2 or 4")
    if (model.input_channels, model.output_channels) != (3, 3):
        raise ModelError(f"{path.name} takes {model.input_channels} channels; use a model for colors")
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def _read(path: Path) -> "dict[str, torch.Tensor]":
    """A file's tensors by name. What a pickle would run is refused by torch, never run."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix.lower() == SAFE:
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # at kinds of files that are refused
            found = torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise ModelError(f"{path.name} is no safetensors file, or a damaged one; get it again") from error
    except Exception as error:  # of the many kinds that torch raises for what it does not or must not read
        raise ModelError(
            f"{path.name} is no file of weights alone, which is all that is read of it; get it as .safetensors"
        ) from error
    if not isinstance(found, dict):
        raise ModelError(f"{path.name} holds no weights; use another model")
    return found
