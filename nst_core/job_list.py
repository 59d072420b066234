"""The jobs of a ledger, as anybody may look at them, add to them and put them in order, worked on or not."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from nst_core.database import Database
from nst_core.errors import ConfigError
from nst_core.jobs import INDEX, SCHEMA, Job, State, as_job, find_job, get_job, insert_job, now
from nst_core.lock import holder

FORMAT = 1
"""Of the file; a larger number is one that this program would misread."""
APPLICATION_ID = 0x494D504C
"""Tells the file from other SQLite databases: `IMPL`."""
AT_ONCE = 1000
"""Jobs that are read together."""

_RETRY = (
    "UPDATE job SET state = 'waiting', reason = NULL, progress = NULL, begun = NULL, ended = NULL "
    "WHERE state = 'failed'"
)


class JobList:
    """Jobs in an SQLite file, which the first job makes.

    Each call is one transaction: after a kill or a power cut it has happened or not.

    Args:
        path: the file; beside it lie its lock and, during a transaction, the journal.

    Raises:
        NstError: from any call: the disk is full, or the file cannot be used; the message names it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = Database(path, "ledger", SCHEMA, APPLICATION_ID, FORMAT)
        self._lock_path = path.with_name(path.name + ".lock")

    def add(self, name: str, spec: Mapping[str, Any]) -> Job:
        """Puts a job at the end. One that is there already with an equal spec stays as it is.

        Raises:
            ConfigError: A job of that name with another spec is not done yet. (Ended ones are replaced.)
        """
        with self._file.transaction(make=True) as database:
            database.execute(INDEX)
            old = find_job(database, "name = ?", name)
            if old and old.spec == json.loads(json.dumps(spec)):
                return old
            if old and old.state in ("waiting", "running"):
                raise self._other_options(name, old.state)
            database.execute("DELETE FROM job WHERE name = ?", [name])
            insert_job(database, name, json.dumps(spec), now())
            return get_job(database, name)

    def add_all(self, jobs: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
        """Puts jobs, names and specs, at the end in one transaction: all of them or none. Gives how many were put.

        One that is there already with an equal spec stays as it is, and any other of its name is replaced, unless it
        is running.

        Args:
            jobs: must not look into the ledger once the first of them is given.

        Raises:
            ConfigError: A job of that name with another spec is running.
        """
        put = 0
        with self._file.transaction(make=True) as database:
            database.execute(INDEX)
            time = now()
            for name, spec in jobs:
                text = json.dumps(spec)
                if not insert_job(database, name, text, time):
                    old = database.execute("SELECT spec, state FROM job WHERE name = ?", [name]).fetchone()
                    if old["spec"] == text or json.loads(old["spec"]) == json.loads(text):
                        continue
                    if old["state"] == "running":
                        raise self._other_options(name, "running")
                    database.execute("DELETE FROM job WHERE name = ?", [name])
                    insert_job(database, name, text, time)
                put += 1
        return put

    def worker(self) -> int | None:
        """Number of the process that works on it now; where there is none, what is running has been cut off."""
        return holder(self._lock_path)

    def retry(self, name: str) -> Job:
        """A failed job waits again.

        Raises:
            ConfigError: No such job has failed.
        """
        with self._file.transaction() as database:
            if not database.execute(f"{_RETRY} AND name = ?", [name]).rowcount:
                raise ConfigError(f"no {name} has failed in {self.path.parent}; there is nothing to try again")
            return get_job(database, name)

    def retry_all(self) -> int:
        """All that has failed waits again; gives how many there were."""
        with self._file.transaction() as database:
            return database.execute(_RETRY).rowcount

    def put_first(self, names: Sequence[str]) -> None:
        """Waiting jobs of these names come in this order, before all others; names of other jobs do nothing."""
        with self._file.transaction() as database:
            (first,) = database.execute("SELECT coalesce(min(id), 0) FROM job").fetchone()
            _move(database, names, first - len(names))

    def put_last(self, names: Sequence[str]) -> None:
        """Waiting jobs of these names come in this order, after all others; names of other jobs do nothing."""
        with self._file.transaction() as database:
            (last,) = database.execute("SELECT coalesce(max(id), 0) FROM job").fetchone()
            _move(database, names, last + 1)

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
            job = find_job(database, "name = ?", name)
            if job is None:
                raise ConfigError(f"there is no {name} in {self.path.parent}; it may have been removed already")
            if job.state == "running" and self.worker() is not None:
                raise ConfigError(f"{name} is being worked on; stop that first")
            database.execute("DELETE FROM job WHERE id = ?", [job.id])
            return job

    def jobs(self) -> list[Job]:
        """All of them in their order; none where there is no file."""
        return list(self.each())

    def each(self, state: State | None = None, like: str = "*") -> Iterator[Job]:
        """Jobs one by one in their order; of very many, few are in memory, and nobody has to wait meanwhile.

        Args:
            state: only those.
            like: only those whose names fit, as in `proofs/*`.
        """
        return map(as_job, self._rows("*", state, like))

    def values(
        self, places: Sequence[str], state: State | None = None, like: str = "*", unlike: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """What is at some places of jobs, in their order, without the rest, which of very many takes long to read.

        Args:
            places: `name`, `state`, `reason`, `seconds`, `begun`, `ended`, or inside of the JSON, as in
                `spec.photo.path` and `result.promise`; None is given where nothing is there.
            state: only those.
            like: only those whose names fit, as in `proofs/*`.
            unlike: only those whose names do not fit this.
        """
        for row in self._rows(", ".join(["id", *map(_column, places)]), state, like, unlike):
            yield tuple(row)[1:]

    def specs(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """What is to be done in the jobs of these names, in their order, without those that are not there."""
        if not self.path.exists():
            return []
        query = "SELECT name, spec FROM job WHERE name IN (SELECT value FROM json_each(?))"
        with self._file.transaction(look=True) as database:
            found = dict(database.execute(query, [json.dumps(names)]).fetchall())
        return [json.loads(found[name]) for name in names if name in found]

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

    def _rows(self, columns: str, state: State | None, like: str, unlike: str = "") -> Iterator[sqlite3.Row]:
        states, last = [state] if state else list(get_args(State)), -(1 << 62)
        marks = ", ".join("?" * len(states))
        # By the plus the indexes of states and names are left alone: all would be sorted again at each turn.
        query = (
            f"SELECT {columns} FROM job WHERE id > ? AND +state IN ({marks}) AND +name GLOB ? AND +name NOT GLOB ? "
            f"ORDER BY id LIMIT {AT_ONCE}"
        )
        while self.path.exists():
            with self._file.transaction(look=True) as database:
                found = database.execute(query, [last, *states, like, unlike]).fetchall()
            yield from found
            if len(found) < AT_ONCE:
                return
            last = found[-1]["id"]

    def _other_options(self, name: str, state: str) -> ConfigError:
        return ConfigError(
            f"{name} is {state} in {self.path.parent} with other options; "
            "give those again, or choose another folder for this run"
        )


def _move(database: sqlite3.Connection, names: Sequence[str], first: int) -> None:
    """Gives waiting jobs numbers, which tell their order, from `first` on; the numbers are free."""
    moves = ((number, name) for number, name in enumerate(names, first))
    database.executemany("UPDATE job SET id = ? WHERE name = ? AND state = 'waiting'", moves)


def _column(place: str) -> str:
    """A place in a row, as SQL."""
    column, _, inside = place.partition(".")
    return f"json_extract({column}, '$.{inside}')" if inside else column
