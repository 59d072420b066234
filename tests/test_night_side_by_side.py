"""A night of several trainings at a time: how its time is shared out, what goes on elsewhere, and when it ends."""

import itertools
import os
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nst_core.errors import ConfigError, NstError
from nst_core.jobs import Job
from nst_core.ledger import Ledger
from train.cluster.engines import open_learners
from train.machines import Machines
from train.night.queue import RESERVE_S, Event, News, NightOptions, night
from train.night.shares import longest_share, time_to_end
from train.style.progress import Report

BEGIN = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
STEP_S = 10


class SideBySide:
    """Places that each do a step in ten seconds, and 30 steps where no time is given.

    Args:
        places: how many.
        falls: how often each job falls after its third step.
    """

    def __init__(self, places: int, falls: dict[str, int] | None = None) -> None:
        self.now, self.places, self.falls = BEGIN, places, Counter(falls or {})
        self.budgets: dict[str, float | None] = {}
        self.at_work: dict[int, tuple[Job, int, int]] = {}
        self.most = 0
        self.halted = False

    def clock(self) -> datetime:
        return self.now

    @property
    def room(self) -> int:
        return self.places - len(self.at_work)

    def begin(self, job: Job, budget_s: float | None) -> None:
        assert self.room > 0
        self.budgets[job.name] = budget_s
        before = (job.progress or {}).get("step", 0)
        self.at_work[job.id] = job, before, before + int(budget_s // STEP_S) if budget_s else 30
        self.most = max(self.most, len(self.at_work))

    def news(self) -> list[News]:
        self.now += timedelta(seconds=STEP_S)
        found = []
        for id, (job, step, last) in list(self.at_work.items()):
            if step == 3 and self.falls[job.name]:
                self.falls[job.name] -= 1
                found.append(News(id, "waits"))
            elif step == last:
                found.append(News(id, "done", result={"steps": step}))
            else:
                self.at_work[id] = job, step + 1, last
                report = Report(step + 1, last, (step + 1) * STEP_S, (step + 1) / last, {})
                found.append(News(id, "progress", report, host=f"host{id}"))
                continue
            del self.at_work[id]
        return found

    def halt(self) -> None:
        self.halted = True


def ledger_of(folder: Path, names: str) -> Ledger:
    ledger = Ledger(folder / "ledger.sqlite")
    for name in names:
        ledger.add(name, {})
    return ledger


def test_as_many_are_learned_at_a_time_as_there_is_room_for(tmp_path: Path):
    ledger, learners = ledger_of(tmp_path, "abcdefg"), SideBySide(3)
    events = list(night(ledger, learners, NightOptions(), learners.clock))
    assert learners.most == 3
    assert [job.state for job in ledger.jobs()] == ["done"] * 7
    assert Counter(event.job.name for event in events if event.kind == "done") == Counter("abcdefg")
    # Seven in three places are three rounds of 30 steps and an export.
    assert learners.now - BEGIN == timedelta(seconds=3 * 31 * STEP_S)


def test_the_end_of_the_night_is_told_over_all_places(tmp_path: Path):
    ledger, learners = ledger_of(tmp_path, "abcde"), SideBySide(2)
    events = list(night(ledger, learners, NightOptions(), learners.clock))
    early = next(event for event in events if event.kind == "progress" and event.ends)
    assert early.waiting == 3
    assert early.ends and abs((early.ends - learners.now).total_seconds()) < 3 * RESERVE_S
    assert events[-1].ends == learners.now


@pytest.mark.parametrize(("places", "names", "rounds"), [(2, "abcd", 2), (3, "abcd", 2), (4, "abcd", 1), (1, "ab", 2)])
def test_the_time_until_the_morning_is_shared_out_evenly(tmp_path: Path, places: int, names: str, rounds: int):
    ledger, learners = ledger_of(tmp_path, names), SideBySide(places)
    until = BEGIN + timedelta(hours=2)
    list(night(ledger, learners, NightOptions(until), learners.clock))
    assert [job.state for job in ledger.jobs()] == ["done"] * len(names)
    for name in names:
        assert learners.budgets[name] == pytest.approx(7200 / rounds - RESERVE_S, abs=2 * STEP_S + RESERVE_S), name
    assert learners.now <= until


def test_what_falls_goes_on_from_where_it_was_noted_and_is_done_once(tmp_path: Path):
    ledger, learners = ledger_of(tmp_path, "abc"), SideBySide(2, falls={"a": 2, "b": 1})
    events = list(night(ledger, learners, NightOptions(), learners.clock))
    kinds = Counter((event.job.name, event.kind) for event in events if event.kind != "progress")
    assert kinds == {
        ("a", "begun"): 3, ("a", "waits"): 2, ("a", "done"): 1,
        ("b", "begun"): 2, ("b", "waits"): 1, ("b", "done"): 1,
        ("c", "begun"): 1, ("c", "done"): 1,
    }  # fmt: skip
    assert [job.state for job in ledger.jobs()] == ["done"] * 3
    # What was begun before comes first.
    begun = [event.job.name for event in events if event.kind == "begun"]
    assert begun[:2] == ["a", "b"] and begun[-1] == "c"


def test_leaving_the_loop_halts_all_and_all_wait_again(tmp_path: Path):
    ledger, learners = ledger_of(tmp_path, "abcd"), SideBySide(3)
    with closing(night(ledger, learners, NightOptions(), learners.clock)) as events:
        seen = list(itertools.islice(events, 6))
    assert [event.kind for event in seen] == ["begun"] * 3 + ["progress"] * 3
    assert [event.host for event in seen[3:]] == ["host1", "host2", "host3"]
    assert learners.halted
    jobs = ledger.jobs()
    assert [job.state for job in jobs] == ["waiting"] * 4
    assert [(job.progress or {}).get("host") for job in jobs] == ["host1", "host2", "host3", None]
    assert ledger.worker() is None


def test_a_fault_that_no_job_survives_ends_the_night(tmp_path: Path):
    class Full(SideBySide):
        def news(self) -> list[News]:
            if self.now - BEGIN > timedelta(seconds=3 * STEP_S):
                raise NstError("the disk is full")
            return super().news()

    ledger, learners = ledger_of(tmp_path, "abc"), Full(2)
    with pytest.raises(NstError, match="the disk is full"):
        list(night(ledger, learners, NightOptions(), learners.clock))
    assert learners.halted
    assert [job.state for job in ledger.jobs()] == ["waiting"] * 3


def test_where_there_is_no_room_the_night_waits_for_it(tmp_path: Path):
    class Late(SideBySide):
        def news(self) -> list[News]:
            self.places = 1 if self.now - BEGIN > timedelta(minutes=5) else 0
            return super().news()

    ledger, learners = ledger_of(tmp_path, "a"), Late(0)
    events: list[Event] = list(night(ledger, learners, NightOptions(), learners.clock))
    assert [event.kind for event in events] == ["begun", *["progress"] * 30, "done"]


@pytest.mark.parametrize("rests", [[100.0], [100.0, 100.0], [100.0, 40.0], [100.0, 70.0, 10.0], [100.0, -5.0, -300.0]])
@pytest.mark.parametrize("jobs", [1, 2, 3, 7])
def test_the_longest_share_is_the_longest_that_fits(rests: list[float], jobs: int):
    def fits(length: float) -> bool:
        return sum(int(max(0.0, rest) // length) for rest in rests) >= jobs

    share = longest_share(rests, jobs)
    assert fits(share * (1 - 1e-9)) and not fits(share * (1 + 1e-6))


def test_where_no_time_is_left_the_share_is_nothing():
    assert longest_share([0.0, -10.0], 3) == 0


@pytest.mark.parametrize("rests", [[0.0], [30.0, 0.0], [90.0, 50.0, 10.0]])
@pytest.mark.parametrize("jobs", [0, 1, 2, 5])
def test_the_time_to_the_end_is_that_of_who_takes_the_next_job_when_free(rests: list[float], jobs: int):
    free = list(rests)
    for _ in range(jobs):
        place = free.index(min(free))
        free[place] += 100.0
    assert time_to_end(rests, jobs, 100.0) == max(free)


def test_one_training_on_several_machines_is_no_matter_of_ray(tmp_path: Path):
    with (
        pytest.raises(ConfigError, match="--num-nodes is for one training"),
        open_learners("ray", tmp_path, tmp_path / "styles", Machines(num_nodes=2)),
    ):
        pass


def test_what_a_killed_night_left_is_removed_and_what_is_being_written_stays(tmp_path: Path):
    run, styles = tmp_path / "run", tmp_path / "styles"
    left = [folder / ".impasto-0123.png" for folder in (run, run / "finished", styles)]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (0, 0))
    written = run / "finished" / ".impasto-4567.png"
    written.touch()
    with open_learners("local", run, styles, Machines()):
        assert not any(path.exists() for path in left)
        assert written.exists()
