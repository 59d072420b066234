"""The page's process that paints what is queued in a sweep's folder; and how it is started and stopped from outside.

`python -m studio.sweep.process FOLDER` works on the folder's ledger until nothing waits. SIGTERM stops it.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from nst_core.awake import keep_awake
from nst_core.background import Background, run_work
from nst_core.ledger import Ledger
from studio.sweep.finals import FinalOptions
from studio.sweep.lease import url_of
from studio.sweep.night import Event
from studio.sweep.plan import LEDGER
from studio.sweep.stored import StoredSweep
from studio.sweep.sweep import Sweep
from studio.sweep.workers import local_workers
from studio.sweep.workshop import Workshop

LOG = "sweep.log"
"""In the folder: what the process says."""

logger = logging.getLogger(__name__)


class SweepProcess:
    """Paints what is queued in a folder, at most once at a time; how far it is, the ledger tells.

    Args:
        folder: its full path.
    """

    def __init__(self, folder: Path) -> None:
        self._command = [sys.executable, "-m", "studio.sweep.process", str(folder)]
        self._process = Background(Ledger(folder / LEDGER), folder / LOG, "sweeping")

    def start(self) -> None:
        """Starts it, unless one is at work.

        Raises:
            NstError: it could not be started, or ended at once; the message says why.
        """
        self._process.start(self._command)

    def stop(self) -> None:
        """Ends it, and waits until it has ended; what it was painting waits again.

        Raises:
            ConfigError: what is at work is not the page's own.
            NstError: it does not end.
        """
        self._process.stop(self._command)


def main(words: Sequence[str]) -> int:
    """Paints what waits; gives the exit code."""
    parser = argparse.ArgumentParser("studio.sweep.process")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(words).folder
    url = url_of(folder)
    sweep = (StoredSweep if url else Sweep)(folder, FinalOptions(), dict, url)

    def paint_all() -> None:
        with sweep.ledger.working("impasto sweep", "-o"), keep_awake("painting what is queued"), sweep.keeping():
            for event in sweep.go_on(local_workers(folder, Workshop(), url=url)):
                if isinstance(event, Event):
                    logger.info("%s: %s", event.job.out, event.reason or "done")

    return run_work(paint_all)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
