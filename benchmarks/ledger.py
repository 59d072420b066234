"""How long a sweep's bookkeeping takes, and how much memory, with very many jobs.

    impasto bench ledger [--jobs 1000 10000 100000] [--styles 100]

A real sweep's bookkeeping of small photos and style files, drawn for it. `enqueue` is planning the proofs of a new
folder (hashing the photos is told apart), `resume` the same command again when half of the proofs and when all are
done, `status` the counts of `impasto sweep --status`, `order` queueing all finals by promise when all proofs are
painted, `again` doing so anew, `pick` what a star in the gallery asks for while finals are painted, `job` what ledger
and threads cost each job, with nothing painted in it. Each number of jobs is measured in a process of its own; memory
is what the process has at most, less what it has before it plans.

Takes: 2 minutes.
Needs: nothing.
"""

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from harness import argument_parser, record, run, run_apart, seconds
from PIL import Image

from nst_core.files import sha256
from studio.sweep.finals import FinalOptions, order_finals, order_picks
from studio.sweep.job import PROOFS, StyleFile, SweepJob
from studio.sweep.night import Event, Night
from studio.sweep.plan import Settings, photo_files
from studio.sweep.survey import counts
from studio.sweep.sweep import Sweep
from studio.sweep.workers import LocalWorkers

PEAK_EVERY_S = 0.02
STARRED = 50


def write_photos(folder: Path, count: int) -> list[Path]:
    """So many photos of 48x32 px that differ."""
    paths = [folder / f"photo{number:05}.png" for number in range(count)]
    for number, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (32, 48, 3), np.uint8)).save(path)
    return paths


def write_styles(folder: Path, count: int) -> list[StyleFile]:
    """So many files with a style's name; nothing is painted, so there is no network in them."""
    found = []
    for number in range(count):
        path = folder / f"style{number:03}.onnx"
        path.write_bytes(number.to_bytes(4, "little"))
        found.append(StyleFile(path.stem, str(path), sha256(path)))
    return found


@contextmanager
def most_memory() -> Iterator[Callable[[], int]]:
    """Gives the bytes by which the process has grown, at most, since the block began."""
    process, over = psutil.Process(), threading.Event()
    before = most = process.memory_info().rss

    def watch() -> None:
        nonlocal most
        while not over.wait(PEAK_EVERY_S):
            most = max(most, process.memory_info().rss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: most - before
    finally:
        over.set()
        thread.join()


def paint_nothing(job: SweepJob, tell: Callable[[float], None]) -> dict[str, object]:
    """The record of a proof whose promise goes by its name."""
    return {"size": [512, 341], "seconds": 0.0, "promise": int(job.style.sha256[:4], 16) / 65535}


def measure(jobs: int, style_count: int) -> dict[str, float]:
    """Seconds of each part, and megabytes."""
    with tempfile.TemporaryDirectory() as name:
        folder, paths = Path(name), write_photos(Path(name), max(1, jobs // style_count))
        styles, found = write_styles(folder, style_count), {}
        began = time.perf_counter()
        photos = [photo for photo in photo_files(paths) if not isinstance(photo, str)]
        found["hash"] = time.perf_counter() - began
        sweep = Sweep(folder / "sweep", FinalOptions(), dict)
        with most_memory() as grown:
            found["enqueue"] = seconds(lambda: sweep.plan(photos, styles, Settings()))
            half = jobs // 2
            with sweep.ledger.working():
                night = Night(sweep.ledger, LocalWorkers(paint_nothing, os.cpu_count() or 1), f"{PROOFS}/*")
                events = night.events()
                found["job"] = seconds(lambda: [None for _ in zip(range(half), events, strict=False)]) / half
                events.close()
                found["resume_half"] = seconds(lambda: sweep.plan(photos, styles, Settings()))
                workers = LocalWorkers(paint_nothing, os.cpu_count() or 1)
                assert all(isinstance(event, Event) for event in Night(sweep.ledger, workers, f"{PROOFS}/*").events())
            found["resume_all"] = seconds(lambda: sweep.plan(photos, styles, Settings()))
            found["order"] = seconds(lambda: order_finals(sweep.ledger, FinalOptions(), {}))
            found["status"] = seconds(lambda: counts(sweep.ledger))
            starred = {f"{PROOFS}/photo00000-{style.name}.png": "starred" for style in styles[:STARRED]}
            found["pick"] = seconds(lambda: order_picks(sweep.ledger, FinalOptions(), starred, {}))
            found["again"] = seconds(lambda: order_finals(sweep.ledger, FinalOptions(), starred))
            found["memory_mb"] = grown() / 1e6
        assert sweep.ledger.counts() == {"waiting": jobs, "running": 0, "done": jobs, "failed": 0}
        found["ledger_mb"] = sweep.ledger.path.stat().st_size / 1e6
        return found


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1000, 10_000, 100_000], help="multiples of --styles")
    parser.add_argument("--styles", type=int, default=100)
    parser.add_argument("--apart", type=int, help="measure this number of jobs, and only print the figures")
    options = parser.parse_args()
    if options.apart:
        print(json.dumps(measure(options.apart, options.styles)))
        return
    found = {}
    for jobs in options.jobs:
        done = run_apart(sys.argv[0], "--apart", str(jobs), "--styles", str(options.styles))
        found[str(jobs)] = {name: round(value, 5) for name, value in json.loads(done.output).items()}
    record("ledger", {"styles": options.styles, "jobs": found})


if __name__ == "__main__":
    run(main)
