"""What a night of `impasto train` took: seconds of each style, start and export included, from the run's ledger.

impasto train paintings/ --photos photos/ --minutes-per-style 2 --run runs/night
impasto bench night runs/night

Takes: a second.
Needs: the folder of a finished run of `impasto train`.
"""

from __future__ import annotations

import statistics
from pathlib import Path

from harness import argument_parser, record, run

from nst_core.errors import ConfigError
from nst_core.ledger import Ledger

NIGHT_H = 8


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("run", type=Path)
    options = parser.parse_args()
    ledger = options.run / "ledger.sqlite"
    jobs = Ledger(ledger).jobs() if ledger.exists() else []
    done = {job.name: job for job in jobs if job.state == "done" and job.result}
    if not done:
        raise ConfigError(f"{options.run} holds no finished run of impasto train; name the folder given to it as --run")
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
    record("night", figures)


if __name__ == "__main__":
    run(main)
