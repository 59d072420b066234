"""Local copies of files in stores: where each lies, what it is a copy of, and that all together stay small enough.

A copy's path follows from the URL and the other way round, so that a copy stands for its URL wherever a path goes.
"""

import os
import re
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote

from nst_core.cache import cache_folder
from nst_core.database import Database

LIMIT_BYTES = 40_000_000_000
"""That all copies together may take; the one that was used longest ago goes first."""
USED_S = 60.0
"""Uses are noted no more often than that."""

_SCHEMA = """
CREATE TABLE copy (
    path TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    used REAL NOT NULL
)
"""
_APPLICATION_ID, _FORMAT = 0x494D5043, 1
_UNFIT = re.compile(r'[<>:"|?*\\%\x00-\x1f]|^\.{1,2}$|[. ]$')
"""What some file system takes amiss in a name, or for another folder."""


@dataclass(frozen=True)
class Copy:
    """What a local file is a copy of."""

    version: str
    """As the store tells it."""
    bytes: int
    mtime_ns: int
    """By this and its size a file is known to be the copy still."""
    sha256: str

    @classmethod
    def of(cls, path: Path, version: str, sha256: str) -> Self:
        """That of a file which is there now."""
        found = path.stat()
        return cls(version, found.st_size, found.st_mtime_ns, sha256)


def copies_folder() -> Path:
    """Where all copies are."""
    return cache_folder() / "stores"


def copy_path(url: str) -> Path:
    """Where the copy of a file, or of a folder, is once there is one; its name is that in the URL."""
    protocol, _, rest = url.partition("://")
    parts = (_UNFIT.sub(_quoted, part) for part in [protocol, *rest.split("/")] if part)
    return copies_folder().joinpath(*parts)


def origin(path: Path) -> str | None:
    """The URL of a copy; None of any other file."""
    try:
        parts = Path(os.path.realpath(path)).relative_to(os.path.realpath(copies_folder())).parts
    except ValueError:
        return None
    if len(parts) < 2:
        return None
    protocol, *rest = map(unquote, parts)
    return f"{protocol}://{'/' if protocol in _WITHOUT_HOST else ''}{'/'.join(rest)}"


_WITHOUT_HOST = ("file", "local")


def _quoted(found: re.Match[str]) -> str:
    return "".join(f"%{ord(letter):02X}" for letter in found[0])


class Copies:
    """The list of all copies; any process may change it.

    Raises:
        NstError: from any call: the disk is full, or the cache cannot be used.
    """

    def __init__(self) -> None:
        self._folder = copies_folder()
        self._file = Database(self._folder / "copies.sqlite", "list of copies", _SCHEMA, _APPLICATION_ID, _FORMAT)

    def find(self, urls: Iterable[str]) -> dict[str, Copy]:
        """The copies of these that are there."""
        paths, found = {self._key(url): url for url in urls}, {}
        query = "SELECT version, bytes, mtime_ns, sha256 FROM copy WHERE path = ?"
        with self._file.transaction(make=True) as database:  # one that only looks may find the file half made
            for path in paths:
                if row := database.execute(query, [path]).fetchone():
                    found[path] = Copy(*row)
        return {paths[path]: copy for path, copy in found.items() if _is_there(self._folder / path, copy)}

    def keep(self, copies: Mapping[str, Copy]) -> None:
        """Notes new copies, by their URLs; old ones are deleted where all together take too much."""
        now = time.time()
        rows = [(self._key(url), *astuple(copy), now) for url, copy in copies.items()]
        with self._file.transaction(make=True) as database:
            database.executemany("INSERT OR REPLACE INTO copy VALUES (?, ?, ?, ?, ?, ?)", rows)
            (total,) = database.execute("SELECT sum(bytes) FROM copy").fetchone()
            for path, size in database.execute("SELECT path, bytes FROM copy ORDER BY used, path").fetchall():
                if total <= LIMIT_BYTES:
                    break
                self._delete(database, path)
                total -= size

    def use(self, urls: Iterable[str]) -> None:
        """Notes that these have been used."""
        now = time.time()
        keys = [(now, self._key(url), now - USED_S) for url in urls]
        with self._file.transaction(make=True) as database:
            database.executemany("UPDATE copy SET used = ? WHERE path = ? AND used < ?", keys)

    def forget_others(self, folder: str, urls: Iterable[str], suffixes: Iterable[str]) -> None:
        """Deletes the copies below a folder that are not among these, of some kinds."""
        kept, below = {self._key(url) for url in urls}, f"{self._key(folder)}/"
        with self._file.transaction(make=True) as database:
            query = "SELECT path FROM copy WHERE substr(path, 1, ?) = ?"
            for (path,) in database.execute(query, [len(below), below]).fetchall():
                if path not in kept and Path(path).suffix.lower() in suffixes:
                    self._delete(database, path)

    def _delete(self, database: sqlite3.Connection, path: str) -> None:
        (self._folder / path).unlink(missing_ok=True)
        database.execute("DELETE FROM copy WHERE path = ?", [path])

    def _key(self, url: str) -> str:
        return copy_path(url).relative_to(self._folder).as_posix()


def _is_there(path: Path, copy: Copy) -> bool:
    try:
        return Copy.of(path, copy.version, copy.sha256) == copy
    except OSError:
        return False
