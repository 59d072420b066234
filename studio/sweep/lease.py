"""Who sweeps into a folder of a store: one at a time, told by a small file there that is renewed while it lasts."""

import json
import secrets
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from nst_core.errors import ConfigError
from nst_core.files import write_bytes
from nst_core.storage import join, read, write

FILE = ".impasto-sweep.json"
"""In the sweep's folder of the store."""
OWNER = "store.json"
"""In the sweep's folder on the disk: which store it belongs to, and by which name that knows it."""
STALE_S = 240.0
"""A lease that was not renewed for so long is of one that has died."""


@dataclass(frozen=True)
class Holder:
    """Who holds the lease, or was the last to do so."""

    owner: str
    """Of one folder on the disk of one machine, at random."""
    host: str
    renewed: float
    """Seconds since 1970."""
    held: bool

    @classmethod
    def of(cls, url: str) -> Self | None:
        """That of a sweep; None where there was none, or nothing that could be read."""
        try:
            return cls(**json.loads(read(join(url, FILE)) or b""))
        except (ValueError, TypeError):
            return None

    @property
    def is_at_work(self) -> bool:
        return self.held and time.time() - self.renewed < STALE_S


def url_of(folder: Path) -> str | None:
    """The folder of a store that a sweep's on the disk belongs to, if it does."""
    file = folder / OWNER
    return json.loads(file.read_bytes())["url"] if file.exists() else None


class Lease:
    """The right to sweep into a folder of a store.

    Args:
        url: of the folder.
        folder: of the sweep on the disk, whose ledger is held: no other process of this machine works there.

    Raises:
        StorageError: from any call: the store cannot be used.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        if not (file := folder / OWNER).exists():
            write_bytes(file, json.dumps({"url": url, "owner": secrets.token_hex(8)}).encode())
        self._owner = json.loads(file.read_bytes())["owner"]

    def take(self) -> bool:
        """Takes it; gives whether this folder was the last to have it, and so knows all that was done.

        Raises:
            ConfigError: Another one has it.
        """
        before = Holder.of(self._url)
        if before and before.is_at_work and before.owner != self._owner:
            raise self._taken(before)
        self.renew(first=True)
        return before is not None and before.owner == self._owner

    def was_ours(self) -> bool:
        """Whether this folder has it, or was the last to have it."""
        found = Holder.of(self._url)
        return found is not None and found.owner == self._owner

    def renew(self, first: bool = False) -> None:
        """Keeps it; call this every minute.

        Raises:
            ConfigError: Another one has it.
        """
        if not first:
            self._check()
        self._write(held=True)
        if first:
            self._check()  # of two that took it at once, one finds the other's

    def free(self) -> None:
        """Gives it back, unless another one has it."""
        found = Holder.of(self._url)
        if found and found.owner == self._owner:
            self._write(held=False)

    def _check(self) -> None:
        found = Holder.of(self._url)
        if found and found.owner != self._owner:
            raise self._taken(found)

    def _write(self, held: bool) -> None:
        holder = Holder(self._owner, socket.gethostname(), time.time(), held)
        write(join(self._url, FILE), json.dumps(asdict(holder)).encode())

    def _taken(self, other: Holder) -> ConfigError:
        return ConfigError(
            f"{self._url} is being swept by {other.host}, {max(0, time.time() - other.renewed):.0f} s ago; "
            "wait for it, or give another -o"
        )
