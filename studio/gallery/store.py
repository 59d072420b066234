"""The renders of a folder and what the artist thinks of them, in one SQLite file there."""

import json
import sqlite3
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nst_core.database import Database
from nst_core.errors import ConfigError, ImageError
from studio.gallery.files import batches, find_files, read_file
from studio.gallery.look import differences, look_of
from studio.gallery.render import RATINGS, Changes, Order, Rating, Render, Scan
from studio.gallery.table import APPLICATION_ID, FORMAT, NEXT_REVISION, SCHEMA, as_render, forget, put, what_is_known
from studio.gallery.thumbnails import Thumbnails

FILE = "gallery.sqlite"
BATCH = 64
"""Files that are read between two transactions, so that none is long."""
OTHER_STYLE, OTHER_PHOTO = 0.1, 0.05
"""What another style and another photo add to how unlike two renders are; looks differ by about 1 in a usual sweep."""
NOT_SEEN = 100.0
"""How unlike those are whose look was not noted yet."""

_ORDERS: Mapping[Order, str] = {
    "newest": "mtime_ns DESC, id DESC",
    "promise": "promise IS NULL, promise DESC, path",
    "name": "path",
}


class Store:
    """The renders of a folder, found by what is inside their files, and their ratings.

    A rating belongs to a picture: it goes with the file when that is renamed, and stays when the file is gone for a
    while. Any number of threads and processes may use a folder at once.

    Args:
        folder: of painted pictures; the first `scan` makes `gallery.sqlite` in it.

    Raises:
        NstError: from any call: the folder cannot be used; the message names it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.thumbnails = Thumbnails(folder)
        self._file = Database(folder / FILE, "gallery", SCHEMA, APPLICATION_ID, FORMAT)
        self._scanning = threading.Lock()

    def scan(self) -> Scan:
        """Looks through the folder, and reads what is new or has changed since the last time.

        Raises:
            ConfigError: There is no such folder.
        """
        if not self.folder.is_dir():
            raise ConfigError(f"{self.folder} is no folder; paint into one first: impasto sweep, or impasto paint -o")
        with self._scanning:
            found = find_files(self.folder)
            with self._file.transaction(make=True) as database:
                known, there = what_is_known(database)
            unread = {path: stamp for path, stamp in found.items() if known.get(path) != stamp or path not in there}
            for batch in batches(unread, BATCH):
                files = [file for path, stamp in batch if (file := read_file(self.folder, path, stamp))]
                with self._file.transaction() as database:
                    for file in files:
                        put(database, file, found)
            gone = there - found.keys()
            if gone:
                with self._file.transaction() as database:
                    forget(database, gone)
            return Scan(len(unread.keys() - known.keys()), len(unread.keys() & known.keys()), len(gone))

    def renders(
        self,
        *,
        photo: str | None = None,
        style: str | None = None,
        rating: Rating | None = None,
        kind: str | None = None,
        order: Order = "newest",
    ) -> list[Render]:
        """The renders that are there, of one photo, style, rating and kind where that is given."""
        wanted = {"photo": photo, "style": style, "rating": rating, "kind": kind}
        given = {name: value for name, value in wanted.items() if value is not None}
        conditions = " AND ".join(["is_there", *(f"{name} = :{name}" for name in given)])
        query = f"SELECT * FROM render WHERE {conditions} ORDER BY {_ORDERS[order]}"
        return [as_render(row) for row in self._rows(query, given)]

    def render(self, id: int) -> Render:
        """The render of an id.

        Raises:
            ConfigError: There is none, or its file has gone.
        """
        return as_render(self._row(id))

    def file(self, id: int) -> Path:
        """The file of a render; never one outside of the folder.

        Raises:
            ConfigError: There is no such render, or its file has gone.
        """
        path = (self.folder / self._row(id)["path"]).resolve()
        if not path.is_file() or not path.is_relative_to(self.folder.resolve()):
            raise self._no_render(id)
        return path

    def settings_of(self, id: int) -> dict[str, Any]:
        """What made a render, as its file says.

        Raises:
            ConfigError: There is no such render, or its file has gone.
        """
        return json.loads(self._row(id)["settings"])

    def settings(self) -> dict[int, dict[str, Any]]:
        """What made each render, as its file says, by the id."""
        rows = self._rows("SELECT id, settings FROM render WHERE is_there")
        return {row["id"]: json.loads(row["settings"]) for row in rows}

    def changes(self, since: int = 0, most: int = sys.maxsize) -> Changes:
        """What has changed since a revision; all there is since 0. Where there is more, ask again from its revision.

        Args:
            since: a revision that was told before.
            most: renders to be told at a time.
        """
        rows = self._rows("SELECT * FROM render WHERE revision > ? ORDER BY revision LIMIT ?", [since, most])
        return Changes(
            rows[-1]["revision"] if rows else since,
            [as_render(row) for row in rows if row["is_there"]],
            [row["id"] for row in rows if not row["is_there"]],
        )

    def broken(self) -> list[str]:
        """Why each file that looks like a picture, but is none, cannot be read."""
        rows = self._rows("SELECT reason FROM other WHERE reason IS NOT NULL ORDER BY path")
        return [row["reason"] for row in rows]

    def rate(self, id: int, rating: Rating) -> None:
        """Notes what the artist thinks of a render.

        Raises:
            ConfigError: There is no such render, or rating.
        """
        self.rate_all({id: rating})

    def rate_all(self, ratings: Mapping[int, Rating]) -> None:
        """Notes ratings by the renders' ids; all of them, or none.

        Raises:
            ConfigError: There is no such render, or rating.
        """
        for rating in ratings.values():
            if rating not in RATINGS:
                raise ConfigError(f"{rating!r} is no rating; give {', '.join(RATINGS)}")
        if not self._file.path.exists():
            raise self._no_render(next(iter(ratings)))
        with self._file.transaction() as database:
            there = {row["id"] for row in database.execute("SELECT id FROM render WHERE is_there")}
            for id, rating in ratings.items():
                if id not in there:
                    raise self._no_render(id)
                database.execute(
                    f"UPDATE render SET rating = ?, revision = {NEXT_REVISION} WHERE id = ? AND rating != ?",
                    [rating, id, rating],
                )

    def ratings(self) -> dict[str, Rating]:
        """The rating of each render by its path below the folder."""
        return {row["path"]: row["rating"] for row in self._rows("SELECT path, rating FROM render WHERE is_there")}

    def picks(self) -> dict[str, Rating]:
        """The same of those only that are rated: of very many renders, few."""
        query = "SELECT path, rating FROM render WHERE is_there AND rating != 'unrated'"
        return {row["path"]: row["rating"] for row in self._rows(query)}

    def thumbnail(self, id: int) -> Path:
        """A small picture of a render, made where there is none.

        Raises:
            ConfigError: There is no such render.
            ImageError: Its file cannot be read.
        """
        return self.thumbnails.make(self.file(id), self._row(id)["sha256"])

    def note_look(self, id: int) -> None:
        """Takes down how a render looks, by its thumbnail, so that it can be compared with others.

        Raises:
            ConfigError: There is no such render.
            ImageError: Its file cannot be read.
        """
        row = self._row(id)
        if row["look"] is not None:
            return
        path = self.thumbnails.make(self.file(id), row["sha256"])
        try:
            with Image.open(path) as image:
                look = look_of(image)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise ImageError(f"{path} was broken; it is made anew") from error
        with self._file.transaction() as database:
            database.execute("UPDATE render SET look = ? WHERE id = ? AND sha256 = ?", [look, id, row["sha256"]])

    def without_look(self) -> list[Render]:
        """The renders whose look was not noted yet, the newest first."""
        query = "SELECT * FROM render WHERE is_there AND look IS NULL ORDER BY mtime_ns DESC"
        return [as_render(row) for row in self._rows(query)]

    def like(self, id: int) -> list[Render]:
        """All renders, those first that are most like one: by the look, then by style and photo.

        Raises:
            ConfigError: There is no such render.
            ImageError: Its file cannot be read.
        """
        self.note_look(id)
        rows = self._rows("SELECT * FROM render WHERE is_there")
        looks = {row["id"]: np.frombuffer(row["look"], np.float32) for row in rows if row["look"] is not None}
        mine = next((row for row in rows if row["id"] == id and id in looks), None)
        if mine is None:
            raise ImageError(f"render {id} has just been changed; try again")
        unlike = differences(looks, id)

        def distance(row: sqlite3.Row) -> tuple[float, str]:
            other = OTHER_STYLE * (row["style"] != mine["style"]) + OTHER_PHOTO * (row["photo"] != mine["photo"])
            return unlike.get(row["id"], NOT_SEEN) + other, row["path"]

        return [as_render(row) for row in sorted(rows, key=distance)]

    def tidy(self) -> None:
        """Removes the thumbnails of renders that are not there any more."""
        self.thumbnails.keep_only({row["sha256"] for row in self._rows("SELECT sha256 FROM render WHERE is_there")})

    def _rows(self, query: str, values: Any = ()) -> list[sqlite3.Row]:
        if not self._file.path.exists():
            return []
        with self._file.transaction(look=True) as database:
            return database.execute(query, values).fetchall()

    def _row(self, id: int) -> sqlite3.Row:
        rows = self._rows("SELECT * FROM render WHERE id = ? AND is_there", [id])
        if not rows:
            raise self._no_render(id)
        return rows[0]

    def _no_render(self, id: int) -> ConfigError:
        return ConfigError(f"there is no render {id} in {self.folder.name}; its file may have been removed")
