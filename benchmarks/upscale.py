"""What it takes to make a painted picture of 500 px one of 2,000 px: Waifu2x, Lanczos, or to paint it as large.

    impasto bench upscale

The photos are those that scikit-image brings along. Each way is the command as an artist types it, start of the program
included, in turns, the median of some rounds; memory is that of the program and its helpers together. How close each
comes to the truth is measured on photos made half as large and enlarged again. A batch tells whether memory stays.

Takes: 4 minutes.
Needs: the extra `upscale`, and what `impasto doctor` says of Waifu2x.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import skimage.data
from engine import scene
from harness import argument_parser, record, run
from skimage.metrics import peak_signal_noise_ratio

from nst_core.picture import Picture, write_picture
from studio.upscale import waifu2x
from studio.upscale.enlarge import open_enlarger
from studio.upscale.tiles import enlarge_tiles

STYLE = "starry_night"
SMALL_PX, FACTOR = 500, 4
LOOK_EVERY_S = 0.02
METHODS = ("waifu2x", "lanczos")
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")


def measured(*words: str | Path) -> tuple[float, int, list[int]]:
    """Seconds of a command, the peak of its memory with that of its helpers, and all that was seen of it."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "impasto.main", *words], stdout=subprocess.DEVNULL)
    seen = []
    while process.poll() is None:
        seen.append(_resident_bytes(process.pid))
        time.sleep(LOOK_EVERY_S)
    took = time.perf_counter() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return took, max(seen), seen


def _resident_bytes(pid: int) -> int:
    try:
        program = psutil.Process(pid)
        return sum(part.memory_info().rss for part in (program, *program.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def ways(folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Seconds and memory of each way from 500 px to 2,000 px."""
    photo, small = folder / "photo.png", folder / "small.png"
    write_picture(scene(2000, 1333), photo)
    measured("paint", photo, "--style", STYLE, "--size", str(SMALL_PX), "-o", small)
    paint = ["paint", photo, "--style", STYLE, "--size", str(SMALL_PX * FACTOR)]
    upscale = ["upscale", small, "--factor", str(FACTOR), "--method"]
    commands = {**{method: [*upscale, method] for method in METHODS}, "repaint": paint}
    found: dict[str, list[tuple[float, int]]] = {way: [] for way in commands}
    for _ in range(rounds):
        for way, words in commands.items():
            found[way].append(measured(*words, "-o", folder / f"{way}.png")[:2])
    return {way: _figures(pairs) for way, pairs in found.items()}


def _figures(pairs: list[tuple[float, int]]) -> dict[str, float]:
    seconds, peaks = zip(*pairs, strict=True)
    return {"seconds": round(statistics.median(seconds), 2), "peak_gb": round(max(peaks) / 1e9, 2)}


def batch(folder: Path, pictures: int) -> dict[str, float]:
    """The most memory in the second and in the last fifth of the time that many pictures take."""
    for number in range(pictures):
        write_picture(scene(SMALL_PX, 333 + number), folder / "many" / f"{number}.png")
    *_, seen = measured("upscale", folder / "many", "--method", "waifu2x", "-o", folder / "enlarged")
    fifth = len(seen) // 5
    second, last = max(seen[fifth : 2 * fifth]) / 1e9, max(seen[-fifth:]) / 1e9
    return {"pictures": pictures, "second_fifth_gb": round(second, 3), "last_fifth_gb": round(last, 3)}


def closeness() -> dict[str, float]:
    """PSNR to the original of photos made half as large and enlarged again, mean, dB."""
    found: dict[str, list[float]] = {method: [] for method in METHODS}
    for name in PHOTOS:
        pixels = getattr(skimage.data, name)()
        height, width = (side // 2 * 2 for side in pixels.shape[:2])
        photo = Picture(np.ascontiguousarray(pixels[:height, :width]))
        half = photo.resized(width // 2, height // 2)
        for method in METHODS:
            large = open_enlarger(2, method).enlarge(half)
            found[method].append(float(peak_signal_noise_ratio(photo.pixels, large.pixels)))
    return {method: round(statistics.mean(values), 2) for method, values in found.items()}


def tiles() -> dict[str, float]:
    """Waifu2x in the smallest tiles against the whole picture at once."""
    network, pixels = waifu2x.Waifu2xNetwork(waifu2x.NOISE), scene(480, 320).pixels
    network.fit(waifu2x.WORKER_BYTES)
    whole, small = (enlarge_tiles(pixels, None, 2, network, most, lambda share: None)[0] for most in (1 << 30, 96**2))
    off = np.abs(whole.astype(int) - small)
    return {"psnr_db": round(float(peak_signal_noise_ratio(whole, small)), 1), "most_levels_off": int(off.max())}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each way (default: %(default)s)")
    parser.add_argument("--pictures", type=int, default=30, help="of the batch (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            "size_px": [SMALL_PX, SMALL_PX * FACTOR],
            "where": "" if waifu2x.why_not() else waifu2x.where(),
            "ways": ways(Path(folder), options.rounds),
            "batch": batch(Path(folder), options.pictures),
            "closeness_db": closeness(),
            "tiles": tiles(),
        }
    record("upscale", figures)


if __name__ == "__main__":
    run(main)
