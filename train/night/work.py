"""A night's work in a run's folder, for the command and the page alike; and the page's own process that does it.

`python -m train.night.work FOLDER` works on the folder's ledger until nothing waits. SIGTERM stops it, its state kept.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from nst_core.awake import keep_awake
from nst_core.background import run_work
from nst_core.errors import NstError
from nst_core.files import write_bytes
from nst_core.ledger import Ledger
from train.night.learners import local_learners
from train.night.queue import Event, Learners, NightOptions, night
from train.night.report import write_report
from train.style.progress import Report

LEDGER, NOW = "ledger.sqlite", "now.json"
"""In the run's folder: what is to be learned, and how it goes."""
TELL_EVERY_S = 1.0
"""Between two times that `now.json` is written."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Now:
    """How a night goes, as another process can read it; out of date where none is at work."""

    job: str
    """The name of the last one that was heard of."""
    asked: NightOptions
    report: Report | None = None
    """None before its first step."""
    ends: datetime | None = None
    """When the night will probably end, once that can be told."""
    fault: str | None = None
    """Why the night ended before its time."""


def work(folder: Path, ledger: Ledger, asked: NightOptions, learners: Learners) -> Generator[Event, None, None]:
    """The night, as it is told in `now.json`; the report is written anew whenever a style is done or has failed.

    Raises:
        ConfigError: another process works on the ledger.
        NstError: the disk is full, or the ledger cannot be used.
    """
    told = 0.0
    now = Now("", asked)
    try:
        with ledger.working(), contextlib.closing(night(ledger, learners, asked)) as events:
            write_now(folder, now)
            for event in events:
                now = Now(event.job.name, asked, event.report, event.ends)
                if event.kind != "progress" or time.monotonic() - told > TELL_EVERY_S:
                    write_now(folder, now)
                    told = time.monotonic()
                yield event
                if event.kind in ("done", "failed"):
                    write_report(folder, ledger.jobs())
    except NstError as error:
        write_now(folder, Now(now.job, asked, now.report, fault=str(error)))
        raise


def write_now(folder: Path, now: Now) -> None:
    """Tells how it goes; where that cannot be written, the work goes on all the same."""
    with contextlib.suppress(NstError):
        write_bytes(folder / NOW, json.dumps(asdict(now), default=datetime.isoformat).encode())


def read_now(folder: Path) -> Now | None:
    """What was last told, if it can be read."""
    try:
        found = json.loads((folder / NOW).read_bytes())
        report, ends, asked = found["report"], found["ends"], found["asked"]
        asked["until"] = asked["until"] and datetime.fromisoformat(asked["until"])
        return Now(
            found["job"],
            NightOptions(**asked),
            report and Report(**report),
            ends and datetime.fromisoformat(ends),
            found["fault"],
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None


def command(folder: Path, asked: NightOptions) -> list[str]:
    """What starts the process; `main` understands it."""
    words = [sys.executable, "-m", "train.night.work", str(folder)]
    words += ["--until", asked.until.isoformat()] if asked.until else []
    words += ["--minutes", str(asked.minutes_per_style)] if asked.minutes_per_style is not None else []
    return words


def main(words: Sequence[str]) -> int:
    """Works on a folder's ledger; gives the exit code."""
    parser = argparse.ArgumentParser("train.night.work")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--until", type=datetime.fromisoformat)
    parser.add_argument("--minutes", type=float)
    options = parser.parse_args(words)
    ledger, asked = Ledger(options.folder / LEDGER), NightOptions(options.until, options.minutes)

    def learn_all() -> None:
        with ledger.working(), keep_awake("learning paintings"):
            for event in work(options.folder, ledger, asked, local_learners(options.folder)):
                if event.kind != "progress":
                    logger.info("%s: %s", event.job.name, event.job.reason or event.kind)

    return run_work(learn_all)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
