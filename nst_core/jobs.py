"""What a job of a ledger is, and how it stands in the ledger's table."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

State = Literal["waiting", "running", "done", "failed"]

SCHEMA = """
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
INDEX = "CREATE INDEX IF NOT EXISTS job_next ON job (state, (begun IS NULL), id)"
"""Finds the next job among very many at once. Ledgers of before it get it with the next job that is added."""


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


def insert_job(database: sqlite3.Connection, name: str, spec: str, time: str) -> bool:
    """Puts a job at the end, unless there is one of its name; whether it was put. `spec` is JSON."""
    query = "INSERT OR IGNORE INTO job (name, spec, state, seconds, added) VALUES (?, ?, 'waiting', 0, ?)"
    return bool(database.execute(query, [name, spec, time]).rowcount)


def end_job(database: sqlite3.Connection, end: Ended, time: str) -> bool:
    """Notes what became of a job; whether it was running."""
    state = "done" if end.result is not None else "failed" if end.reason is not None else "waiting"
    result = None if end.result is None else json.dumps(end.result)
    changed = database.execute(
        "UPDATE job SET state = ?, result = ?, reason = ?, seconds = seconds + ?, ended = ? "
        "WHERE id = ? AND state = 'running'",
        [state, result, end.reason, end.seconds, None if state == "waiting" else time, end.id],
    )
    return bool(changed.rowcount)


def find_job(database: sqlite3.Connection, condition: str, *values: Any) -> Job | None:
    """The first job for which a condition in SQL holds."""
    row = database.execute(f"SELECT * FROM job WHERE {condition}", values).fetchone()
    return row and as_job(row)


def get_job(database: sqlite3.Connection, name: str) -> Job:
    """The job of a name, which is there."""
    return as_job(database.execute("SELECT * FROM job WHERE name = ?", [name]).fetchone())


def as_job(row: sqlite3.Row) -> Job:
    """A whole row of the table."""
    texts = {key: row[key] for key in ("spec", "result", "progress")}
    return Job(**dict(row) | {key: text and json.loads(text) for key, text in texts.items()})


def now() -> str:
    """The time as the table has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
