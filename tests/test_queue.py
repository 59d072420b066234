"""A night: time shared out, failures passed over, and nothing lost when it is cut off."""

import errno
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nst_core.errors import ConfigError, ImageError, NstError
from nst_core.jobs import Job
from nst_core.ledger import Ledger
from nst_core.until import parse_until
from train.night.learners import OneByOne
from train.night.queue import LEAST_S, RESERVE_S, Event, NightOptions, night
from train.night.turn import NOTE_EVERY_S
from train.style.progress import Report

BEGIN = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
FULL = OSError(errno.ENOSPC, "No space left on device")


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Learner:
    """Takes 10 seconds to start, one a step, and 2 to export; 100 steps where no time is given.

    Args:
        faults: what is raised at the second step of a job, by its name.
    """

    def __init__(self, clock: Clock, faults: Mapping[str, BaseException] | None = None) -> None:
        self.clock, self.faults = clock, faults or {}
        self.budgets: dict[str, float | None] = {}
        self.closed: list[str] = []

    def __call__(self, job: Job, budget_s: float | None) -> Generator[Report, None, Mapping[str, Any]]:
        self.budgets[job.name] = budget_s
        steps = int(budget_s or 100)
        before = (job.progress or {}).get("step", 0) if budget_s is None else 0
        try:
            self.clock.move(10)
            for step in range(before + 1, steps + 1):
                self.clock.move(1)
                if step == 2 and job.name in self.faults:
                    raise self.faults[job.name]
                yield Report(step, None if budget_s else steps, step, step / steps, {"style": 1 / step})
            self.clock.move(2)
        finally:
            self.closed.append(job.name)
        return {"steps": steps}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Of four jobs: a, b, c and d."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for name in "abcd":
        ledger.add(name, {})
    return ledger


def states(ledger: Ledger) -> str:
    """First letters."""
    return "".join(job.state[0] for job in ledger.jobs())


def begun(events: list[Event]) -> list[str]:
    return [event.job.name for event in events if event.kind == "begun"]


def test_without_a_time_each_job_takes_its_steps(ledger: Ledger, clock: Clock):
    learner = Learner(clock)
    events = list(night(ledger, OneByOne(learner), NightOptions(), clock))
    assert learner.budgets == dict.fromkeys("abcd")
    assert [event.kind for event in events] == ["begun", *["progress"] * 100, "done"] * 4
    done = [event for event in events if event.kind == "done"]
    assert [(event.job.name, event.job.state, event.waiting) for event in done] == [
        ("a", "done", 3), ("b", "done", 2), ("c", "done", 1), ("d", "done", 0)
    ]  # fmt: skip
    assert all(event.job.result == {"steps": 100} and event.job.seconds == 112 for event in done)
    assert ledger.jobs() == [event.job for event in done]
    assert ledger.worker() is None


def test_the_end_is_told_as_soon_as_it_can_be(ledger: Ledger, clock: Clock):
    times = iter(night(ledger, OneByOne(Learner(clock)), NightOptions(), clock))
    first, second = next(times), next(times)
    assert first.ends is None
    # At the first of a hundred steps: 99 more, one export, and three whole jobs.
    assert second.ends == clock.now + timedelta(seconds=99 + RESERVE_S + 3 * (100 + RESERVE_S))
    *_, last = times
    assert last.ends == clock.now


def test_the_time_until_the_morning_is_shared_out(ledger: Ledger, clock: Clock):
    until = BEGIN + timedelta(hours=1)
    learner = Learner(clock)
    events = list(night(ledger, OneByOne(learner), NightOptions(until), clock))
    assert states(ledger) == "dddd"
    left = 3600.0
    for waiting, name in zip((4, 3, 2, 1), "abcd", strict=True):
        assert learner.budgets[name] == pytest.approx(left / waiting - RESERVE_S)
        left -= 10 + int(left / waiting - RESERVE_S) + 2  # whole steps
    assert until - timedelta(seconds=RESERVE_S) < clock.now <= until
    assert all(event.ends and until - timedelta(seconds=20) <= event.ends <= until for event in events[:-1])


def test_what_there_is_no_time_for_waits(ledger: Ledger, clock: Clock):
    learner = Learner(clock)
    until = BEGIN + timedelta(seconds=2.5 * (LEAST_S + RESERVE_S))
    assert begun(list(night(ledger, OneByOne(learner), NightOptions(until), clock))) == ["a", "b"]
    assert learner.budgets == {"a": LEAST_S, "b": LEAST_S}
    assert states(ledger) == "ddww"
    assert list(night(ledger, OneByOne(learner), NightOptions(until), clock)) == []


def test_minutes_for_each_style(ledger: Ledger, clock: Clock):
    learner = Learner(clock)
    nights = night(ledger, OneByOne(learner), NightOptions(minutes_per_style=2), clock)
    first = next(nights)
    assert first.ends == BEGIN + 4 * timedelta(seconds=120 + RESERVE_S)
    list(nights)
    assert learner.budgets == dict.fromkeys("abcd", 120)


def test_with_both_the_shorter_time_counts(ledger: Ledger, clock: Clock):
    learner = Learner(clock)
    until = BEGIN + timedelta(seconds=4 * (100 + RESERVE_S))
    with closing(night(ledger, OneByOne(learner), NightOptions(until, minutes_per_style=60), clock)) as events:
        assert [next(events).kind, next(events).kind] == ["begun", "progress"]
    assert learner.budgets == {"a": 100}


def test_a_job_that_was_cut_off_has_the_rest_of_its_time(ledger: Ledger, clock: Clock):
    cut_off(ledger, clock, steps=90)
    learner = Learner(clock)
    list(night(ledger, OneByOne(learner), NightOptions(minutes_per_style=2), clock))
    noted = 1 + NOTE_EVERY_S  # the last note, at most a minute old
    assert learner.budgets == {"a": 120 - noted, "b": 120, "c": 120, "d": 120}

    for name in "ef":
        ledger.add(name, {})
    cut_off(ledger, clock, steps=90)
    learner = Learner(clock)
    list(night(ledger, OneByOne(learner), NightOptions(clock.now + timedelta(seconds=1000)), clock))
    rest = (1000 + noted) / 2 - RESERVE_S - noted
    assert learner.budgets == {"e": rest, "f": pytest.approx(1000 - (12 + int(rest)) - RESERVE_S)}


def test_a_job_whose_time_was_nearly_over_ends_at_once(ledger: Ledger, clock: Clock):
    cut_off(ledger, clock, steps=90)
    learner = Learner(clock)
    list(night(ledger, OneByOne(learner), NightOptions(minutes_per_style=0.5), clock))
    assert learner.budgets["a"] == 1
    assert states(ledger) == "dddd"


def cut_off(ledger: Ledger, clock: Clock, steps: int) -> None:
    """The first job, after so many steps."""
    with closing(night(ledger, OneByOne(Learner(clock)), NightOptions(minutes_per_style=10), clock)) as events:
        for event in events:
            if event.report and event.report.step == steps:
                break


def test_a_failure_is_kept_and_the_night_goes_on(ledger: Ledger, clock: Clock):
    learner = Learner(clock, {"b": ImageError("b.jpg is broken; mend it")})
    events = list(night(ledger, OneByOne(learner), NightOptions(), clock))
    assert states(ledger) == "dfdd"
    (failed,) = [event for event in events if event.kind == "failed"]
    assert (failed.job.name, failed.job.reason, failed.job.seconds) == ("b", "b.jpg is broken; mend it", 12)
    assert failed.job == ledger.jobs()[1]


def full_disk() -> NstError:
    error = NstError("cannot write state.ckpt: the disk is full")
    error.__cause__ = FULL
    return error


@pytest.mark.parametrize("fault", [full_disk(), FULL, KeyboardInterrupt(), ZeroDivisionError()], ids=repr)
def test_what_no_job_would_survive_ends_the_night(ledger: Ledger, clock: Clock, fault: BaseException):
    learner = Learner(clock, {"b": fault})
    with pytest.raises(type(fault)) as caught:
        list(night(ledger, OneByOne(learner), NightOptions(), clock))
    assert caught.value is fault
    assert states(ledger) == "dwww"
    assert [job.seconds for job in ledger.jobs()] == [112, 12, 0, 0]
    assert ledger.worker() is None
    assert begun(list(night(ledger, OneByOne(Learner(clock)), NightOptions(), clock))) == ["b", "c", "d"]
    assert ledger.jobs()[1].seconds == 12 + 10 + 99 + 2  # on from the first step, which was noted


def test_leaving_the_loop_stops_the_training_and_keeps_the_job(ledger: Ledger, clock: Clock):
    learner = Learner(clock)
    events = night(ledger, OneByOne(learner), NightOptions(), clock)
    assert [next(events).kind for _ in range(3)] == ["begun", "progress", "progress"]
    assert states(ledger) == "rwww"
    assert ledger.worker() is not None
    events.close()
    assert learner.closed == ["a"]
    assert states(ledger) == "wwww"
    assert ledger.worker() is None


def test_leaving_after_a_style_leaves_it_done(ledger: Ledger, clock: Clock):
    events = night(ledger, OneByOne(Learner(clock)), NightOptions(), clock)
    assert next(event for event in events if event.kind == "done").job.name == "a"
    events.close()
    assert states(ledger) == "dwww"


def test_a_ledger_that_cannot_be_written_ends_the_night(ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    def refuse(*args: object) -> Job:
        raise full_disk()

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "finish", refuse)
        patch.setattr(ledger, "release", refuse)
        with pytest.raises(NstError, match="the disk is full"):
            list(night(ledger, OneByOne(Learner(clock)), NightOptions(), clock))
    assert states(ledger) == "rwww"
    assert begun(list(night(ledger, OneByOne(Learner(clock)), NightOptions(), clock))) == ["a", "b", "c", "d"]


def test_progress_is_noted_once_a_minute(ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    noted: list[tuple[float, Mapping[str, Any]]] = []
    note: Callable[..., Job] = ledger.note

    def note_and_tell(id: int, seconds: float, progress: Mapping[str, Any]) -> Job:
        noted.append((seconds, progress))
        return note(id, seconds, progress)

    monkeypatch.setattr(ledger, "note", note_and_tell)
    events = night(ledger, OneByOne(Learner(clock)), NightOptions(minutes_per_style=3), clock)
    assert next(event for event in events if event.report and event.report.step == 150).job.progress == {
        "step": 121, "steps": None, "seconds": 121, "share": 121 / 180, "figures": {"style": 1 / 121}
    }  # fmt: skip
    assert [(seconds, progress["step"]) for seconds, progress in noted] == [(11, 1), (71, 61), (131, 121)]
    assert ledger.jobs()[0].seconds == 131


def test_a_job_added_in_the_night_is_done_too(ledger: Ledger, clock: Clock):
    events = night(ledger, OneByOne(Learner(clock)), NightOptions(), clock)
    next(events)
    Ledger(ledger.path).add("e", {})
    assert begun(list(events)) == ["b", "c", "d", "e"]


def test_one_night_at_a_time(ledger: Ledger, clock: Clock):
    next(running := night(ledger, OneByOne(Learner(clock)), NightOptions(), clock))
    with pytest.raises(ConfigError, match="another impasto train is at work"):
        next(night(Ledger(ledger.path), OneByOne(Learner(clock)), NightOptions(), clock))
    assert next(running).kind == "progress"


@pytest.fixture
def vienna(monkeypatch: pytest.MonkeyPatch):
    """Winter time ends on 2027-03-28 at 2:00."""
    if not hasattr(time, "tzset"):
        pytest.skip("the zone cannot be set here")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()


@pytest.mark.parametrize(
    ("text", "now", "until"),
    [
        ("07:00", "2026-11-23 23:30", "2026-11-24 07:00+01:00"),
        ("7:00", "2026-11-24 06:59", "2026-11-24 07:00+01:00"),
        ("07:00", "2026-11-24 07:00", "2026-11-25 07:00+01:00"),
        (" 07:00 ", "2027-03-27 23:00", "2027-03-28 07:00+02:00"),
        ("2026-11-24 07:05", "2026-11-23 08:00", "2026-11-24 07:05+01:00"),
        ("2027-06-01T07:00", "2026-11-23 08:00", "2027-06-01 07:00+02:00"),
    ],
)
def test_until(text: str, now: str, until: str, vienna: None):
    found = parse_until(text, local(now))
    assert found == datetime.fromisoformat(until)
    assert found.utcoffset() == datetime.fromisoformat(until).utcoffset()


def test_until_takes_any_zone_for_now(vienna: None):
    now = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)  # 7:30 in Vienna
    assert parse_until("07:00", now) == datetime(2026, 11, 25, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-23 07:59", "2026-11-23 08:00", "1999-01-01 00:00"])
def test_until_in_the_past(text: str, vienna: None):
    with pytest.raises(ConfigError, match=f"--until {text} is past, it is 2026-11-23 08:00 now; give a later time"):
        parse_until(text, local("2026-11-23 08:00"))


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "07:00:30", "7", "2026-11-24", "24.11.2026 07:00", "2026-02-30 07:00"]
)
def test_until_is_no_time(text: str):
    with pytest.raises(ConfigError, match="is no time; give one like 07:00, or like 2026-11-24 07:00"):
        parse_until(text, BEGIN)
