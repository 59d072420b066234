"""One job's turn, whoever has it: done, failed, or waiting again because it was stopped or the time is short."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from nst_core.errors import BudgetError, ConfigError, ImageError, ModelError, NstError
from nst_core.files import is_disk_full
from nst_core.jobs import Ended, Job
from studio.sweep.job import How, SweepJob

logger = logging.getLogger(__name__)

MARGIN = 1.5
"""By which a picture may take longer than the ones before, when the time is short."""
REMEMBERED = 20
"""Pictures by which the next one's time is told."""
FIRST_S: Mapping[How, float] = {"fast": 2.0, "optimize": 30.0}
"""What the first one is thought to take."""

Perform = Callable[[SweepJob, Callable[[float], None]], Mapping[str, Any]]
"""Does a job, given where to tell the share that is done, and gives its record."""
Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


class Stopped(Exception):
    """Ends a painting in another thread."""


class Turns:
    """Gives jobs their turns; may be shared among threads.

    Args:
        perform: does a job.
        until: when the last of them must have ended.
        clock: tells the time.
    """

    def __init__(self, perform: Perform, until: datetime | None = None, clock: Clock = now) -> None:
        self._perform, self._until, self._clock = perform, until, clock
        self._pace = Pace()
        self._stopped = threading.Event()
        self.out_of_time = False
        """Whether something was not begun because of the time."""

    def stop(self) -> None:
        """What is being painted ends without a picture, and nothing else begins."""
        self._stopped.set()

    def take(self, row: Job) -> Ended:
        """One job's turn.

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
        if self._until and self._clock() > self._until:
            self.out_of_time = True
        if self._stopped.is_set() or self.out_of_time:
            raise Stopped

    def _in_time(self, job: SweepJob) -> bool:
        """Whether a job would probably end in time."""
        if self._until is None:
            return True
        left = (self._until - self._clock()).total_seconds()
        if left > MARGIN * self._pace.seconds(job):
            return True
        self.out_of_time = True
        return False


class Pace:
    """What pictures take, by what they are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[tuple[Any, ...], deque[float]] = {}

    def add(self, job: SweepJob, seconds: float) -> None:
        """Takes note of one that is done."""
        with self._lock:
            self._seconds.setdefault(_sort(job), deque(maxlen=REMEMBERED)).append(seconds)

    def known(self, job: SweepJob) -> float | None:
        """The longest that one like it has taken lately; None where there was none."""
        with self._lock:
            return max(self._seconds.get(_sort(job), ()), default=None)

    def seconds(self, job: SweepJob) -> float:
        """The same, with a guess for the first one."""
        return self.known(job) or FIRST_S[job.how]


def _sort(job: SweepJob) -> tuple[Any, ...]:
    return job.kind, job.how, job.options.size, job.upscale
