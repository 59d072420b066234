"""Jobs that outlive their process: what waits, runs, is done or has failed, in a file that no kill leaves broken."""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from nst_core.database import Database
from nst_core.errors import ConfigError, NstError
from nst_core.lock import hold, holder

FORMAT = 1
"""Of the file; a larger number is one that this program would misread."""
APPLICATION_ID = 0x494D504C
"""Tells the file from other SQLite databases: `IMPL`."""

AT_ONCE = 1000
"""Jobs that are read together."""

State = Literal["waiting", "running", "done", "failed"]

_SCHEMA = """
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    result TEXT,
    progress TEXT,
    seconds REAL NOT NULL,
    added TEXT NOT NULL,
    begun TEXT,
    ended TEXT
)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS job_next ON job (state, (begun IS NULL), id)"
"""Finds the next job among very many at once. Ledgers of before it get it with the next job that is added."""


_RELEASE = "UPDATE job SET state = 'waiting' WHERE state = 'running'"


@dataclass(frozen=True)
class Ended:
    """What became of a running job."""

    id: int
    seconds: float
    """Worked on it."""
    result: Mapping[str, Any] | None = None
    """What came of it, plain JSON; with neither this nor a reason it waits again, in front."""
    reason: str | None = None
    """Why it failed."""


@dataclass(frozen=True)
class Job:
    """One piece of work. Times are UTC, ISO 8601."""

    id: int
    name: str
    """Unique in its ledger."""
    spec: Mapping[str, Any]
    """What is to be done, plain JSON."""
    state: State
    reason: str | None
    """Why it failed."""
    result: Mapping[str, Any] | None
    """What came of it, plain JSON."""
    progress: Mapping[str, Any] | None
    """What was last noted of it, plain JSON."""
    seconds: float
    """Worked on it so far."""
    added: str
    begun: str | None
    ended: str | None


class Ledger:
    """Jobs in an SQLite file, which the first job makes. Any process may look; one at a time works.

    Each call is one transaction: after a kill or a power cut it has happened or not.

    Args:
        path: the file; beside it lie its lock and, during a transaction, the journal.

    Raises:
        NstError: from any call: the disk is full, or the file cannot be used; the message names it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = Database(path, "ledger", _SCHEMA, APPLICATION_ID, FORMAT)
        self._lock_path = path.with_name(path.name + ".lock")
        self._held = False

    def add(self, name: str, spec: Mapping[str, Any]) -> Job:
        """Puts a job at the end. One that is there already with an equal spec stays as it is.

        Raises:
            ConfigError: A job of that name with another spec is not done yet. (Ended ones are replaced.)
        """
        with self._file.transaction(make=True) as database:
            database.execute(_INDEX)
            old = _find(database, "name = ?", name)
            if old and old.spec == json.loads(json.dumps(spec)):
                return old
            if old and old.state in ("waiting", "running"):
                raise self._other_options(name, old.state)
            database.execute("DELETE FROM job WHERE name = ?", [name])
            _insert(database, name, json.dumps(spec))
            return _get(database, name)

    def add_all(self, jobs: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
        """Puts jobs, names and specs, at the end in one transaction: all of them or none. Gives how many were put.

        One that is there already with an equal spec stays as it is, and any other of its name is replaced, unless it
        is running.

        Raises:
            ConfigError: A job of that name with another spec is running.
        """
        put = 0
        with self._file.transaction(make=True) as database:
            database.execute(_INDEX)
            for name, spec in jobs:
                text = json.dumps(spec)
                old = database.execute("SELECT spec, state FROM job WHERE name = ?", [name]).fetchone()
                if old and (old["spec"] == text or json.loads(old["spec"]) == json.loads(text)):
                    continue
                if old and old["state"] == "running":
                    raise self._other_options(name, "running")
                if old:
                    database.execute("DELETE FROM job WHERE name = ?", [name])
                _insert(database, name, text)
                put += 1
        return put

    @contextlib.contextmanager
    def working(self, command: str = "impasto train", option: str = "--run") -> Iterator[None]:
        """Makes this process the one that works; what another left running when it died waits again, in front.

        May be entered again inside.

        Args:
            command: that works on such ledgers, for the message.
            option: of the command, that names another folder.

        Raises:
            ConfigError: Another process is at work.
        """
        if self._held:
            yield
            return
        with contextlib.ExitStack() as stack:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(hold(self._lock_path))
            except BlockingIOError as error:
                raise ConfigError(
                    f"another {command} is at work in {self.path.parent} (process {self.worker()}); "
                    f"wait for it, or give another {option}"
                ) from error
            except OSError as error:
                raise self._file.cannot_use(self._lock_path, error) from error
            if self.path.exists():
                with self._file.transaction() as database:
                    database.execute(_RELEASE)
            self._held = True
            stack.callback(setattr, self, "_held", False)
            yield

    def worker(self) -> int | None:
        """Number of the process that works on it now; where there is none, what is running has been cut off."""
        return holder(self._lock_path)

    def claim(self) -> Job | None:
        """The next job to do, running from now on: first what was begun before, then in the order of adding.

        Call it within `working`.
        """
        if not self._held:
            raise RuntimeError("claim() needs working() around it")
        with self._file.transaction() as database:
            job = _find(database, "state = 'waiting' ORDER BY begun IS NULL, id LIMIT 1")
            if job is None:
                return None
            database.execute(
                "UPDATE job SET state = 'running', begun = coalesce(begun, ?) WHERE id = ?", [_now(), job.id]
            )
            return _get(database, job.name)

    def settle(self, ended: Sequence[Ended], claim: int = 0, like: str = "*") -> list[Job]:
        """Tells what became of running jobs, and claims up to so many more, in one transaction.

        For work on several jobs at a time, of which each takes little longer than a transaction; call it within
        `working`. As with `claim`, what was begun before comes first, then the order of adding counts.

        Args:
            ended: what became of them.
            claim: how many more.
            like: only those whose names fit, as in `proofs/*`.

        Raises:
            NstError: One of the jobs is not running.
        """
        if not self._held:
            raise RuntimeError("settle() needs working() around it")
        now = _now()
        with self._file.transaction() as database:
            for end in ended:
                if not _end(database, end, now):
                    raise self._not_running()
            query = "SELECT id FROM job WHERE state = 'waiting' AND name GLOB ? ORDER BY begun IS NULL, id LIMIT ?"
            ids = [row["id"] for row in database.execute(query, [like, claim])]
            marks = ", ".join("?" * len(ids))
            database.execute(
                f"UPDATE job SET state = 'running', begun = coalesce(begun, ?) WHERE id IN ({marks})", [now, *ids]
            )
            found = {row["id"]: _job(row) for row in database.execute(f"SELECT * FROM job WHERE id IN ({marks})", ids)}
            return [found[id] for id in ids]

    def release_all(self, ended: Iterable[Ended] = ()) -> None:
        """What is running has ended so, or waits again: for an end of the work at whatever moment, within `working`."""
        if not self._held:
            raise RuntimeError("release_all() needs working() around it")
        with self._file.transaction() as database:
            for end in ended:
                _end(database, end, _now())
            database.execute(_RELEASE)

    def note(self, id: int, seconds: float, progress: Mapping[str, Any]) -> Job:
        """How far a running job is."""
        return self._set(id, seconds=seconds, progress=json.dumps(progress))

    def finish(self, id: int, result: Mapping[str, Any], seconds: float) -> Job:
        """A running job is done."""
        return self._set(id, state="done", result=json.dumps(result), seconds=seconds, ended=_now())

    def fail(self, id: int, reason: str, seconds: float) -> Job:
        """A running job has failed."""
        return self._set(id, state="failed", reason=reason, seconds=seconds, ended=_now())

    def release(self, id: int, seconds: float) -> Job:
        """A running job waits again, in front of those that were never begun."""
        return self._set(id, state="waiting", seconds=seconds)

    def retry(self, name: str) -> Job:
        """A failed job waits again.

        Raises:
            ConfigError: No such job has failed.
        """
        with self._file.transaction() as database:
            changed = database.execute(
                "UPDATE job SET state = 'waiting', reason = NULL, progress = NULL, begun = NULL, ended = NULL "
                "WHERE name = ? AND state = 'failed'",
                [name],
            )
            if not changed.rowcount:
                raise ConfigError(f"no {name} has failed in {self.path.parent}; there is nothing to try again")
            return _get(database, name)

    def retry_all(self) -> int:
        """All that has failed waits again; gives how many there were."""
        with self._file.transaction() as database:
            return database.execute(
                "UPDATE job SET state = 'waiting', reason = NULL, progress = NULL, begun = NULL, ended = NULL "
                "WHERE state = 'failed'"
            ).rowcount

    def put_last(self, names: Sequence[str]) -> None:
        """Waiting jobs of these names come in this order, after all others; names of other jobs do nothing."""
        with self._file.transaction() as database:
            (last,) = database.execute("SELECT coalesce(max(id), 0) FROM job").fetchone()
            moves = [(last + place, name) for place, name in enumerate(names, 1)]
            database.executemany("UPDATE job SET id = ? WHERE name = ? AND state = 'waiting'", moves)

    def remove_waiting(self, names: Iterable[str]) -> None:
        """Takes out those of these jobs that wait."""
        with self._file.transaction() as database:
            database.executemany("DELETE FROM job WHERE name = ? AND state = 'waiting'", [(name,) for name in names])

    def remove(self, name: str) -> Job:
        """Takes a job out, whatever became of it, unless it is worked on; gives it as it was.

        Raises:
            ConfigError: There is no such job, or it is worked on.
        """
        with self._file.transaction() as database:
            job = _find(database, "name = ?", name)
            if job is None:
                raise ConfigError(f"there is no {name} in {self.path.parent}; it may have been removed already")
            if job.state == "running" and self.worker() is not None:
                raise ConfigError(f"{name} is being worked on; stop that first")
            database.execute("DELETE FROM job WHERE id = ?", [job.id])
            return job

    def jobs(self) -> list[Job]:
        """All of them in the order of adding; none where there is no file."""
        return list(self.each())

    def each(self, state: State | None = None, like: str = "*") -> Iterator[Job]:
        """Jobs one by one in the order of adding; of very many, few are in memory, and nobody has to wait meanwhile.

        Args:
            state: only those.
            like: only those whose names fit, as in `proofs/*`.
        """
        states, last = [state] if state else list(get_args(State)), 0
        marks = ", ".join("?" * len(states))
        # By the plus the index of states is left alone: all that is read would be sorted again at each turn.
        query = f"SELECT * FROM job WHERE id > ? AND +state IN ({marks}) AND name GLOB ? ORDER BY id LIMIT ?"
        while self.path.exists():
            with self._file.transaction(look=True) as database:
                found = [_job(row) for row in database.execute(query, [last, *states, like, AT_ONCE])]
            yield from found
            if len(found) < AT_ONCE:
                return
            last = found[-1].id

    def counts(self, like: str = "*") -> dict[State, int]:
        """How many jobs are in each state.

        Args:
            like: only those whose names fit, as in `proofs/*`.
        """
        found: dict[State, int] = dict.fromkeys(get_args(State), 0)
        if self.path.exists():
            with self._file.transaction(look=True) as database:
                rows = database.execute("SELECT state, count(*) FROM job WHERE name GLOB ? GROUP BY state", [like])
                found |= dict(rows.fetchall())
        return found

    def _set(self, id: int, **values: Any) -> Job:
        """Changes a running job."""
        columns = ", ".join(f"{name} = :{name}" for name in values)
        with self._file.transaction() as database:
            database.execute(f"UPDATE job SET {columns} WHERE id = :id AND state = 'running'", values | {"id": id})
            job = _find(database, "id = ? AND changes() = 1", id)
            if job is None:
                raise self._not_running()
            return job

    def _not_running(self) -> NstError:
        return NstError(f"{self.path} does not hold this job as running; was the file replaced?")

    def _other_options(self, name: str, state: str) -> ConfigError:
        return ConfigError(
            f"{name} is {state} in {self.path.parent} with other options; "
            "give those again, or choose another folder for this run"
        )


def _insert(database: sqlite3.Connection, name: str, spec: str) -> None:
    database.execute(
        "INSERT INTO job (name, spec, state, seconds, added) VALUES (?, ?, 'waiting', 0, ?)", [name, spec, _now()]
    )


def _end(database: sqlite3.Connection, end: Ended, now: str) -> bool:
    """Notes what became of a job; whether it was running."""
    state = "done" if end.result is not None else "failed" if end.reason is not None else "waiting"
    result = None if end.result is None else json.dumps(end.result)
    changed = database.execute(
        "UPDATE job SET state = ?, result = ?, reason = ?, seconds = seconds + ?, ended = ? "
        "WHERE id = ? AND state = 'running'",
        [state, result, end.reason, end.seconds, None if state == "waiting" else now, end.id],
    )
    return bool(changed.rowcount)


def _find(database: sqlite3.Connection, condition: str, *values: Any) -> Job | None:
    row = database.execute(f"SELECT * FROM job WHERE {condition}", values).fetchone()
    return row and _job(row)


def _get(database: sqlite3.Connection, name: str) -> Job:
    return _job(database.execute("SELECT * FROM job WHERE name = ?", [name]).fetchone())


def _job(row: sqlite3.Row) -> Job:
    texts = {key: row[key] for key in ("spec", "result", "progress")}
    return Job(**dict(row) | {key: text and json.loads(text) for key, text in texts.items()})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
