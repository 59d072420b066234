"""A night of trainings: as many styles at a time as there is room for, the time shared out among them, nothing lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from nst_core.errors import NstError
from nst_core.jobs import Job
from nst_core.ledger import Ledger
from train.night.shares import longest_share, time_to_end
from train.night.turn import Turn, trained_s
from train.style.progress import Report

RESERVE_S = 15.0
"""For a style's start and export, beside its training."""
LEAST_S = 45.0
"""A style is not begun for less."""

Kind = Literal["begun", "progress", "done", "failed", "waits"]
"""`waits`: again, for another place to go on with it."""


@dataclass(frozen=True)
class NightOptions:
    """How long a night is; with neither, the steps in each job decide."""

    until: datetime | None = None
    """When it ends; the time until then is shared out evenly among the styles."""
    minutes_per_style: float | None = None
    """Of training, at most."""


@dataclass(frozen=True)
class News:
    """What has become known of a job that is being learned."""

    id: int
    """The job's."""
    kind: Kind
    report: Report | None = None
    """Of progress, once there is a step."""
    host: str = ""
    """Of progress: the machine, where that may be another one."""
    result: Mapping[str, Any] | None = None
    """Of what is done, plain JSON."""
    reason: str = ""
    """Of what has failed."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a night."""

    job: Job
    """As the ledger has it now."""
    kind: Kind
    report: Report | None
    """Of progress, once there is a step."""
    host: str
    """Where it is learned, if that may be another machine, once it is known."""
    waiting: int
    """Jobs that are not begun."""
    ends: datetime | None
    """When the night will probably end, once that can be told."""


class Learners(Protocol):
    """Learn jobs, here or on many machines."""

    @property
    def room(self) -> int:
        """How many more may be begun now."""
        ...

    def begin(self, job: Job, budget_s: float | None) -> None:
        """Has a job learned in so many seconds of training from now on; None: in the steps that the job tells."""
        ...

    def news(self) -> list[News]:
        """What has become known since the last time; waits a while for something.

        Raises:
            NstError: No other job would survive it.
        """
        ...

    def halt(self) -> None:
        """Ends what is being learned; its state is kept."""
        ...


Clock = Callable[[], datetime]


def night(
    ledger: Ledger, learners: Learners, options: NightOptions, clock: Clock = lambda: datetime.now(UTC)
) -> Generator[Event, None, None]:
    """Works on the ledger, which alone tells what is to be done, until nothing waits or too little time is left.

    When something is raised, as by Ctrl-C or a full disk, or when it is closed, what is being learned waits again in
    front of the others.

    Raises:
        ConfigError: another process works on the ledger.
        NstError: the disk is full, or the ledger cannot be used.
    """
    with ledger.working():
        at_work = _Night(ledger, learners, options, clock)
        try:
            yield from at_work.events()
        except BaseException:
            at_work.give_back()
            raise


class _Night:
    def __init__(self, ledger: Ledger, learners: Learners, options: NightOptions, clock: Clock) -> None:
        self._ledger, self._learners, self._options, self._clock = ledger, learners, options, clock
        self._turns: dict[int, Turn] = {}
        """Of what is being learned, by the job's id."""
        self._usual_s: float | None = None
        """What a style of this night takes, once that can be told."""
        self._waiting = 0

    def events(self) -> Iterator[Event]:
        while self._turns or self._may_begin():
            while self._learners.room and self._may_begin():
                if (job := self._ledger.claim()) is None:
                    break
                yield self._begin(job)
            for news in self._learners.news():
                yield self._take(news)

    def give_back(self) -> None:
        """What is being learned waits again, its state kept."""
        try:
            self._learners.halt()
        finally:
            for turn in self._turns.values():
                with contextlib.suppress(NstError):  # on a full disk it stays running, which the next night mends
                    self._ledger.release(turn.job.id, turn.worked_s())

    def _left_s(self) -> float | None:
        return (self._options.until - self._clock()).total_seconds() if self._options.until else None

    def _may_begin(self) -> bool:
        """Whether something waits, and there is time for it."""
        self._waiting = self._ledger.counts()["waiting"]
        left_s = self._left_s()
        return bool(self._waiting) and (left_s is None or left_s >= LEAST_S + RESERVE_S)

    def _begin(self, job: Job) -> Event:
        turn = Turn(job, self._limit(job), self._clock)
        self._turns[job.id] = turn
        self._waiting -= 1
        if turn.limit_s is not None:
            self._usual_s = turn.limit_s + RESERVE_S
        self._learners.begin(job, turn.budget_s)
        return self._event(turn, "begun")

    def _limit(self, job: Job) -> float | None:
        """Seconds of training that a job may have, all runs together, if the time decides."""
        limits = []
        if (left_s := self._left_s()) is not None:
            places = [left_s - self._rest_s(turn) for turn in self._turns.values()]
            places += [left_s + trained_s(job), *[left_s] * (self._learners.room - 1)]
            limits.append(max(LEAST_S, longest_share(places, self._waiting) - RESERVE_S))
        if self._options.minutes_per_style is not None:
            limits.append(self._options.minutes_per_style * 60)
        return min(limits, default=None)

    def _take(self, news: News) -> Event:
        """Keeps the ledger."""
        turn = self._turns[news.id]
        if news.kind == "progress":
            if turn.limit_s is None and news.report and news.report.share > 0:
                self._usual_s = news.report.seconds / news.report.share + RESERVE_S
            turn.follow(asdict(news.report) if news.report else None, news.host, self._ledger)
            return self._event(turn, news.kind, news.report)
        if news.kind == "done":
            turn.job = self._ledger.finish(news.id, news.result or {}, turn.worked_s())
        elif news.kind == "failed":
            turn.job = self._ledger.fail(news.id, news.reason, turn.worked_s())
        else:
            turn.job = self._ledger.release(news.id, turn.worked_s())
            self._waiting += 1
        del self._turns[news.id]
        return self._event(turn, news.kind)

    def _event(self, turn: Turn, kind: Kind, report: Report | None = None) -> Event:
        return Event(turn.job, kind, report, turn.host, self._waiting, self._ends())

    def _ends(self) -> datetime | None:
        rests = [self._rest_s(turn) for turn in self._turns.values()] + [0.0] * self._learners.room
        if self._usual_s is None or not rests:
            return None
        ends = self._clock() + timedelta(seconds=time_to_end(rests, self._waiting, self._usual_s))
        return min(ends, self._options.until) if self._options.until else ends

    def _rest_s(self, turn: Turn) -> float:
        """How long a style will still take, about."""
        whole_s = (self._usual_s or 0.0) if turn.limit_s is None else turn.limit_s + RESERVE_S
        return max(0.0, whole_s - turn.trained_s)
