"""Tables in one SQLite file that no kill leaves broken; what is wrong with the file is told in one line."""

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nst_core.errors import NstError

PATIENCE_S = 30.0
"""For another process, or thread, to end its transaction."""


@dataclass(frozen=True)
class Database:
    """An SQLite file of one kind.

    Each transaction has a connection of its own: after a kill or a power cut it has happened or not. The journal is
    SQLite's plain one, as the newer kind needs memory that processes share, which network folders lack.
    """

    path: Path
    """The file; during a transaction the journal lies beside it."""
    kind: str
    """What it is called in messages: `ledger`."""
    schema: str
    """Statements that make the tables."""
    application_id: int
    """Tells the file from other SQLite databases."""
    format: int
    """A larger number in the file is one that this program would misread."""

    @contextlib.contextmanager
    def transaction(self, *, make: bool = False, look: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are all kept, or none if the block raises.

        Args:
            make: the file, where there is none.
            look: only reads.

        Raises:
            NstError: The disk is full, or the file cannot be used; the message names it.
        """
        try:
            if make:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            elif not self.path.exists():  # its folder was unplugged: it must not come back empty
                raise FileNotFoundError(errno.ENOENT, "it is gone", str(self.path))
            connection = sqlite3.connect(self.path, timeout=PATIENCE_S, isolation_level=None)
            with contextlib.closing(connection) as database:  # without a commit, closing takes all back
                database.row_factory = sqlite3.Row
                only_look = look and self.path.stat().st_size > 0  # else it is made here, or that is waited for
                database.execute("BEGIN" if only_look else "BEGIN IMMEDIATE")
                self._check(database)
                yield database
                database.execute("COMMIT")
        except sqlite3.Error as error:
            cause = _as_os_error(error)
            raise self.cannot_use(self.path, cause) from cause
        except OSError as error:
            raise self.cannot_use(self.path, error) from error

    def cannot_use(self, path: Path, error: OSError) -> NstError:
        """What to say of the file, or of one beside it, that the system refuses."""
        reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
        return NstError(f"cannot use {path.name} in {path.parent}: {reason.format(kind=self.kind)}")

    def _check(self, database: sqlite3.Connection) -> None:
        """Finds out whether the file is of this kind; an empty one becomes one.

        Raises:
            NstError: It is not.
        """
        (found,), (version,) = (
            database.execute(f"PRAGMA {key}").fetchone() for key in ("application_id", "user_version")
        )
        if found == self.application_id and version > self.format:
            raise NstError(
                f"{self.path} is of a newer Impasto (format {version}, known is {self.format}); update this one"
            )
        if found == self.application_id:
            return
        if found or version or database.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise NstError(f"{self.path} is a database of another program; choose another folder")
        for statement in self.schema.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {self.application_id}")
        database.execute(f"PRAGMA user_version = {self.format}")


_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, or choose another folder",
    errno.EACCES: "no permission to read and write there; choose another folder",
    errno.ENOENT: "it is gone; plug its disk in again, or choose another folder",
    errno.EBUSY: "another process holds it; try again when that has ended",
    errno.EINVAL: "it is no {kind} of Impasto, or is damaged; move it away, or choose another folder",
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
