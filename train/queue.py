"""A night of trainings: one style after another, the time shared out among them, nothing lost when it is cut off."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from nst_core.errors import NstError
from nst_core.files import is_disk_full
from nst_core.jobs import Job
from nst_core.ledger import Ledger

RESERVE_S = 15.0
"""For a style's start and export, beside its training."""
LEAST_S = 45.0
"""A style is not begun for less."""
AT_ONCE_S = 1.0
"""For one that was cut off when its time was nearly over."""
NOTE_EVERY_S = 60.0
"""Between two notes in the ledger of how far a style is."""

Kind = Literal["begun", "progress", "done", "failed"]


@dataclass(frozen=True)
class Report:
    """How far the training of one style is."""

    step: int
    steps: int | None
    """All of them; None where the time decides."""
    seconds: float
    """Trained so far, all runs together."""
    share: float
    """Of the whole that is done, 0 to 1."""
    figures: Mapping[str, float]
    """Losses of the last steps, by name."""


@dataclass(frozen=True)
class NightOptions:
    """How long a night is; with neither, the steps in each job decide."""

    until: datetime | None = None
    """When it ends; the time until then is shared out evenly among the styles."""
    minutes_per_style: float | None = None
    """Of training, at most."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a night."""

    job: Job
    """As the ledger has it now."""
    kind: Kind
    report: Report | None
    """Of progress."""
    waiting: int
    """Jobs after this one."""
    ends: datetime | None
    """When the night will probably end, once that can be told."""


Learn = Callable[[Job, float | None], Generator[Report, None, Mapping[str, Any]]]
"""Learns a job's style in so many seconds of training from now on (None: in the steps that the job tells); yields
reports, returns the job's result. When it is closed it keeps what it has for the next time."""

Clock = Callable[[], datetime]


def night(
    ledger: Ledger, learn: Learn, options: NightOptions, clock: Clock = lambda: datetime.now(UTC)
) -> Generator[Event, None, None]:
    """Works on the ledger until nothing waits, or until too little time is left.

    A job whose `learn` raises an `NstError` has failed, and the night goes on. After anything else, as Ctrl-C or a
    full disk, or when it is closed, the job waits again in front of the others, and the night ends.

    Raises:
        ConfigError: another process works on the ledger.
        NstError: the disk is full, or the ledger cannot be used.
    """
    usual_s: float | None = None
    with ledger.working():
        while waiting := ledger.counts()["waiting"]:
            left_s = (options.until - clock()).total_seconds() if options.until else None
            if left_s is not None and left_s < LEAST_S + RESERVE_S:
                return
            job = ledger.claim()
            if job is None:
                return
            limit_s = _limit(job, waiting, left_s, options)
            if limit_s is not None:
                usual_s = limit_s + RESERVE_S
            turn = _Turn(ledger, job, waiting - 1, limit_s, usual_s, options.until, clock)
            yield from turn.events(learn)
            usual_s = turn.usual_s


def _limit(job: Job, waiting: int, left_s: float | None, options: NightOptions) -> float | None:
    """Seconds of training that a job may have, all runs together, if the time decides.

    Args:
        waiting: jobs that wait, with this one.
        left_s: seconds until the end of the night, if it has one.
    """
    limits = []
    if left_s is not None:
        limits.append(max(LEAST_S, (left_s + _trained_s(job)) / waiting - RESERVE_S))
    if options.minutes_per_style is not None:
        limits.append(options.minutes_per_style * 60)
    return min(limits, default=None)


def _trained_s(job: Job) -> float:
    return (job.progress or {}).get("seconds", 0.0)


@dataclass
class _Turn:
    """One job's part of a night."""

    ledger: Ledger
    job: Job
    waiting: int
    """Jobs after this one."""
    limit_s: float | None
    """Of training, all runs together, if the time decides."""
    usual_s: float | None
    """What a style of this night takes, once that can be told."""
    until: datetime | None
    clock: Clock

    def __post_init__(self) -> None:
        self._began = self.clock()
        self._before_s, self._trained_s = self.job.seconds, _trained_s(self.job)
        self._noted: datetime | None = None

    def events(self, learn: Learn) -> Iterator[Event]:
        """Learns the job, and keeps the ledger."""
        budget_s = None if self.limit_s is None else max(AT_ONCE_S, self.limit_s - self._trained_s)
        try:
            yield self._event("begun")
            with contextlib.closing(learn(self.job, budget_s)) as reports:
                yield from self._follow(reports)
        except BaseException:
            with contextlib.suppress(NstError):  # on a full disk it stays running, which the next night mends
                self.ledger.release(self.job.id, self._worked_s())
            raise
        yield self._event("done" if self.job.state == "done" else "failed")

    def _follow(self, reports: Generator[Report, None, Mapping[str, Any]]) -> Iterator[Event]:
        """An event for each report; at their end, the job is done or has failed."""
        while True:
            try:
                report = next(reports)
            except StopIteration as end:
                self.job = self.ledger.finish(self.job.id, end.value, self._worked_s())
                return
            except NstError as error:
                if is_disk_full(error):
                    raise
                self.job = self.ledger.fail(self.job.id, str(error), self._worked_s())
                return
            self._trained_s = report.seconds
            if self.limit_s is None and report.share > 0:
                self.usual_s = report.seconds / report.share + RESERVE_S
            self._note(report)
            yield self._event("progress", report)

    def _note(self, report: Report) -> None:
        now = self.clock()
        if self._noted is None or (now - self._noted).total_seconds() >= NOTE_EVERY_S:
            self.job = self.ledger.note(self.job.id, self._worked_s(), asdict(report))
            self._noted = now

    def _worked_s(self) -> float:
        return self._before_s + (self.clock() - self._began).total_seconds()

    def _event(self, kind: Kind, report: Report | None = None) -> Event:
        return Event(self.job, kind, report, self.waiting, self._ends(kind))

    def _ends(self, kind: Kind) -> datetime | None:
        if self.usual_s is None:
            return None
        rest_s = max(0.0, self.usual_s - self._trained_s) if kind in ("begun", "progress") else 0.0
        ends = self.clock() + timedelta(seconds=rest_s + self.waiting * self.usual_s)
        return min(ends, self.until) if self.until else ends
