"""Files and folders of stores as local copies, which are fetched only where the store holds another version."""

import hashlib
import itertools
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from nst_core import copies
from nst_core.copies import Copies, Copy, copy_path
from nst_core.errors import StorageError
from nst_core.files import Progress, atomic_path, remove_abandoned, sha256
from nst_core.storage import Entry, attempt, check_url, find, is_pattern, is_url, look
from nst_core.storage_errors import Unreachable

AT_ONCE, NOTED = 8, 64
"""Files that are fetched at a time, and after how many it is noted which."""


def fetch(url: str, expected_sha256: str | None = None) -> Path:
    """A local copy of a file, fetched where there is none, or the store holds another version.

    Args:
        url: of the file.
        expected_sha256: if the copy is that already, the store is not asked.

    Raises:
        StorageError: There is no such file (`Missing`), or it cannot be fetched.
        NstError: The cache cannot be written to.
    """
    url = check_url(url)
    known = Copies().find([url]).get(url)
    if known and known.sha256 == expected_sha256:
        Copies().use([url])
    else:
        _fetch_all([look(url)])
    return copy_path(url)


def here(place: str) -> Path:
    """A file by its path or URL, as it is on this disk, if it is: it is not fetched."""
    return copy_path(place) if is_url(place) else Path(place)


def fetch_to(url: str, path: Path) -> None:
    """Puts a copy of a file where it is wanted, whole or not at all; no other one is kept.

    Raises:
        StorageError: There is no such file (`Missing`), or it cannot be fetched.
        NstError: The folder cannot be written to.
    """
    entry = look(check_url(url))
    _download(entry, path, _Told(lambda done, total: None, [entry]))


def bring(url: str, suffixes: Collection[str], progress: Progress = lambda done, total: None) -> list[Path]:
    """Local copies of what a URL names: of a file, of files that fit a pattern, or of a folder, as one path.

    Such a folder holds the files of these suffixes, with their subfolders, as the store's does now.

    Raises:
        StorageError: There is nothing (`Missing`), it cannot be fetched, or is more than the cache takes.
        NstError: The cache cannot be written to.
    """
    url = check_url(url)
    entries = find(url, suffixes)
    if (size := sum(entry.size or 0 for entry in entries)) > copies.LIMIT_BYTES:
        raise StorageError(
            f"{url} holds {size / 1e9:.0f} GB, more than the {copies.LIMIT_BYTES / 1e9:.0f} that are kept; "
            "name a part of it"
        )
    _fetch_all(entries, progress)
    paths = [copy_path(entry.url) for entry in entries]
    if entries and (entries[0].url == url or is_pattern(url)):
        return paths
    folder = copy_path(url)
    folder.mkdir(parents=True, exist_ok=True)
    remove_abandoned(folder)
    Copies().forget_others(url, [entry.url for entry in entries], suffixes)
    return [folder]


def _fetch_all(entries: Collection[Entry], progress: Progress = lambda done, total: None) -> None:
    """Fetches those that have no copy of their version."""
    known = Copies().find(entry.url for entry in entries)
    lacking = [entry for entry in entries if entry.url not in known or known[entry.url].version != entry.version]
    Copies().use(entry.url for entry in entries)
    tell = _Told(progress, lacking)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rest = iter(lacking)
        while some := list(itertools.islice(rest, NOTED)):
            futures = [pool.submit(_download, entry, copy_path(entry.url), tell) for entry in some]
            try:
                found = [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            Copies().keep({entry.url: copy for entry, copy in zip(some, found, strict=True)})


def _download(entry: Entry, path: Path, tell: "_Told") -> Copy:
    """Fetches a file."""

    def arrive(fs: Any, remote: str) -> Copy:
        with atomic_path(path) as temporary:
            _get(fs, remote, temporary, entry, tell)
            digest = sha256(temporary)
            if entry.md5 and entry.md5 != md5(temporary):
                # What looks like an MD5 is none where a store encrypts; what comes twice the same is right.
                _get(fs, remote, temporary, entry, tell)
                if sha256(temporary) != digest:
                    raise Unreachable(f"{entry.url} comes otherwise than it is in the store; check the network")
        return Copy.of(path, entry.version, digest)

    copy = attempt(entry.url, arrive)
    tell(entry.url, copy.bytes)
    return copy


def _get(fs: Any, remote: str, path: Path, entry: Entry, tell: "_Told") -> None:
    from fsspec.callbacks import Callback

    fs.get_file(remote, str(path), callback=Callback(hooks={"tell": lambda size, value: tell(entry.url, value)}))
    arrived = path.stat().st_size
    if entry.size is not None and arrived != entry.size:
        raise Unreachable(f"{entry.url}: {arrived} of {entry.size} bytes have come; run the same command again")


def md5(path: Path) -> str:
    """By which stores know what they hold."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class _Told:
    """Tells how far all files together are; may be called by many threads.

    Args:
        progress: takes bytes done, and in all.
        entries: that are fetched.
    """

    def __init__(self, progress: Progress, entries: Collection[Entry]) -> None:
        self._progress, self._lock = progress, threading.Lock()
        self._done: dict[str, int] = {}
        self._total, self._sum = sum(entry.size or 0 for entry in entries), 0

    def __call__(self, url: str, done: int) -> None:
        with self._lock:
            self._sum += done - self._done.get(url, 0)
            self._done[url] = done
            self._progress(self._sum, self._total)
