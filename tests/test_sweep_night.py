"""A sweep at work: what fails, stops or ends it, and that nothing is lost."""

import dataclasses
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from swept import enter, make_studio, planned

from nst_core.errors import ImageError, NstError
from nst_core.ledger import Ledger
from studio.sweep.job import SweepJob
from studio.sweep.night import Night
from studio.sweep.plan import LEDGER
from studio.sweep.workers import LocalWorkers


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(make_studio(tmp_path), monkeypatch)
    return tmp_path


def jobs_of(folder: Path, count: int) -> Ledger:
    ledger, job = Ledger(folder / LEDGER), planned(folder)[0]
    ledger.add_all((f"{i}.png", dataclasses.replace(job, out=f"{i}.png").spec()) for i in range(count))
    return ledger


def test_a_fault_of_one_job_stops_no_other(folder: Path):
    ledger = jobs_of(folder, 6)
    faults = {"1.png": ValueError("odd"), "3.png": ImageError("broken"), "4.png": MemoryError()}

    def work(job: SweepJob, tell) -> dict[str, object]:
        if job.out in faults:
            raise faults[job.out]
        return {"seconds": 0.1, "size": [4, 3]}

    events = {event.job.out: event for event in Night(ledger, LocalWorkers(work, cores=2)).events()}
    assert {name: event.reason for name, event in events.items() if event.reason} == {
        "1.png": "a fault of ours (ValueError: odd)",
        "3.png": "broken",
        "4.png": "not enough memory; try a smaller --size or --memory-limit",
    }
    assert ledger.counts() == {"waiting": 0, "running": 0, "done": 3, "failed": 3}


def test_what_no_job_would_survive_ends_it_and_nothing_is_lost(folder: Path):
    ledger = jobs_of(folder, 20)

    def work(job: SweepJob, tell) -> dict[str, object]:
        if job.out == "5.png":
            raise NstError("cannot write 5.png in there: the disk is full")
        return {"seconds": 0.1, "size": [4, 3]}

    with pytest.raises(NstError, match="the disk is full"):
        list(Night(ledger, LocalWorkers(work, cores=2)).events())
    counts = ledger.counts()
    assert (counts["running"], counts["failed"]) == (0, 0) and counts["done"] >= 4
    assert ledger.worker() is None


def test_to_stop_looping_is_to_stop_what_is_painted(folder: Path):
    ledger, begun = jobs_of(folder, 20), threading.Event()

    def work(job: SweepJob, tell) -> dict[str, object]:
        if job.out != "0.png":
            begun.set()
            while True:
                tell(0.5)
                time.sleep(0.01)
        begun.wait()
        return {"seconds": 0.1, "size": [4, 3]}

    events = Night(ledger, LocalWorkers(work, cores=2)).events()
    assert next(events).job.out == "0.png"
    events.close()
    assert ledger.counts() == {"waiting": 19, "running": 0, "done": 1, "failed": 0}


def test_what_takes_longer_than_the_night_waits_again(folder: Path):
    ledger, now = jobs_of(folder, 8), [datetime(2026, 1, 1, tzinfo=UTC)]

    def work(job: SweepJob, tell) -> dict[str, object]:
        if job.out == "2.png":
            now[0] += timedelta(minutes=20)
            tell(0.5)
        return {"seconds": 0.1, "size": [4, 3]}

    workers = LocalWorkers(work, 1, until=now[0] + timedelta(minutes=10), clock=lambda: now[0])
    done = [event.job.out for event in Night(ledger, workers).events()]
    assert workers.out_of_time and "2.png" not in done and len(done) <= 4
    counts = ledger.counts()
    assert counts["running"] == counts["failed"] == 0 and counts["waiting"] == 8 - len(done)
