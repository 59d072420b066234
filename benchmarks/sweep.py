"""How many pictures a minute a sweep paints, beside the bare networks.

    impasto bench sweep [--photos 10] [--styles 12] [--rounds 3] [--provider cpu]

Photos of scikit-image, as files of 1500 px, through the styles that ship, as proofs of 512 px: from the first claim of
the ledger to the last picture on disk, with reading the photos, opening the networks, PNG files with their settings,
promises and the ledger; planning (`enqueue`) and contact sheets with report are told apart. The bare networks get the
same photos at 512 px as arrays, as many at a time as there are cores with a thread each: once with the networks opened
in that time, each once, as a sweep has to, and once with all of them open already. All take turns, in one run.

Takes: 2 minutes.
Needs: nothing.
"""

import itertools
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import skimage.data
from harness import argument_parser, record, run, seconds

from models.catalog import Style, styles
from nst_core.picture import Picture, fit_long_side, read_picture, write_picture
from serve.providers import ComputeOptions, Network, choose_provider
from studio.sweep.finals import FinalOptions
from studio.sweep.night import Event
from studio.sweep.plan import PROOF_PX, Settings, photo_files, style_files
from studio.sweep.sweep import Sweep
from studio.sweep.workers import local_workers
from studio.sweep.workshop import Workshop

PHOTOS = ("coffee", "astronaut", "chelsea", "rocket")
PHOTO_PX = 1500


def write_photos(folder: Path, count: int) -> list[Path]:
    """So many photos that differ, JPEG, 3:2."""
    paths = []
    for number in range(count):
        pixels = getattr(skimage.data, PHOTOS[number % len(PHOTOS)])()
        height, width = pixels.shape[:2]
        shift = 7 * (number // len(PHOTOS))
        cut = np.ascontiguousarray(pixels[shift : shift + min(height - shift, width * 2 // 3)])
        paths.append(folder / f"photo{number}.jpg")
        write_picture(Picture(cut).resized(PHOTO_PX, PHOTO_PX * 2 // 3), paths[-1])
    return paths


def bare_seconds(chosen: Sequence[Style], photos: Sequence[np.ndarray], provider: str, cores: int) -> dict[str, float]:
    """Seconds for all photos in all styles by the networks alone: opened in that time, and open already."""
    opened = choose_provider(ComputeOptions(provider, 1))  # type: ignore[arg-type]
    networks: dict[str, Network] = {}

    def one(style: Style, photo: np.ndarray) -> None:
        feeds = {"photo": photo, "strength": np.ones(1, np.float32)}
        if (paintings := len(style.card.paintings)) > 1:
            feeds["weights"] = np.ones(paintings, np.float32)
        networks[style.name](["painting"], feeds)

    def open_one(style: Style) -> None:
        networks[style.name] = opened.open(style.path.read_bytes())

    with ThreadPoolExecutor(cores) as pool:

        def paint(opening: bool) -> None:
            if opening:
                list(pool.map(open_one, chosen))
            list(pool.map(lambda job: one(*job), itertools.product(chosen, photos)))

        return {"opened": seconds(lambda: paint(True)), "open already": seconds(lambda: paint(False))}


def sweep_once(provider: str, photos: Sequence[Path], chosen: Sequence[Style]) -> dict[str, float]:
    """Seconds of each part of a sweep in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(Path(folder), FinalOptions(which="none"), dict)
        workshop = Workshop(provider)  # type: ignore[arg-type] - which opens each network anew
        began = time.perf_counter()
        read = [photo for photo in photo_files(photos) if not isinstance(photo, str)]
        count = sweep.plan(read, style_files(chosen), Settings())
        enqueued = time.perf_counter()
        done = enqueued
        for event in sweep.work(local_workers(sweep.folder, workshop)):
            if isinstance(event, Event):
                done = time.perf_counter()
        ended = time.perf_counter()
        assert sweep.ledger.counts()["done"] == count
        return {"enqueue": enqueued - began, "paint": done - enqueued, "report": ended - done}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--photos", type=int, default=10)
    parser.add_argument("--styles", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--provider", default="auto", choices=["auto", "openvino", "cpu"])
    options = parser.parse_args()
    chosen = styles()[: options.styles]
    workshop = Workshop(options.provider)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_photos(Path(folder), options.photos)
        size = fit_long_side(PHOTO_PX, PHOTO_PX * 2 // 3, PROOF_PX)
        arrays = [array(path, size) for path in paths]
        found: dict[str, list[float]] = {}
        for turn in range(options.rounds + 1):
            bare = bare_seconds(chosen, arrays, options.provider, workshop.cores)
            swept = sweep_once(options.provider, paths, chosen)
            for name, value in (bare | swept).items() if turn else ():  # the first turn is not counted
                found.setdefault(name, []).append(value)
    count = options.photos * options.styles
    usual = {name: statistics.median(values) for name, values in found.items()}
    record(
        "sweep",
        {
            "photos": options.photos,
            "styles": len(chosen),
            "size": "x".join(map(str, size)),
            "provider": workshop.engine.provider.name,
            "bare_per_minute": {name: round(60 * count / usual[name]) for name in ("opened", "open already")},
            "sweep_per_minute": round(60 * count / usual["paint"]),
            "ratio": round(usual["opened"] / usual["paint"], 2),
            "ratio_open_already": round(usual["open already"] / usual["paint"], 2),
            "enqueue_s": round(usual["enqueue"], 2),
            "report_s": round(usual["report"], 2),
        },
    )


def array(path: Path, size: tuple[int, int]) -> np.ndarray:
    """A photo as networks take it, (1, 3, H, W)."""
    return np.ascontiguousarray(read_picture(path).resized(*size).as_float().transpose(2, 0, 1)[None])


if __name__ == "__main__":
    run(main)
