"""What a night of `impasto train` took: seconds of each style, start and export included, from the run's ledger.

impasto train paintings/ --photos photos/ --minutes-per-style 2 --run runs/night
python benchmarks/night.py runs/night
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from record import record

from nst_core.ledger import Ledger

NIGHT_H = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    options = parser.parse_args()
    jobs = Ledger(options.run / "ledger.sqlite").jobs()
    done = {job.name: job for job in jobs if job.state == "done" and job.result}
    seconds = {name: round(job.seconds, 1) for name, job in done.items()}
    figures = {
        "styles": len(done),
        "failed": [job.name for job in jobs if job.state == "failed"],
        "seconds": seconds,
        "steps": {name: job.result["steps"] for name, job in done.items() if job.result},
        "longest_s": max(seconds.values()),
        "median_s": statistics.median(seconds.values()),
        "extrapolated_styles_in_8_h": int(NIGHT_H * 3600 / statistics.mean(seconds.values())),
    }
    print(figures)
    print(record("night", figures))


if __name__ == "__main__":
    main()
