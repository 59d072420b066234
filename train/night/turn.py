"""One job's part of a night."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from nst_core.jobs import Job
from nst_core.ledger import Ledger

AT_ONCE_S = 1.0
"""For a job that was cut off when its time was nearly over."""
NOTE_EVERY_S = 60.0
"""Between two notes in the ledger of how far a job is."""


class Turn:
    """A job that is being learned.

    Args:
        job: as the ledger has it.
        limit_s: seconds of training, all runs together, if the time decides.
        clock: tells the time.
    """

    def __init__(self, job: Job, limit_s: float | None, clock: Callable[[], datetime]) -> None:
        self.job, self.limit_s, self._clock = job, limit_s, clock
        self.host = ""
        """Where it is learned, if that may be another machine."""
        self.trained_s = trained_s(job)
        """All runs together, as far as it is known."""
        self._began, self._before_s = clock(), job.seconds
        self._noted: datetime | None = None

    @property
    def budget_s(self) -> float | None:
        """Of training, from now on."""
        return None if self.limit_s is None else max(AT_ONCE_S, self.limit_s - self.trained_s)

    def worked_s(self) -> float:
        """On the job, in all nights."""
        return self._before_s + (self._clock() - self._began).total_seconds()

    def follow(self, report: Mapping[str, Any] | None, host: str, ledger: Ledger) -> None:
        """Takes in how far it is, and notes it in the ledger once a minute, and when a machine takes it.

        Args:
            report: a `Report` as plain JSON, once there is one.
            host: where it is learned, if that may be another machine.
            ledger: that holds the job.
        """
        moved, self.host = host != self.host, host
        if report:
            self.trained_s = report["seconds"]
        now = self._clock()
        if moved or self._noted is None or (now - self._noted).total_seconds() >= NOTE_EVERY_S:
            known = {**(report or self.job.progress or {})} | ({"host": host} if host else {})
            self.job = ledger.note(self.job.id, self.worked_s(), known)
            self._noted = now if report else None


def trained_s(job: Job) -> float:
    """Of its training, in all nights, as far as it was noted."""
    return (job.progress or {}).get("seconds", 0.0)
