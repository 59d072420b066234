"""Who does a sweep's jobs, as the night sees them; and the threads of this process, enough for one machine."""

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path
from typing import Protocol

from nst_core.jobs import Ended, Job
from studio.sweep.job import perform
from studio.sweep.remote import perform_there
from studio.sweep.turn import Clock, Perform, Turns, now
from studio.sweep.workshop import Workshop

AT_WORK, AHEAD = 2, 8
"""For each core: jobs that are worked on, as some wait for the disk while others paint, and those that are claimed."""
GATHER_S = 0.05
"""What ends in that time after a picture is noted with it in one transaction, which waits for the disk three times."""
PATIENCE_S = 2.0
"""For something to end, before the night looks around."""


class Workers(Protocol):
    """Do jobs, here or on many machines."""

    @property
    def room(self) -> int:
        """How many jobs they may have at a time; at least one."""
        ...

    @property
    def out_of_time(self) -> bool:
        """Whether something was not begun because of the time."""
        ...

    def send(self, jobs: Sequence[Job]) -> None:
        """Gives them jobs."""
        ...

    def ended(self) -> list[Ended]:
        """What became of jobs since the last time; waits a while for the first one.

        Raises:
            NstError: No other job would survive it.
        """
        ...

    def halt(self) -> list[Ended]:
        """Ends what is being painted, and gives what has become of jobs; what is not among these is not done."""
        ...


class LocalWorkers:
    """Threads of this process.

    Args:
        perform: does a job.
        cores: how many jobs are painted at a time.
        until: when the last of them must have ended.
        clock: tells the time.
    """

    def __init__(self, perform: Perform, cores: int, until: datetime | None = None, clock: Clock = now) -> None:
        self.room = AHEAD * cores
        self._turns = Turns(perform, until, clock)
        self._pool = ThreadPoolExecutor(AT_WORK * cores)
        self._futures: set[Future[Ended]] = set()

    @property
    def out_of_time(self) -> bool:
        return self._turns.out_of_time

    def send(self, jobs: Sequence[Job]) -> None:
        self._futures |= {self._pool.submit(self._turns.take, job) for job in jobs}

    def ended(self) -> list[Ended]:
        wait(self._futures, PATIENCE_S, FIRST_COMPLETED)
        wait(self._futures, GATHER_S)
        over = {future for future in self._futures if future.done()}
        found = [future.result() for future in over]
        self._futures -= over
        return found

    def halt(self) -> list[Ended]:
        self._turns.stop()
        self._pool.shutdown(cancel_futures=True)
        over = [future for future in self._futures if future.done() and not future.cancelled()]
        return [future.result() for future in over if not future.exception()]


def painter(folder: Path, workshop: Workshop, url: str | None = None, keep: bool = True) -> Perform:
    """Does a sweep's jobs.

    Args:
        folder: of the sweep.
        workshop: what painting needs.
        url: of the sweep in a store, where the pictures go then.
        keep: leaves them in the folder, too.
    """
    if url:
        return lambda job, tell: perform_there(job, url, folder, workshop, tell, keep)
    return lambda job, tell: perform(job, folder, workshop, tell)


def local_workers(
    folder: Path, workshop: Workshop, until: datetime | None = None, url: str | None = None
) -> LocalWorkers:
    """Threads that do a sweep's jobs, as many as the workshop has cores; `until` when the last must have ended."""
    return LocalWorkers(painter(folder, workshop, url), workshop.cores, until)
