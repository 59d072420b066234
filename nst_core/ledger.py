"""Jobs that outlive their process: what waits, runs, is done or has failed, in a file that no kill leaves broken."""

import contextlib
import errno
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from nst_core.errors import ConfigError, NstError
from nst_core.lock import hold, holder

FORMAT = 1
"""Of the file; a larger number is one that this program would misread."""
APPLICATION_ID = 0x494D504C
"""Tells the file from other SQLite databases: `IMPL`."""
PATIENCE_S = 30.0
"""For another process to end its transaction."""

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

    Each call is one transaction on a connection of its own: after a kill or a power cut it has happened or not.
    The journal is SQLite's plain one, as the newer kind needs memory that processes share, which network folders
    lack.

    Args:
        path: the file; beside it lie its lock and, during a transaction, the journal.

    Raises:
        NstError: from any call: the disk is full, or the file cannot be used; the message names it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_path = path.with_name(path.name + ".lock")
        self._held = False

    def add(self, name: str, spec: Mapping[str, Any]) -> Job:
        """Puts a job at the end. One that is there already with an equal spec stays as it is.

        Raises:
            ConfigError: A job of that name with another spec is not done yet. (Ended ones are replaced.)
        """
        with self._transaction(make=True) as database:
            old = _find(database, "name = ?", name)
            if old and old.spec == json.loads(json.dumps(spec)):
                return old
            if old and old.state in ("waiting", "running"):
                raise ConfigError(
                    f"{name} is {old.state} in {self.path.parent} with other options; "
                    "give those again, or choose another folder for this run"
                )
            database.execute("DELETE FROM job WHERE name = ?", [name])
            database.execute(
                "INSERT INTO job (name, spec, state, seconds, added) VALUES (?, ?, 'waiting', 0, ?)",
                [name, json.dumps(spec), _now()],
            )
            return _get(database, name)

    @contextlib.contextmanager
    def working(self, command: str = "impasto train") -> Iterator[None]:
        """Makes this process the one that works; what another left running when it died waits again, in front.

        May be entered again inside.

        Args:
            command: that works on such ledgers, for the message.

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
                    "wait for it, or give another --run"
                ) from error
            except OSError as error:
                raise _cannot_use(self._lock_path, error) from error
            if self.path.exists():
                with self._transaction() as database:
                    database.execute("UPDATE job SET state = 'waiting' WHERE state = 'running'")
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
        with self._transaction() as database:
            job = _find(database, "state = 'waiting' ORDER BY begun IS NULL, id LIMIT 1")
            if job is None:
                return None
            database.execute(
                "UPDATE job SET state = 'running', begun = coalesce(begun, ?) WHERE id = ?", [_now(), job.id]
            )
            return _get(database, job.name)

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
        with self._transaction() as database:
            changed = database.execute(
                "UPDATE job SET state = 'waiting', reason = NULL, progress = NULL, begun = NULL, ended = NULL "
                "WHERE name = ? AND state = 'failed'",
                [name],
            )
            if not changed.rowcount:
                raise ConfigError(f"no {name} has failed in {self.path.parent}; there is nothing to try again")
            return _get(database, name)

    def remove(self, name: str) -> Job:
        """Takes a job out, whatever became of it, unless it is worked on; gives it as it was.

        Raises:
            ConfigError: There is no such job, or it is worked on.
        """
        with self._transaction() as database:
            job = _find(database, "name = ?", name)
            if job is None:
                raise ConfigError(f"there is no {name} in {self.path.parent}; it may have been removed already")
            if job.state == "running" and self.worker() is not None:
                raise ConfigError(f"{name} is being worked on; stop that first")
            database.execute("DELETE FROM job WHERE id = ?", [job.id])
            return job

    def jobs(self) -> list[Job]:
        """All of them in the order of adding; none where there is no file."""
        if not self.path.exists():
            return []
        with self._transaction(look=True) as database:
            return [_job(row) for row in database.execute("SELECT * FROM job ORDER BY id")]

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state."""
        states = [job.state for job in self.jobs()]
        return {state: states.count(state) for state in get_args(State)}

    def _set(self, id: int, **values: Any) -> Job:
        """Changes a running job."""
        columns = ", ".join(f"{name} = :{name}" for name in values)
        with self._transaction() as database:
            database.execute(f"UPDATE job SET {columns} WHERE id = :id AND state = 'running'", values | {"id": id})
            job = _find(database, "id = ? AND changes() = 1", id)
            if job is None:
                raise NstError(f"{self.path} does not hold this job as running; was the file replaced?")
            return job

    @contextlib.contextmanager
    def _transaction(self, *, make: bool = False, look: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are all kept, or none if the block raises.

        Args:
            make: the file, where there is none.
            look: only reads.
        """
        try:
            if make:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            elif not self.path.exists():  # its folder was unplugged: it must not come back empty
                raise FileNotFoundError(errno.ENOENT, "it is gone", str(self.path))
            connection = sqlite3.connect(self.path, timeout=PATIENCE_S, isolation_level=None)
            with contextlib.closing(connection) as database:  # without a commit, closing takes all back
                database.row_factory = sqlite3.Row
                database.execute("BEGIN" if look else "BEGIN IMMEDIATE")
                self._check(database)
                yield database
                database.execute("COMMIT")
        except sqlite3.Error as error:
            cause = _as_os_error(error)
            raise _cannot_use(self.path, cause) from cause
        except OSError as error:
            raise _cannot_use(self.path, error) from error

    def _check(self, database: sqlite3.Connection) -> None:
        """Finds out whether the file is a ledger; an empty one becomes one.

        Raises:
            NstError: It is not.
        """
        (found,), (version,) = (
            database.execute(f"PRAGMA {key}").fetchone() for key in ("application_id", "user_version")
        )
        if found == APPLICATION_ID and version > FORMAT:
            raise NstError(f"{self.path} is of a newer Impasto (format {version}, known is {FORMAT}); update this one")
        if found == APPLICATION_ID:
            return
        if found or version or database.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise NstError(f"{self.path} is a database of another program; choose another folder")
        database.execute(_SCHEMA)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {FORMAT}")


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


_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, or choose another folder",
    errno.EACCES: "no permission to read and write there; choose another folder",
    errno.ENOENT: "it is gone; plug its disk in again, or choose another folder",
    errno.EBUSY: "another process holds it; try again when that has ended",
    errno.EINVAL: "it is no ledger of Impasto, or is damaged; move it away, or choose another folder",
}
_ERRORS = {
    "SQLITE_FULL": errno.ENOSPC,
    "SQLITE_READONLY": errno.EACCES,
    "SQLITE_CANTOPEN": errno.EACCES,
    "SQLITE_BUSY": errno.EBUSY,
    "SQLITE_NOTADB": errno.EINVAL,
    "SQLITE_CORRUPT": errno.EINVAL,
}


def _as_os_error(error: sqlite3.Error) -> OSError:
    """The same as an error of the system, so that a full disk is told in one way."""
    name = getattr(error, "sqlite_errorname", "")
    number = next((number for key, number in _ERRORS.items() if name.startswith(key)), errno.EIO)
    return OSError(number, str(error))


def _cannot_use(path: Path, error: OSError) -> NstError:
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return NstError(f"cannot use {path.name} in {path.parent}: {reason}")
