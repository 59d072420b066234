"""A sweep at work: the jobs of a ledger, as many at a time as there are cores, until nothing waits or time is up."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nst_core.errors import BudgetError, ConfigError, ImageError, ModelError, NstError
from nst_core.files import is_disk_full
from nst_core.ledger import Ended, Job, Ledger
from studio.sweep.job import How, SweepJob

logger = logging.getLogger(__name__)

AT_WORK, AHEAD = 2, 8
"""For each core: jobs that are worked on, as some wait for the disk while others paint, and those that are claimed."""
GATHER_S = 0.05
"""What ends in that time after a picture is noted with it in one transaction, which waits for the disk three times."""
LOOK_EVERY_S = 5.0
"""Between two times that the artist's picks are looked for."""
MARGIN = 1.5
"""By which a picture may take longer than the ones before, when the time is short."""
REMEMBERED = 20
"""Pictures by which the next one's time is told."""
FIRST_S: Mapping[How, float] = {"fast": 2.0, "optimize": 30.0}
"""What the first one is thought to take."""
COMMAND = "impasto sweep"

Perform = Callable[[SweepJob, Callable[[float], None]], Mapping[str, Any]]
"""Does a job, given where to tell the share that is done, and gives its record."""
Clock = Callable[[], datetime]


class Stopped(Exception):
    """Ends a painting in another thread."""


@dataclass(frozen=True)
class Event:
    """A job that has ended, one way or another."""

    job: SweepJob
    record: Mapping[str, Any] | None
    """Of one that is done."""
    reason: str | None
    """Of one that has failed."""


class Night:
    """Works on a ledger.

    Args:
        ledger: of the sweep.
        perform: does a job.
        cores: how many jobs are painted at a time.
        until: when the last of them must have ended.
        like: only jobs whose names fit.
        look: called from time to time, to queue more and change the order.
        clock: tells the time.
    """

    def __init__(
        self,
        ledger: Ledger,
        perform: Perform,
        cores: int,
        until: datetime | None = None,
        like: str = "*",
        look: Callable[[], None] = lambda: None,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.ledger, self.until, self._like = ledger, until, like
        self._perform, self._cores, self._look, self._clock = perform, cores, look, clock
        self._pace = Pace()
        self._stopped = threading.Event()
        self._looked = time.monotonic()
        self._running: dict[Future[Ended], Job] = {}
        self.out_of_time = False
        """Whether something was not begun because of the time."""

    def events(self) -> Generator[Event, None, None]:
        """Works until nothing waits, or until the time is up; to stop looping is to stop.

        What is being painted then waits again.

        Raises:
            ConfigError: Another process works on the ledger.
            NstError: The disk is full, or the folder or the ledger cannot be used.
        """
        with self.ledger.working(COMMAND, "-o"), ThreadPoolExecutor(AT_WORK * self._cores) as pool:
            try:
                yield from self._work(pool)
            finally:
                self._stopped.set()
                pool.shutdown(cancel_futures=True)
                self._release()

    def _work(self, pool: ThreadPoolExecutor) -> Iterator[Event]:
        while True:
            if time.monotonic() - self._looked > LOOK_EVERY_S:
                self._look()
                self._looked = time.monotonic()
            over = [future for future in self._running if future.done()]
            ended = [(self._running[future], future.result()) for future in over]
            room = 0 if self.out_of_time else AHEAD * self._cores - len(self._running) + len(over)
            claimed = self.ledger.settle([end for _, end in ended], room, self._like)
            for future in over:
                del self._running[future]
            self._running |= {pool.submit(self._turn, job): job for job in claimed}
            for job, end in ended:
                if end.result is not None or end.reason is not None:
                    yield Event(SweepJob.from_spec(job.spec), end.result, end.reason)
            if not self._running:
                return
            wait(self._running, return_when=FIRST_COMPLETED)
            wait(self._running, GATHER_S)

    def _turn(self, row: Job) -> Ended:
        """One job in its thread.

        Raises:
            NstError: No other job would survive it.
        """
        began = time.monotonic()

        def ended(**what: Any) -> Ended:
            return Ended(row.id, round(time.monotonic() - began, 3), **what)

        try:
            job = SweepJob.from_spec(row.spec)
            if self._stopped.is_set() or not self._in_time(job):
                return ended()
            record = self._perform(job, self._tell)
        except Stopped:
            return ended()
        except (ImageError, ModelError, BudgetError, ConfigError) as error:
            return ended(reason=str(error))
        except NstError:  # a folder that cannot be written to, as a rule
            raise
        except MemoryError:
            return ended(reason="not enough memory; try a smaller --size or --memory-limit")
        except Exception as error:
            if is_disk_full(error):
                raise
            logger.exception("%s", row.name)
            return ended(reason=f"a fault of ours ({type(error).__name__}: {error})")
        end = ended(result=record)
        self._pace.add(job, end.seconds)
        return end

    def _tell(self, share: float) -> None:
        if self.until and self._clock() > self.until:
            self.out_of_time = True
        if self._stopped.is_set() or self.out_of_time:
            raise Stopped

    def _in_time(self, job: SweepJob) -> bool:
        """Whether a job would probably end in time."""
        if self.until is None:
            return True
        left = (self.until - self._clock()).total_seconds()
        if left > MARGIN * self._pace.seconds(job):
            return True
        self.out_of_time = True
        return False

    def _release(self) -> None:
        """Notes what is done, and has all else wait again."""
        over = [future for future in self._running if future.done() and not future.cancelled()]
        try:
            self.ledger.release_all(future.result() for future in over if not future.exception())
        except NstError as error:
            logger.warning("%s; what was at work is taken up by the next sweep", error)


class Pace:
    """What pictures take, by what they are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[tuple[Any, ...], deque[float]] = {}

    def add(self, job: SweepJob, seconds: float) -> None:
        """Takes note of one that is done."""
        with self._lock:
            self._seconds.setdefault(_sort(job), deque(maxlen=REMEMBERED)).append(seconds)

    def seconds(self, job: SweepJob) -> float:
        """The longest that one like it has taken lately."""
        with self._lock:
            return max(self._seconds.get(_sort(job), [FIRST_S[job.how]]))


def _sort(job: SweepJob) -> tuple[Any, ...]:
    return job.kind, job.how, job.options.size, job.upscale
