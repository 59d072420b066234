"""The tables of a gallery: what is kept of each file, and how a rating goes with its picture."""

import json
import sqlite3
from collections.abc import Collection

from studio.gallery.files import Other, Painted, Stamp
from studio.gallery.render import Rating, Render, kind_of, making, variant_of

FORMAT = 1
APPLICATION_ID = 0x494D5047
"""Tells the file from other SQLite databases: `IMPG`."""
SCHEMA = """
CREATE TABLE render (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL UNIQUE,
    is_there INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    photo TEXT NOT NULL,
    photo_sha256 TEXT,
    style TEXT NOT NULL,
    kind TEXT NOT NULL,
    command TEXT NOT NULL,
    promise REAL,
    settings TEXT NOT NULL,
    rating TEXT NOT NULL DEFAULT 'unrated',
    look BLOB,
    revision INTEGER NOT NULL
);
CREATE INDEX render_revision ON render (revision);
CREATE INDEX render_sha256 ON render (sha256);
CREATE TABLE other (
    path TEXT PRIMARY KEY,
    mtime_ns INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    reason TEXT
)
"""
NEXT_REVISION = "(SELECT coalesce(max(revision), 0) + 1 FROM render)"
"""Grows with each change, so that whoever looks again asks for what is new only."""


def what_is_known(database: sqlite3.Connection) -> tuple[dict[str, Stamp], set[str]]:
    """The stamp of each file that was read, and those that were there at the last look."""
    rows = database.execute(
        "SELECT path, mtime_ns, bytes, is_there FROM render UNION ALL SELECT path, mtime_ns, bytes, 1 FROM other"
    ).fetchall()
    known = {row["path"]: (row["mtime_ns"], row["bytes"]) for row in rows}
    return known, {row["path"] for row in rows if row["is_there"]}


def put(database: sqlite3.Connection, file: Painted | Other, found: Collection[str]) -> None:
    """Notes what a file is.

    Args:
        database: in a transaction.
        file: as it was read.
        found: all files that are there now.
    """
    if isinstance(file, Other):
        database.execute("REPLACE INTO other VALUES (?, ?, ?, ?)", [file.path, *file.stamp, file.reason])
        database.execute(
            f"UPDATE render SET is_there = 0, revision = {NEXT_REVISION} WHERE path = ? AND is_there", [file.path]
        )
        return
    database.execute("DELETE FROM other WHERE path = ?", [file.path])
    before = database.execute("SELECT * FROM render WHERE path = ?", [file.path]).fetchone()
    moved = None
    if before is None or before["sha256"] != file.sha256:
        same = database.execute("SELECT * FROM render WHERE sha256 = ?", [file.sha256]).fetchall()
        moved = next((row for row in same if row["path"] not in found), None)
    values = {
        "path": file.path,
        "is_there": 1,
        "mtime_ns": file.stamp[0],
        "bytes": file.stamp[1],
        "sha256": file.sha256,
        "width": file.width,
        "height": file.height,
        "photo": file.made.photo,
        "photo_sha256": file.made.photo_sha256,
        "style": file.made.style,
        "kind": kind_of(file.path),
        "command": file.made.command,
        "promise": file.made.promise,
        "settings": file.settings,
        "rating": _rating(before, moved, file),
    }
    if row := before or moved:
        columns = ", ".join(f"{name} = :{name}" for name in values)
        database.execute(
            f"UPDATE render SET look = CASE sha256 WHEN :sha256 THEN look END, {columns}, revision = {NEXT_REVISION} "
            "WHERE id = :id",
            values | {"id": row["id"]},
        )
    else:
        names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
        database.execute(f"INSERT INTO render ({names}, revision) VALUES ({places}, {NEXT_REVISION})", values)


def forget(database: sqlite3.Connection, gone: Collection[str]) -> None:
    """Notes that files are not there; what was thought of them is kept."""
    paths = [[path] for path in gone]
    database.executemany("DELETE FROM other WHERE path = ?", paths)
    database.executemany(f"UPDATE render SET is_there = 0, revision = {NEXT_REVISION} WHERE path = ?", paths)


def _rating(before: sqlite3.Row | None, moved: sqlite3.Row | None, file: Painted) -> Rating:
    """What is thought of a file: what was of the same picture elsewhere, or of one made in the same way there."""
    if moved is not None:
        return moved["rating"]
    if before is None:
        return "unrated"
    same = before["sha256"] == file.sha256 or making(json.loads(before["settings"])) == making(
        json.loads(file.settings)
    )
    return before["rating"] if same else "unrated"


def as_render(row: sqlite3.Row) -> Render:
    return Render(
        row["id"],
        row["path"],
        row["photo"],
        row["style"],
        variant_of(json.loads(row["settings"])),
        row["kind"],
        row["command"],
        (row["width"], row["height"]),
        row["rating"],
        row["promise"],
        row["mtime_ns"] / 1e9,
        row["sha256"],
        row["photo_sha256"],
    )
