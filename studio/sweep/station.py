"""A place of a cluster where a sweep's jobs are done: its engine stays warm, and its cores paint side by side.

It runs in a process of its own, on whatever machine, and knows nothing of what brings it there.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from nst_core.cluster import check_machine, versions
from nst_core.jobs import Ended, Job
from serve.providers import ProviderChoice
from studio.sweep.turn import Turns
from studio.sweep.workers import AT_WORK, painter
from studio.sweep.workshop import Workshop

COMPARED = ("impasto", "numpy", "onnxruntime", "onnxruntime-gpu", "pillow")
"""Packages whose versions decide the pixels."""


@dataclass(frozen=True)
class Duty:
    """What a station has to know."""

    folder: Path
    """Of the sweep, its full path."""
    token: str
    """Name of a file in it, by which the folder is known as the same one."""
    versions: str
    """That pictures are to be painted with, as `sweep_versions` tells them."""
    provider: ProviderChoice
    until: datetime | None
    """When the last job must have ended."""
    cores: int
    memory_limit: int
    """Bytes that the station may take."""
    url: str | None = None
    """Of the sweep in a store; machines need not see the folder then."""


@dataclass(frozen=True)
class Outcome:
    """What became of jobs that a station was given."""

    ended: Sequence[Ended]
    out_of_time: bool
    """Whether something was not begun because of the time."""
    fault: BaseException | None
    """What no other job would survive."""


class Station:
    """Does jobs; may be shared among threads once it has reported."""

    def report(self, duty: Duty) -> str:
        """Makes ready; gives the name of the machine.

        Raises:
            ConfigError: The machine does not see the sweep's folder, would paint otherwise, or cannot.
        """
        host = check_machine([] if duty.url else [duty.folder / duty.token], COMPARED, duty.versions)
        workshop = Workshop(duty.provider, duty.memory_limit, duty.cores)
        self._own = TemporaryDirectory(prefix="impasto-")
        folder = Path(self._own.name) if duty.url else duty.folder
        self._turns = Turns(painter(folder, workshop, duty.url, keep=False), duty.until)
        self._pool = ThreadPoolExecutor(AT_WORK * duty.cores)
        return host

    def work(self, jobs: Sequence[Job]) -> Outcome:
        """Does jobs, beside those of other calls."""
        futures = [self._pool.submit(self._turns.take, job) for job in jobs]
        wait(futures)
        ended = [future.result() for future in futures if not future.exception()]
        fault = next((error for future in futures if (error := future.exception())), None)
        return Outcome(ended, self._turns.out_of_time, fault)

    def stop(self) -> None:
        """What is being painted ends without a picture."""
        self._turns.stop()


def sweep_versions() -> str:
    """Of what decides the pixels, here."""
    return versions(COMPARED)
