"""Files that are there whole or not at all: atomic writes, and verified, resumable downloads."""

import contextlib
import errno
import hashlib
import http.client
import os
import secrets
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from nst_core.errors import NstError, WeightsError

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30

Progress = Callable[[int, int | None], None]
"""Called with the bytes done and the bytes in all (None where the server does not say)."""

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space, or choose another folder",
    errno.EROFS: "the folder is read-only; choose another folder",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.EPERM: "no permission to write there; choose another folder",
    errno.ENOTDIR: "a part of that path is a file, not a folder; choose another folder",
    errno.EEXIST: "a part of that path is a file, not a folder; choose another folder",
    errno.EISDIR: "there is a folder of that name; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is a full disk, which no other work would survive either."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False


def _cannot_write(path: Path, error: OSError) -> NstError:
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return NstError(f"cannot write {path.name} in {path.parent}: {reason}")


_TEMPORARY = ".impasto-"
ABANDONED_S = 600
"""A temporary file that nobody has written to for so long is what a kill has left."""


def remove_abandoned(folder: Path) -> None:
    """Removes the temporary files that writers which were killed have left in a folder."""
    for path in folder.glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED_S:
                path.unlink()


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Gives a temporary path to write to, which becomes `path` when the block ends without an error.

    The temporary file lies in the same folder and has the same suffix, so that writers which choose the
    format by it need no telling. Missing folders are made. After an error nothing is left behind, and a
    file that was at `path` before is as it was.

    Raises:
        NstError: The folder cannot be written to, or the disk is full; the message names the folder.
    """
    target = Path(os.path.realpath(path))  # through a link to what it points to, as a plain write would
    temporary = target.with_name(f"{_TEMPORARY}{secrets.token_hex(6)}{target.suffix}")
    try:
        try:
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a folder", str(target))
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(exist_ok=False)  # an unwritable folder shows now, not after the work
        except OSError as error:
            raise _cannot_write(path, error) from error
        try:
            yield temporary
        except OSError as error:
            # Other errors in the block are about other files, which their own messages name.
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _cannot_write(path, error) from error
            raise
        try:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            raise _cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Writes `data` to `path`, whole or not at all.

    Raises:
        NstError: The folder cannot be written to, or the disk is full.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def sha256(path: Path) -> str:
    """The SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(url: str, path: Path, expected_sha256: str, progress: Progress | None = None) -> None:
    """Fetches `url` (http, https or file) into `path`, verified; goes on where an earlier try stopped.

    What has arrived waits in `<name>.part` beside `path`. A file at `path` that is already the right one
    is left alone, and the network with it.

    Raises:
        WeightsError: The address cannot be reached, the connection broke, or what came is not the file
            that `expected_sha256` describes.
        NstError: The folder cannot be written to, or the disk is full.
    """
    if path.is_file() and sha256(path) == expected_sha256:
        return
    if url.partition(":")[0].lower() not in ("http", "https", "file"):
        raise WeightsError(f"{url} is not an address to download from; use http, https or file")
    part = path.with_name(path.name + ".part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            _fetch(url, file, progress)
            os.fsync(file.fileno())
    except urllib.error.URLError as error:
        raise WeightsError(_cannot_fetch(url, error)) from error
    except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
        raise WeightsError(_broke_off(url, part)) from error
    except OSError as error:
        raise _cannot_write(part, error) from error
    finally:
        with contextlib.suppress(OSError):
            if not part.stat().st_size:
                part.unlink()
    arrived = sha256(part)
    if arrived != expected_sha256:
        part.unlink()
        raise WeightsError(
            f"what came from {url} is not the expected file (SHA-256 {arrived[:8]}…, not "
            f"{expected_sha256[:8]}…) and was thrown away; run the same command again, or use another --url"
        )
    part.replace(path)
    _sync_folder(path.parent)


def _fetch(url: str, file: BinaryIO, progress: Progress | None) -> None:
    """Appends to `file`, open at its end, what it lacks of `url`."""
    done = file.tell()
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and done:
            return  # nothing is lacking: the checksum will tell whether that is so
        raise
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            file.truncate(done := 0)  # a server that cannot resume sends everything again
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        while chunk := response.read(CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            if progress:
                progress(done, total)
    if total is not None and done < total:
        raise http.client.IncompleteRead(b"", total - done)


def _cannot_fetch(url: str, error: urllib.error.URLError) -> str:
    reason = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else error.reason
    reason = reason.strerror or reason if isinstance(reason, OSError) else reason
    return (
        f"cannot fetch {url} ({reason}); check the network, "
        "or bring the file from another machine: impasto weights add FILE"
    )


def _broke_off(url: str, part: Path) -> str:
    return (
        f"the connection broke while fetching {url}; {part.stat().st_size / 1e6:.1f} MB are kept: "
        "run the same command again to go on from there"
    )


def _sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` last through a power cut, on systems where a folder can be synced."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
