"""Files in stores that are named by a URL, like `s3://bucket/photos`: looked at, listed, published whole.

Keys come from the stores' own variables and files alone, and are never in a URL: what is told, logged or kept names
the URL, and so holds none. Fetching is in `nst_core.fetch`.
"""

import base64
import contextlib
import hashlib
import posixpath
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from nst_core import copies
from nst_core.copies import Copies, Copy
from nst_core.errors import ConfigError, NstError, StorageError
from nst_core.files import is_disk_full, sha256
from nst_core.storage_errors import Missing, Unreachable, told

T = TypeVar("T")

PAUSES_S = (0.5, 2.0, 6.0)
"""Before each further try of what the network has broken."""
WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"}
"""Stores in which a file appears once all of it has arrived."""
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 0}}},
}
"""Of connections, by store: by its own a store that hangs is told after half an hour."""

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://([^/]*)(.*)", re.IGNORECASE | re.DOTALL)
_KEYS = re.compile(r"[?#][^/]*=")
_PATTERN = re.compile(r"[*?[]")


@dataclass(frozen=True)
class Entry:
    """A file in a store."""

    url: str
    size: int | None
    version: str
    """Changes when what is in it does, as the store tells."""
    md5: str | None
    """What seems to be that of its content."""


def is_url(text: object) -> bool:
    """Whether this names something in a store, and nothing on the disk."""
    return bool(_URL.fullmatch(str(text)))


def show(url: str) -> str:
    """The URL without all that might be a user's name, a password, a key or a token."""
    found = _URL.fullmatch(url)
    if not found:
        return url
    protocol, host, path = found.groups()
    return f"{protocol.lower()}://{host.rpartition('@')[2]}{_KEYS.split(path)[0]}"


def check_url(text: str) -> str:
    """The URL as it is used and kept: without a slash at its end.

    Raises:
        ConfigError: It holds what might be a key, which lists of processes and histories of commands would show.
    """
    shown = show(text)
    if len(shown) < len(text):
        raise ConfigError(
            f"{shown}: leave names, passwords and keys out of the address; the store's own variables and files hold "
            "them (AWS_ACCESS_KEY_ID or ~/.aws, GOOGLE_APPLICATION_CREDENTIALS, ~/.ssh/config)"
        )
    return shown.rstrip("/")


def is_pattern(url: str) -> bool:
    """Whether it may be of several files, like `s3://bucket/photos/*.jpg`."""
    return bool(_PATTERN.search(url))


def join(url: str, name: str) -> str:
    """The URL of a file, or folder, in a folder."""
    return f"{url.rstrip('/')}/{name}"


def look(url: str) -> Entry:
    """A file, as the store tells of it now.

    Raises:
        StorageError: There is no such file (`Missing`), or the store cannot be asked.
    """
    info = attempt(url, lambda fs, path: fs.info(path))
    if info["type"] != "file":
        raise StorageError(f"{url} is a folder; name a file in it")
    return _entry(url, info)


def find(url: str, suffixes: Collection[str]) -> list[Entry]:
    """The file itself, whatever its suffix, the files of a folder and its subfolders, or those that fit a pattern.

    Args:
        url: of a file, of a folder, or a pattern like `s3://bucket/photos/*.jpg`.
        suffixes: of what is looked for in folders and by patterns, in lower case; nothing hidden is found.

    Raises:
        StorageError: There is nothing (`Missing`), or the store cannot be asked.
    """
    try:
        info = attempt(url, lambda fs, path: fs.info(path))
    except Missing:
        if not (pattern := _PATTERN.search(url)):
            raise
        folder = posixpath.dirname(url[: pattern.start()])
        found = attempt(url, lambda fs, path: fs.glob(path, detail=True))
        if not found:
            raise
    else:
        if info["type"] == "file":
            return [_entry(url, info)]
        folder, found = url, attempt(url, lambda fs, path: fs.find(path, detail=True))
    root = attempt(folder, lambda fs, path: path)
    names = {name.removeprefix(root).lstrip("/"): info for name, info in found.items() if info["type"] == "file"}
    return [_entry(join(folder, name), names[name]) for name in sorted(names) if _is_wanted(name, suffixes)]


def _is_wanted(name: str, suffixes: Collection[str]) -> bool:
    hidden = any(part.startswith(".") for part in name.split("/"))
    return not hidden and posixpath.splitext(name)[1].lower() in suffixes


def publish(path: Path, url: str) -> str:
    """Puts a file under a URL, whole or not at all, over what is there; gives its SHA-256.

    Where a store does not do that by itself, it is put beside its place, read again, and renamed.

    Raises:
        StorageError: It cannot be put there.
    """
    url, digest = check_url(url), sha256(path)
    size = path.stat().st_size

    def put(fs: Any, remote: str) -> Entry:
        if url.partition(":")[0] in WHOLE:
            fs.put_file(str(path), remote)
        else:
            _put_beside(fs, remote, path, digest)
        found = _entry(url, fs.info(remote))
        if found.size not in (size, None):
            raise Unreachable(f"{url}: {found.size} of {size} bytes have arrived; run the same command again")
        return found

    found = attempt(url, put)
    if copies.origin(path) == url:
        Copies().keep({url: Copy.of(path, found.version, digest)})
    return digest


def publish_copy(path: Path) -> None:
    """Publishes what was made where the copy of a file in a store is; nothing elsewhere. Raises what `publish` does."""
    if url := copies.origin(path):
        publish(path, url)


def _put_beside(fs: Any, remote: str, path: Path, digest: str) -> None:
    folder, name = posixpath.split(remote)
    temporary = posixpath.join(folder, f".impasto-{secrets.token_hex(6)}{posixpath.splitext(name)[1]}")
    fs.makedirs(folder, exist_ok=True)
    try:
        fs.put_file(str(path), temporary)
        with fs.open(temporary, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise Unreachable(f"{name} arrives otherwise than it was sent; check the network and the disk there")
        fs.mv(temporary, remote)
    except BaseException:
        with contextlib.suppress(Exception):
            fs.rm_file(temporary)
        raise


def read(url: str) -> bytes | None:
    """What is in a small file, or None where there is none; raises what `look` does."""
    try:
        return attempt(url, lambda fs, path: fs.cat_file(path))
    except Missing:
        return None


def write(url: str, data: bytes) -> None:
    """A small file, whole or not at all; raises what `publish` does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small"
        path.write_bytes(data)
        publish(path, url)


def check_place(url: str) -> None:
    """Finds out whether files can be put into a folder, before the work for them is done.

    Raises:
        StorageError: They cannot.
    """
    probe = join(check_url(url), f".impasto-{secrets.token_hex(6)}")
    write(probe, b"")
    attempt(probe, lambda fs, path: fs.rm_file(path))


def attempt(url: str, work: Callable[[Any, str], T]) -> T:
    """What the work gives, done with the store and its own path, again where the network has broken it."""
    for pause in (*PAUSES_S, None):
        try:
            return work(*_open(url))
        except Unreachable:
            if pause is None:
                raise
        except NstError:
            raise
        except Exception as error:
            if is_disk_full(error):
                raise
            found = told(url, error)
            if pause is None or not isinstance(found, Unreachable):
                raise found from error
        time.sleep(pause)
    raise AssertionError("the last try raises")


def _open(url: str) -> tuple[Any, str]:
    """The store of a URL, as fsspec has it, and what the file is called there."""
    protocol = url.partition("://")[0]
    if protocol in ("sftp", "ssh"):
        from nst_core.sftp import SSHFiles

        kind: Any = SSHFiles
    else:
        from fsspec import get_filesystem_class

        kind = get_filesystem_class(protocol)
    # Without its own memory of folders, in which what others put there would be missing.
    options = {**OPTIONS.get(protocol, {}), **kind._get_kwargs_from_urls(url)}
    store = kind(use_listings_cache=False, **options)
    if protocol == "s3":
        store.retries = 2  # `attempt` does more, with longer pauses
    return store, str(kind._strip_protocol(url))


def _entry(url: str, info: Mapping[str, Any]) -> Entry:
    size, tag = info.get("size"), str(info.get("ETag") or info.get("etag") or "").strip('"')
    times = (info[key] for key in ("mtime", "LastModified", "created") if info.get(key))
    md5 = tag if re.fullmatch("[0-9a-f]{32}", tag) else None
    if "md5Hash" in info:  # of Google's
        md5 = base64.b64decode(info["md5Hash"]).hex()
    return Entry(url, size, tag or f"{size} {next(times, '')}", md5)
