"""What a core paints and learns, and what one machine has to do for all: the figures that a cluster is sized by.

    impasto bench sizing [--rounds 2] [--jobs 100000] [--steps 450] [--provider cpu]

Photos of scikit-image, as grainy JPEG files of 12 megapixels, through styles that ship, by the sweep's own night and
workshop on all cores: proofs, and finals of three sizes, each a second time with networks open and photos read, which
is what counts. Opening a network and reading a photo are timed by themselves, as how often that has to be depends on
how many machines share the work. Then two finals by the optimizer, a style learned, and what one machine does for the
whole cluster: planning so many jobs, noting that they are done, and contact sheets with report. What Ray costs a
picture is not measured here but by `impasto bench cluster`; the table takes it from there.

Takes: 10 minutes.
Needs: nothing.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from harness import EXAMPLE_PAINTING, argument_parser, record, run, seconds
from sizing_table import PHOTOS, STYLES, cells_of

from models.catalog import styles
from nst_core.files import sha256
from nst_core.jobs import Ended
from nst_core.ledger import Ledger
from nst_core.picture import Picture, write_picture
from studio.sweep.finals import FinalOptions, HowFinal
from studio.sweep.job import PhotoFile, StyleFile, SweepJob
from studio.sweep.night import COMMAND, Night
from studio.sweep.plan import LEDGER, Settings, photo_files, plan_proofs, style_files
from studio.sweep.sweep import Sweep
from studio.sweep.workers import local_workers
from studio.sweep.workshop import Workshop
from train.night.child import learn_in_child
from train.style.job import StyleJob, describe
from train.style.options import StyleOptions

PICTURES = ("coffee", "astronaut", "chelsea", "rocket")
PHOTO_PX = (4242, 2828)
GRAIN = 5.0
"""Of a photo, levels: without it, a small picture made large is a file of a third of what a camera writes."""
FINALS = {"final_512": (512, 4, 6), "final_2mp": (1732, 4, 3), "final_12mp": (0, 4, 2)}
"""Long side, and how many photos in how many styles."""
OPTIMIZED = 2
NOTED = 64
"""Jobs that are noted as done in one transaction, about as many as end together on some machines."""


def write_photos(folder: Path) -> list[PhotoFile]:
    """Photos as large as a camera's, 3:2."""
    random = np.random.default_rng(0)
    for name in PICTURES:
        pixels = getattr(skimage.data, name)()
        height, width = pixels.shape[:2]
        cut = np.ascontiguousarray(pixels[: min(height, width * 2 // 3)])
        large = Picture(cut).resized(*PHOTO_PX).pixels
        grain = random.normal(0, GRAIN, (*large.shape[:2], 1)).astype(np.float32)
        grainy = np.clip(large + grain, 0, 255).astype(np.uint8)
        write_picture(Picture(grainy), folder / f"{name}.jpg")
    return [photo for photo in photo_files(sorted(folder.iterdir())) if not isinstance(photo, str)]


def proofs(photos: Sequence[PhotoFile], chosen: Sequence[StyleFile], ledger: Ledger) -> list[SweepJob]:
    return list(plan_proofs(photos, chosen, Settings().options(), ledger))


def paint(jobs: Sequence[SweepJob], workshop: Workshop) -> dict[str, float]:
    """Of a picture: seconds of a core from the first claim to the last one noted, the file, its place on a sheet."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(Path(folder), FinalOptions(which="none"), dict)
        sweep.ledger.add_all((job.out, job.spec()) for job in jobs)
        night = Night(sweep.ledger, local_workers(sweep.folder, workshop))
        took = seconds(lambda: list(night.events()))
        assert sweep.ledger.counts()["done"] == len(jobs)
        written = sum((sweep.folder / job.out).stat().st_size for job in jobs)
        return {
            "core_s": round(took * workshop.cores / len(jobs), 4),
            "file_mb": round(written / len(jobs) / 1e6, 3),
            "cell_s": round(seconds(sweep.report) / cells_of(len(jobs), len({job.photo.path for job in jobs})), 4),
        }


def usual(jobs: Sequence[SweepJob], workshop: Workshop, rounds: int) -> dict[str, float]:
    """The medians of several times, the first one, which opens networks and reads photos, aside."""
    found = [paint(jobs, workshop) for _ in range(rounds + 1)][1:]
    return {key: statistics.median(one[key] for one in found) for key in found[0]}


def finals(jobs: Sequence[SweepJob], how: HowFinal, size: int) -> list[SweepJob]:
    options = FinalOptions(how, size)
    return [SweepJob.from_spec(final) for proof in jobs for final in options.specs(proof.spec())]


def beginning(jobs: Sequence[SweepJob], provider: Any) -> dict[str, float]:
    """Medians of what `begin` tells of each job."""
    found = [begin(job, Workshop(provider, cores=1)) for job in jobs]
    return {key: round(statistics.median(one[key] for one in found), 4) for key in found[0]}


def begin(proof: SweepJob, workshop: Workshop) -> dict[str, float]:
    """Seconds of one core, for reading a photo for a proof and for a final, and for opening a network."""
    style, (final,) = workshop.style(proof), finals([proof], "fast", 0)
    read = {f"read_{job.kind}_s": seconds(lambda job=job: workshop.photo(job, style)) for job in (proof, final)}
    photo = workshop.photo(proof, style)
    first, second = (seconds(lambda: workshop.paint(proof, photo, style, lambda share: None)) for _ in range(2))
    return {**read, "open_s": first - second}


def head(count: int) -> dict[str, float]:
    """What one machine does for all: seconds for planning so many jobs, and how many a second are noted as done."""
    photos = [PhotoFile(f"/photos/IMG_{number:05}.JPG", f"{number:064x}") for number in range(PHOTOS)]
    chosen = [StyleFile(f"style{number}", f"/styles/{number}.onnx", f"{number:064x}") for number in range(STYLES)]
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / LEDGER)

        def plan() -> None:
            jobs = proofs(photos, chosen, ledger)[:count]
            ledger.add_all((job.out, job.spec()) for job in jobs)

        planned = seconds(plan)
        with ledger.working(COMMAND, "-o"):
            noted = seconds(lambda: note_all(ledger))
        assert ledger.counts()["done"] == count
    return {"jobs": count, "plan_s": round(planned, 2), "noted_per_s": round(count / noted)}


def note_all(ledger: Ledger) -> None:
    """Has all jobs claimed and done, as a night does."""
    result = {"size": [512, 341], "seconds": 0.061, "promise": 0.5}
    claimed = ledger.settle((), NOTED)
    while claimed:
        claimed = ledger.settle([Ended(job.id, 0.061, result) for job in claimed], NOTED)


def learned_seconds(steps: int) -> float:
    """For a style, in a worker process, as `impasto train` has it learned."""
    with tempfile.TemporaryDirectory() as folder:
        options = replace(StyleOptions(), steps=steps)
        painting, output = describe(EXAMPLE_PAINTING, {}), Path(folder) / "style.onnx"
        job = StyleJob("style", "Style", (painting,), options, None, None, None, output)
        began = time.perf_counter()
        for _ in learn_in_child(job, Path(folder) / "run", None):
            pass
        return time.perf_counter() - began


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=PHOTOS * STYLES, help="to plan and to note")
    parser.add_argument("--steps", type=int, default=StyleOptions().steps, help="of the style that is learned")
    parser.add_argument("--provider", default="auto", choices=["auto", "openvino", "cpu"])
    options = parser.parse_args()
    workshop = Workshop(options.provider)
    with tempfile.TemporaryDirectory() as folder:
        photos, chosen = write_photos(Path(folder)), style_files(styles())
        ledger = Ledger(Path(folder) / "none.sqlite")
        jobs = proofs(photos, chosen, ledger)
        painted = {"proof_512": usual(jobs, workshop, options.rounds)}
        for name, (size, some, few) in FINALS.items():
            sorts = finals(proofs(photos[:some], chosen[:few], ledger), "fast", size)
            painted[name] = usual(sorts, workshop, options.rounds)
        slow = finals(jobs[:OPTIMIZED], "optimize", 512)
        optimized = paint(slow, workshop)
        once = beginning(jobs[:: len(photos)], options.provider)
        read = {
            "photo_mb": round(statistics.mean(Path(photo.path).stat().st_size for photo in photos) / 1e6, 2),
            "style_mb": round(statistics.mean(Path(style.path).stat().st_size for style in chosen) / 1e6, 2),
            "hash_s": round(seconds(lambda: [sha256(Path(photo.path)) for photo in photos]) / len(photos), 4),
        }
    record(
        "sizing",
        {
            "provider": workshop.engine.provider.name,
            "cores_used": workshop.cores,
            "painted": painted,
            "optimized_512": optimized,
            "once": once,
            "files": read,
            "head": head(options.jobs),
            "learned": {"steps": options.steps, "seconds": round(learned_seconds(options.steps), 1)},
        },
    )


if __name__ == "__main__":
    run(main)
