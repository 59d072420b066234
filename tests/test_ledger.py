"""Jobs that outlive their process, one process at work, and files that are no ledgers."""

import errno
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ledgers import claimed, states

from nst_core.errors import ConfigError, NstError
from nst_core.job_list import FORMAT
from nst_core.ledger import Ledger

pytest_plugins = ["ledger_fixtures"]

ROOT = Path(__file__).parents[1]


def python(code: str, path: Path) -> subprocess.Popen[str]:
    """A process of its own that runs `code` with `ledger`, of a path."""
    begin = f"from pathlib import Path; from nst_core.ledger import Ledger; ledger = Ledger(Path({str(path)!r}))\n"
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-uc", begin + code], cwd=ROOT, stdin=pipe, stdout=pipe, text=True)


def test_jobs_are_done_in_order_and_tell_what_became_of_them(at_work: Ledger):
    assert at_work.counts() == {"waiting": 3, "running": 0, "done": 0, "failed": 0}
    a = at_work.claim()
    assert a and (a.name, a.state, a.spec) == ("a", "running", {"title": "A", "steps": [1, 2]})
    assert a.begun and a.begun.endswith("+00:00") and a.added <= a.begun
    noted = at_work.note(a.id, 60.5, {"step": 7})
    assert (noted.seconds, noted.progress) == (60.5, {"step": 7})
    done = at_work.finish(a.id, {"figures": {"J": 0.5}}, 90.25)
    assert (done.state, done.result, done.seconds) == ("done", {"figures": {"J": 0.5}}, 90.25)
    assert done.ended and done.ended >= a.begun
    b = at_work.claim()
    assert b and b.name == "b"
    assert at_work.fail(b.id, "blank pictures", 3.0).reason == "blank pictures"
    assert claimed(at_work) == "c"
    assert at_work.claim() is None
    assert at_work.jobs()[0] == done
    assert at_work.counts() == {"waiting": 0, "running": 1, "done": 1, "failed": 1}


def test_what_was_begun_comes_before_what_waits(ledger: Ledger):
    with ledger.working():
        assert [claimed(ledger), claimed(ledger)] == ["a", "b"]
        a, b, _ = ledger.jobs()
        ledger.finish(a.id, {}, 1.0)
        begun = ledger.release(b.id, 12.0).begun
        assert states(ledger) == {"a": "done", "b": "waiting", "c": "waiting"}
        ledger.add("aa", {})
        again = ledger.claim()
        assert again and (again.name, again.seconds, again.begun) == ("b", 12.0, begun)
    # As after a kill: b is still running, and the next to work takes it up first.
    assert states(ledger)["b"] == "running"
    after = Ledger(ledger.path)
    with after.working():
        assert states(after)["b"] == "waiting"
        assert [claimed(after), claimed(after), claimed(after)] == ["b", "c", "aa"]


def test_adding_again_changes_nothing_unless_the_job_has_ended(at_work: Ledger):
    before = at_work.jobs()
    assert at_work.add("a", {"steps": (1, 2), "title": "A"}) == before[0]
    with pytest.raises(ConfigError, match=r"a is waiting in .*run with other options"):
        at_work.add("a", {"title": "other"})
    for end in (lambda id: at_work.finish(id, {"x": 1}, 1.0), lambda id: at_work.fail(id, "no", 1.0)):
        job = at_work.claim()
        assert job
        ended = end(job.id)
        assert at_work.add(job.name, job.spec) == ended
        other = at_work.add(job.name, {"title": "other"})
        assert (other.state, other.result, other.reason, other.seconds) == ("waiting", None, None, 0)
    assert [job.name for job in at_work.jobs()] == ["c", "a", "b"]


def test_only_what_has_failed_can_be_tried_again(at_work: Ledger):
    job = at_work.claim()
    assert job
    at_work.note(job.id, 5.0, {"step": 1})
    with pytest.raises(ConfigError, match="no a has failed"):
        at_work.retry("a")
    at_work.fail(job.id, "no", 5.0)
    again = at_work.retry("a")
    assert (again.state, again.reason, again.progress, again.begun, again.ended) == ("waiting", None, None, None, None)
    with pytest.raises(ConfigError, match="no nothing has failed"):
        at_work.retry("nothing")


def test_only_a_running_job_can_end(at_work: Ledger):
    waiting = at_work.jobs()[0]
    for change in (at_work.release, lambda id, seconds: at_work.fail(id, "no", seconds)):
        with pytest.raises(NstError, match="does not hold this job as running"):
            change(waiting.id, 1.0)
    assert at_work.jobs()[0] == waiting


def test_looking_makes_no_file(tmp_path: Path):
    ledger = Ledger(tmp_path / "none" / "ledger.sqlite")
    assert (ledger.jobs(), ledger.worker()) == ([], None)
    assert sum(ledger.counts().values()) == 0
    assert not ledger.path.parent.exists()


def test_an_empty_file_is_a_ledger_whose_first_job_was_cut_off(tmp_path: Path):
    (tmp_path / "ledger.sqlite").touch()
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert ledger.jobs() == []
    assert ledger.add("a", {}).state == "waiting"


def test_one_process_works_and_all_may_look(ledger: Ledger):
    with pytest.raises(RuntimeError, match="working"):
        ledger.claim()
    other = python("with ledger.working():\n  print(ledger.claim().name)\n  input()", ledger.path)
    try:
        assert other.stdout and other.stdout.readline() == "a\n"
        assert ledger.worker() == other.pid
        assert states(ledger) == {"a": "running", "b": "waiting", "c": "waiting"}
        with pytest.raises(ConfigError) as caught, ledger.working():
            pass
        assert str(caught.value) == (
            f"another impasto train is at work in {ledger.path.parent} (process {other.pid}); "
            "wait for it, or give another --run"
        )
        with pytest.raises(ConfigError, match="another impasto sweep"), ledger.working("impasto sweep"):
            pass
        ledger.add("d", {})
        assert states(ledger)["a"] == "running"
    finally:
        other.kill()
        other.communicate()
    assert ledger.worker() is None
    with ledger.working(), ledger.working():
        assert ledger.worker() == os.getpid()
        assert claimed(ledger) == "a"
    assert ledger.worker() is None


WORK = """
import itertools, os
with ledger.working():
    for i in itertools.count():
        name = ledger.add(f"{i} of {os.getpid()}", {"i": i}).name
        print("added", name)
        job = ledger.claim()
        ledger.note(job.id, 0.5, {"text": "x" * 5000})
        if i % 3:
            ledger.finish(job.id, {"of": job.name}, 1.0)
            print("done", job.name)
        else:
            ledger.release(job.id, 2.0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_kill_at_any_moment_loses_nothing_that_was_told(tmp_path: Path):
    random.seed(0)
    path = tmp_path / "ledger.sqlite"
    added: set[str] = set()
    done: set[str] = set()
    for _ in range(5):
        process = python(WORK, path)
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(random.randint(2, 9))]
        time.sleep(random.uniform(0, 0.02))
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
        process.communicate()
        told = [line.strip().split(" ", 1) for line in lines if line.endswith("\n")]
        added |= {name for what, name in told if what == "added"}
        done |= {name for what, name in told if what == "done"}
        jobs = {job.name: job for job in Ledger(path).jobs()}
        assert added <= jobs.keys()
        assert all(jobs[name].state == "done" and jobs[name].result == {"of": name} for name in done)
        assert sum(job.state == "running" for job in jobs.values()) <= 1
        with sqlite3.connect(path) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        database.close()
    assert len(done) >= 5


def write_database(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def test_what_is_no_ledger_is_left_alone(tmp_path: Path, ledger: Ledger):
    garbage = tmp_path / "garbage.sqlite"
    garbage.write_bytes(bytes(range(256)) * 40)
    foreign = tmp_path / "foreign.sqlite"
    write_database(foreign, "CREATE TABLE songs (title)")
    write_database(ledger.path, f"PRAGMA user_version = {FORMAT + 1}")
    cases = {garbage: "no ledger of Impasto", foreign: "of another program", ledger.path: r"newer Impasto \(format 2"}
    for path, message in cases.items():
        before = path.read_bytes()
        for use in (Ledger(path).jobs, lambda path=path: Ledger(path).add("a", {})):
            with pytest.raises(NstError, match=message) as caught:
                use()
            assert str(path.name) in str(caught.value) and "\n" not in str(caught.value)
        assert path.read_bytes() == before


def test_who_looks_while_it_is_made_waits(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    maker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    maker.execute("BEGIN IMMEDIATE")
    ended: list[float] = []

    def end() -> None:
        ended.append(time.monotonic())
        maker.execute("ROLLBACK")

    timer = threading.Timer(0.3, end)
    timer.start()
    assert Ledger(path).jobs() == []
    assert ended
    timer.join()
    maker.close()


def test_a_folder_that_cannot_be_is_said(tmp_path: Path):
    (tmp_path / "file").touch()
    ledger = Ledger(tmp_path / "file" / "ledger.sqlite")
    for use in (lambda: ledger.add("a", {}), lambda: ledger.working().__enter__()):
        with pytest.raises(NstError, match=r"cannot use ledger\.sqlite.* in .*file: "):
            use()


def test_a_ledger_that_goes_away_does_not_come_back_empty(at_work: Ledger):
    job = at_work.claim()
    assert job
    at_work.path.unlink()
    with pytest.raises(NstError, match="it is gone; plug its disk in again"):
        at_work.finish(job.id, {}, 1.0)
    assert not at_work.path.exists()


def test_a_full_disk_is_said_and_nothing_is_lost(ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    before = ledger.jobs()
    connect = sqlite3.connect

    def connect_to_full_disk(*args, **kwargs) -> sqlite3.Connection:
        database = connect(*args, **kwargs)
        database.execute("PRAGMA max_page_count = 1")  # as many as there are
        return database

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect_to_full_disk)
        with pytest.raises(NstError, match=r"cannot use ledger\.sqlite in .*: the disk is full") as caught:
            ledger.add("large", {"text": "x" * 100_000})
        assert isinstance(caught.value.__cause__, OSError) and caught.value.__cause__.errno == errno.ENOSPC
        assert ledger.jobs() == before
    assert ledger.add("large", {"text": "x" * 100_000}).name == "large"


def test_a_job_is_taken_out_unless_it_is_worked_on(ledger: Ledger):
    with ledger.working():
        assert claimed(ledger) == "a"
        with pytest.raises(ConfigError, match="a is being worked on; stop that first"):
            ledger.remove("a")
        removed = ledger.remove("b")
        assert (removed.name, removed.state) == ("b", "waiting")
        assert states(ledger) == {"a": "running", "c": "waiting"}
    assert ledger.remove("a").state == "running"  # it was cut off
    with pytest.raises(ConfigError, match=r"there is no b in .*; it may have been removed already"):
        ledger.remove("b")
    assert states(ledger) == {"c": "waiting"}
