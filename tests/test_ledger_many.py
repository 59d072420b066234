"""Many jobs at once: added, ended, put in order and read in a step, in seconds and little memory."""

import sqlite3
import time
import tracemalloc
from pathlib import Path

import pytest
from ledgers import claimed, states

from nst_core.errors import ConfigError, NstError
from nst_core.jobs import Ended
from nst_core.ledger import Ledger

pytest_plugins = ["ledger_fixtures"]


def test_many_are_added_at_once_or_none(ledger: Ledger):
    before = ledger.jobs()
    jobs = [("a", {"steps": (1, 2), "title": "A"}), ("b", {"title": "other"}), ("d", {"x": 1}), ("e", {"x": 2})]
    assert ledger.add_all(jobs) == 3
    assert [(job.name, job.state) for job in ledger.jobs()] == [(name, "waiting") for name in "acbde"]
    assert ledger.jobs()[0] == before[0] and ledger.jobs()[2].spec == {"title": "other"}
    assert ledger.add_all(jobs) == 0
    with ledger.working():
        assert claimed(ledger) == "a"
        with pytest.raises(ConfigError, match=r"a is running in .* with other options"):
            ledger.add_all([("f", {}), ("a", {})])
    assert [job.name for job in ledger.jobs()] == list("acbde")


def test_several_end_and_are_claimed_in_one_transaction(at_work: Ledger):
    a, b = at_work.settle([], claim=2)
    assert (a.name, b.name, a.state, b.state) == ("a", "b", "running", "running")
    at_work.note(a.id, 2.0, {"step": 1})
    at_work.add("x/d", {})
    (d,) = at_work.settle([Ended(a.id, 1.5, {"J": 1}), Ended(b.id, 3.0, reason="no")], claim=5, like="x/*")
    assert d.name == "x/d"
    assert [(job.state, job.result, job.reason, job.seconds, job.ended is None) for job in at_work.jobs()[:2]] == [
        ("done", {"J": 1}, None, 3.5, False),
        ("failed", None, "no", 3.0, False),
    ]
    assert at_work.settle([Ended(d.id, 1.0)]) == []
    again = at_work.settle([], claim=1)[0]
    assert (again.name, again.seconds, again.begun) == ("x/d", 1.0, d.begun)  # what was begun comes first
    with pytest.raises(NstError, match="does not hold this job as running"):
        at_work.settle([Ended(again.id, 1.0, {}), Ended(a.id, 1.0, {})])
    assert states(at_work) == {"a": "done", "b": "failed", "c": "waiting", "x/d": "running"}
    assert at_work.retry_all() == 1 and at_work.jobs()[1].reason is None
    for use in (lambda: Ledger(at_work.path).settle([]), Ledger(at_work.path).release_all):
        with pytest.raises(RuntimeError, match="working"):
            use()
    at_work.settle([], claim=1)
    at_work.release_all([Ended(again.id, 1.0, {}), Ended(a.id, 9.0, reason="has ended already")])
    assert states(at_work) == {"a": "done", "b": "waiting", "c": "waiting", "x/d": "done"}


def test_what_waits_is_put_in_another_order_or_taken_out(at_work: Ledger):
    assert claimed(at_work) == "a"
    at_work.put_last(["c", "a", "nothing", "b"])
    assert [job.name for job in at_work.jobs()] == ["a", "c", "b"]
    at_work.add("d", {})
    at_work.remove_waiting(["a", "c"])
    assert [claimed(at_work), claimed(at_work)] == ["b", "d"]
    assert states(at_work) == {"a": "running", "b": "running", "d": "running"}


def test_what_waits_may_come_before_all_others(at_work: Ledger):
    at_work.put_first(["c", "b"])
    assert [job.name for job in at_work.jobs()] == ["c", "b", "a"]
    at_work.put_first(["a", "nothing"])
    at_work.add("d", {})
    assert [claimed(at_work) for _ in range(4)] == ["a", "c", "b", "d"]
    at_work.put_first(["d"])
    assert [job.name for job in at_work.jobs()] == ["a", "c", "b", "d"], "it does not wait"


def test_parts_of_jobs_are_read_without_the_rest(at_work: Ledger):
    a = at_work.claim()
    assert a
    at_work.finish(a.id, {"figures": {"J": 0.5}}, 2.5)
    at_work.add("x/d", {"steps": [3]})
    places = ["name", "state", "spec.title", "spec.steps[0]", "result.figures.J", "seconds"]
    assert list(at_work.values(places)) == [
        ("a", "done", "A", 1, 0.5, 2.5),
        ("b", "waiting", "B", 1, None, 0.0),
        ("c", "waiting", "C", 1, None, 0.0),
        ("x/d", "waiting", None, 3, None, 0.0),
    ]
    assert list(at_work.values(["name"], "waiting", "[a-c]")) == [("b",), ("c",)]
    assert list(at_work.values(["name"], like="[b-x]*", unlike="x/*")) == [("b",), ("c",)]
    assert list(at_work.values([], "done")) == [()]


def test_what_is_to_be_done_is_told_in_the_order_of_names(ledger: Ledger, tmp_path: Path):
    ledger.add_all((f"x{i}", {"i": i}) for i in range(2500))
    found = ledger.specs([*(f"x{i}" for i in reversed(range(2500))), "nothing", "b"])
    assert found == [*({"i": i} for i in reversed(range(2500))), {"title": "B", "steps": [1, 2]}]
    assert ledger.specs([]) == Ledger(tmp_path / "none.sqlite").specs(["a"]) == []


def test_twenty_thousand_jobs_take_seconds_and_little_memory(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    tracemalloc.start()
    began = time.monotonic()
    assert ledger.add_all((f"proofs/{i}", {"i": i}) for i in range(20_000)) == 20_000
    with ledger.working():
        ended = [Ended(job.id, 0.0, {}) for job in ledger.settle([], claim=8)]
        assert len(ledger.settle(ended, claim=8)) == 8
    assert ledger.counts("proofs/*") == {"waiting": 19_984, "running": 8, "done": 8, "failed": 0}
    assert ledger.counts("other/*")["waiting"] == 0
    assert sum(job.spec["i"] for job in ledger.each("waiting")) == sum(range(16, 20_000))
    assert [job.name for job in ledger.each("done", "*/7")] == ["proofs/7"]
    took, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 30 and peak < 8_000_000


def test_a_ledger_of_before_finds_the_next_job_as_quickly(ledger: Ledger):
    with sqlite3.connect(ledger.path) as database:
        database.execute("DROP INDEX job_next")
    database.close()
    with ledger.working():
        assert claimed(ledger) == "a"
        ledger.add("d", {})
        with sqlite3.connect(ledger.path) as database:
            plan = str(
                database.execute(
                    "EXPLAIN QUERY PLAN SELECT id FROM job WHERE state = 'waiting' ORDER BY begun IS NULL, id LIMIT 1"
                ).fetchall()
            )
        database.close()
        assert "job_next" in plan and "TEMP B-TREE" not in plan
