"""A sweep at work: the jobs of a ledger, as many at a time as the workers can do, until nothing waits or time is up."""

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nst_core.errors import NstError
from nst_core.jobs import Ended, Job
from nst_core.ledger import Ledger
from studio.sweep.job import SweepJob
from studio.sweep.workers import Workers

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
"""Between two times that the artist's picks are looked for."""
COMMAND = "impasto sweep"


@dataclass(frozen=True)
class Event:
    """A job that has ended, one way or another."""

    job: SweepJob
    record: Mapping[str, Any] | None
    """Of one that is done."""
    reason: str | None
    """Of one that has failed."""


class Night:
    """Works on a ledger, which alone tells what is to be done and what is done: workers may come, go and fall.

    Args:
        ledger: of the sweep.
        workers: do the jobs.
        like: only jobs whose names fit.
        look: called from time to time, to queue more and change the order.
    """

    def __init__(
        self, ledger: Ledger, workers: Workers, like: str = "*", look: Callable[[], None] = lambda: None
    ) -> None:
        self.ledger, self._workers, self._like, self._look = ledger, workers, like, look
        self._looked = time.monotonic()
        self._running: dict[int, Job] = {}
        self._ended: list[Ended] = []
        """Not noted yet."""

    def events(self) -> Generator[Event, None, None]:
        """Works until nothing waits, or until the time is up; to stop looping is to stop.

        What is being painted then waits again.

        Raises:
            ConfigError: Another process works on the ledger.
            NstError: The disk is full, or the folder or the ledger cannot be used.
        """
        with self.ledger.working(COMMAND, "-o"):
            try:
                yield from self._work()
            finally:
                if self._running:
                    self._release()

    def _work(self) -> Iterator[Event]:
        while True:
            if time.monotonic() - self._looked > LOOK_EVERY_S:
                self._look()
                self._looked = time.monotonic()
            over = len(self._running) - len(self._ended)
            room = 0 if self._workers.out_of_time else max(0, self._workers.room - over)
            claimed = self.ledger.settle(self._ended, room, self._like)
            ended, self._ended = [(self._running.pop(end.id), end) for end in self._ended], []
            self._running |= {job.id: job for job in claimed}
            self._workers.send(claimed)
            for job, end in ended:
                if end.result is not None or end.reason is not None:
                    yield Event(SweepJob.from_spec(job.spec), end.result, end.reason)
            if not self._running:
                return
            self._ended = self._workers.ended()

    def _release(self) -> None:
        """Notes what is done, and has all else wait again."""
        try:
            self.ledger.release_all([*self._ended, *self._workers.halt()])
        except NstError as error:
            logger.warning("%s; what was at work is taken up by the next sweep", error)
