"""A lock that one process holds, and that goes with it however it ends."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

TRIES, PAUSE_S = 3, 0.05
"""`holder` takes the lock for a moment, which must stop nobody."""
LOCKED_BYTE = 1 << 30
"""Windows lets nobody read the bytes that it locks; this one lies behind the process number."""


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Holds the lock while the block runs.

    Args:
        path: a file for nothing else; it is made, and stays.

    Raises:
        BlockingIOError: It is held already.
        OSError: The file cannot be written, or its file system knows no locks.
    """
    with path.open("a+b") as file:
        for left in reversed(range(TRIES)):
            try:
                _take(file)
                break
            except BlockingIOError:
                if not left:
                    raise
                time.sleep(PAUSE_S)
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        file.flush()
        yield


def holder(path: Path) -> int | None:
    """Number of the process that holds the lock, if one does."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        process = file.read()
        try:
            _take(file)
        except BlockingIOError:
            return int(process or 0)
    return None


def _take(file: BinaryIO) -> None:
    """Until the file is closed, by us or by the system."""
    if sys.platform == "win32":
        file.seek(LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(errno.EWOULDBLOCK, "it is held already") from error
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
