"""How close `impasto optimize` comes to the reference optimizer, by a judge that is not ours.

    impasto bench optimize_quality --photos DIR --styles DIR --judge judge.py

For each of a number of photo and painting pairs, spread evenly over both folders: the judge's J of what
`impasto optimize` makes with its defaults, its seconds, and the J that the reference optimizer has after
some iterations. The judge is run as a program: `judge.py curve PHOTO PAINTING --iterations N` and
`judge.py score PHOTO PAINTING OUT` print one JSON object a line. Curves are kept in --work, which they
need not be computed again from.

Takes: 10 minutes.
Needs: photos, paintings and a judge.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from harness import argument_parser, judge, record, run, seconds

from nst_core.picture import find_pictures


def reference(script: Path, photo: Path, painting: Path, iterations: int, work: Path) -> list[dict[str, float]]:
    """The reference optimizer's curve, from `work` if it is there."""
    cached = work / f"{photo.stem}__{painting.stem}__{iterations}.json"
    if not cached.exists():
        cached.write_text(json.dumps(judge(script, "curve", photo, painting, "--iterations", str(iterations))))
    return json.loads(cached.read_text())


def optimize(photo: Path, painting: Path, out: Path, extra: list[str]) -> float:
    """Paint with the command that users type; the seconds it took, start of the program included."""
    command = [sys.executable, "-m", "impasto.main", "optimize", photo, "--style", painting, "-o", out, *extra]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True))


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("out/optimize_quality"))
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--iterations", type=int, default=25, help="of the reference, to be reached")
    options, extra = parser.parse_known_args()
    options.work.mkdir(parents=True, exist_ok=True)
    photos, styles = find_pictures([options.photos]), find_pictures([options.styles])
    rows = []
    for i in range(options.pairs):
        photo = photos[i * len(photos) // options.pairs]
        painting = styles[i * len(styles) // options.pairs]
        curve = reference(options.judge, photo, painting, options.iterations, options.work)
        out = options.work / f"{photo.stem}__{painting.stem}.png"
        took = optimize(photo, painting, out, extra)
        (score,) = judge(options.judge, "score", photo, painting, out)
        rows.append(
            {
                "photo": photo.stem,
                "painting": painting.stem,
                "seconds": round(took, 1),
                "style": score["style"],
                "content": score["content"],
                "J": score["J"],
                "reference_J": curve[-1]["J"],
                "reference_seconds": curve[-1]["seconds"],
            }
        )
        print(rows[-1], flush=True)
    figures = {
        "reference_iterations": options.iterations,
        "extra_options": extra,
        "median_J": statistics.median(row["J"] for row in rows),
        "median_reference_J": statistics.median(row["reference_J"] for row in rows),
        "median_seconds": statistics.median(row["seconds"] for row in rows),
        "slowest_seconds": max(row["seconds"] for row in rows),
        "median_reference_seconds": statistics.median(row["reference_seconds"] for row in rows),
        "pairs": rows,
    }
    record("optimize_quality", figures)


if __name__ == "__main__":
    run(main)
