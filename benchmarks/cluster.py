"""What a Ray cluster on this machine costs a sweep, beside the threads that do without.

    impasto bench cluster [--photos 10] [--styles 12] [--rounds 3] [--provider cpu]

Photos of scikit-image, as files of 1500 px, through the styles that ship, as proofs of 512 px, by either engine with
the same cores. Pictures a minute are counted from the first one on disk until the ledger has the last one as done; the
start, of Ray and of its processes until then, is told apart. Both take turns, in one run.

Takes: 3 minutes.
Needs: the extra `cluster`.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from harness import argument_parser, record, run
from sweep import PHOTO_PX, write_photos

from models.catalog import Style, styles
from nst_core.cluster import check_engine
from nst_core.picture import fit_long_side
from studio.sweep.engines import open_workers
from studio.sweep.finals import FinalOptions
from studio.sweep.job import PROOFS
from studio.sweep.night import Event
from studio.sweep.plan import PROOF_PX, Settings, photo_files, style_files
from studio.sweep.sweep import Sweep
from studio.sweep.workshop import count_cores

ENGINES = ("local", "ray")


def sweep_once(engine: str, provider: str, photos: Sequence[Path], chosen: Sequence[Style]) -> tuple[float, float]:
    """Seconds until the first picture is on disk, and pictures a second from then on."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(Path(folder), FinalOptions(which="none"), dict)
        read = [photo for photo in photo_files(photos) if not isinstance(photo, str)]
        count = sweep.plan(read, style_files(chosen), Settings())
        began = time.time()
        with open_workers(engine, sweep.folder, provider) as workers:  # type: ignore[arg-type]
            ends = [time.time() for event in sweep.work(workers) if isinstance(event, Event)]
        assert sweep.ledger.counts()["done"] == count
        first = min(path.stat().st_mtime for path in Path(folder, PROOFS).iterdir())
    return first - began, (count - 1) / (ends[-1] - first)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--photos", type=int, default=10)
    parser.add_argument("--styles", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--provider", default="auto", choices=["auto", "openvino", "cpu"])
    options = parser.parse_args()
    check_engine("ray")
    chosen = styles()[: options.styles]
    found: dict[str, list[tuple[float, float]]] = {engine: [] for engine in ENGINES}
    with tempfile.TemporaryDirectory() as folder:
        paths = write_photos(Path(folder), options.photos)
        for turn in range(options.rounds + 1):
            for engine in ENGINES:
                once = sweep_once(engine, options.provider, paths, chosen)
                found[engine] += [once] if turn else []  # the first turn is not counted
    start = {engine: statistics.median(first for first, _ in values) for engine, values in found.items()}
    rate = {engine: statistics.median(rate for _, rate in values) for engine, values in found.items()}
    record(
        "cluster",
        {
            "photos": options.photos,
            "styles": len(chosen),
            "size": "x".join(map(str, fit_long_side(PHOTO_PX, PHOTO_PX * 2 // 3, PROOF_PX))),
            "provider": options.provider,
            "cores_used": count_cores(),
            "per_minute": {engine: round(60 * value) for engine, value in rate.items()},
            "overhead": round(rate["local"] / rate["ray"] - 1, 3),
            "overhead_ms_a_picture": round(1000 * (1 / rate["ray"] - 1 / rate["local"]), 1),
            "start_s": {engine: round(value, 1) for engine, value in start.items()},
        },
    )


if __name__ == "__main__":
    run(main)
