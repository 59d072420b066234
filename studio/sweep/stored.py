"""A sweep in a folder of a store: what it has brought is kept there while it goes on, so that any machine goes on."""

import contextlib
import functools
import logging
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from nst_core.errors import NstError
from nst_core.fetch import fetch_to
from nst_core.storage import check_place, join, publish
from nst_core.storage_errors import Missing, Unreachable
from studio.gallery.store import FILE as PICKS
from studio.sweep.job import PROOFS, PhotoFile, StyleFile
from studio.sweep.lease import STALE_S, Lease
from studio.sweep.plan import LEDGER, Settings
from studio.sweep.remote import put_photos, put_styles
from studio.sweep.report import REPORT, Step
from studio.sweep.sheets import SHEETS
from studio.sweep.sweep import Happening, Sweep
from studio.sweep.workers import Workers

logger = logging.getLogger(__name__)

EVERY_S = 60.0
"""Between two times that all is put into the store."""
SHARE = 10
"""So many times as long as that took is waited at least, until it is done again."""
AT_ONCE = 8
"""Pictures that are fetched at a time."""


@dataclass(frozen=True)
class StoredSweep(Sweep):
    """A sweep whose `url` is a folder in a store, and whose folder is this machine's part of it.

    Its ledger lives on the disk, as a store knows no transactions; the store has a copy that is a minute old at most.
    """

    @contextlib.contextmanager
    def keeping(self) -> Iterator[None]:
        """Takes over where another machine has stopped, and keeps the store up to date while the block runs.

        Raises:
            ConfigError: Another machine is at work.
            StorageError: The store cannot be used.
        """
        check_place(self._url)
        lease = Lease(self._url, self.folder)
        if not lease.take() or not self.ledger.path.exists():
            self._fetch_ledgers()
            if self.ledger.path.exists():
                self.ledger.release_all()  # what the other one was at
        over = threading.Event()
        threads = [threading.Thread(target=_again, args=(over, work)) for work in (self._renewed(lease), self._kept)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self._put_ledgers()
        lease.free()

    def look(self) -> None:
        """Has the ledger here be as the store's, where another machine was the last to work on it."""
        if not Lease(self._url, self.folder).was_ours():
            self._fetch_ledgers()

    def plan(
        self,
        photos: Sequence[PhotoFile],
        styles: Sequence[StyleFile],
        settings: Settings,
        tell: Callable[[int, int], None] = lambda done, total: None,
    ) -> int:
        return super().plan(put_photos(photos, self._url), put_styles(styles, self._url), settings, tell)

    def work(self, workers: Workers) -> Generator[Happening, None, None]:
        return self._watched(super().work(workers))

    def go_on(self, workers: Workers) -> Generator[Happening, None, None]:
        return self._watched(super().go_on(workers))

    def _watched(self, work: Generator[Happening, None, None]) -> Generator[Happening, None, None]:
        """The work, until the store is lost, or another machine's."""
        with contextlib.closing(work) as happenings:
            for one in happenings:
                if self._faults:
                    raise self._faults[0]
                yield one

    def reporting(self) -> Generator[Step, None, None]:
        with self._reporting:
            self._fetch_proofs()
            yield from super().reporting()
            self._put_changed([*sorted((self.folder / SHEETS).glob("[!.]*.png")), self.folder / REPORT])

    @property
    def _url(self) -> str:
        assert self.url
        return self.url

    @functools.cached_property
    def _reporting(self) -> threading.Lock:
        return threading.Lock()

    @functools.cached_property
    def _put(self) -> dict[Path, int]:
        """Files that were put into the store, and their times."""
        return {}

    @functools.cached_property
    def _faults(self) -> list[NstError]:
        """Why the sweep cannot go on."""
        return []

    def _fetch_ledgers(self) -> None:
        for name in (LEDGER, PICKS):
            with contextlib.suppress(Missing):
                fetch_to(join(self._url, name), self.folder / name)

    def _renewed(self, lease: Lease) -> Callable[[], None]:
        """Renews the lease; where that fails for long, another machine may have it."""
        renewed = time.monotonic()

        def renew() -> None:
            nonlocal renewed
            try:
                lease.renew()
                renewed = time.monotonic()
            except Unreachable as error:
                if time.monotonic() - renewed > STALE_S:
                    self._faults.append(error)
            except NstError as error:
                self._faults.append(error)

        return renew

    def _kept(self) -> None:
        try:
            self._put_ledgers()
            self.report()
        except NstError as error:
            logger.warning("%s", error)

    def _fetch_proofs(self) -> None:
        """Brings the proofs that others have painted to the disk."""
        names = [name for (name,) in self.ledger.values(["name"], "done", like=f"{PROOFS}/*")]
        lacking = [name for name in names if not (self.folder / name).exists()]

        def bring(name: str) -> None:
            with contextlib.suppress(Missing):  # the report tells
                fetch_to(join(self._url, name), self.folder / name)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(bring, lacking))

    def _put_ledgers(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copies = {self.folder / name: Path(folder) / name for name in (LEDGER, PICKS)}
            self._put_changed([path for path in copies if path.exists()], lambda path: _copied(path, copies[path]))

    def _put_changed(self, paths: Sequence[Path], copied: Callable[[Path], Path] = lambda path: path) -> None:
        """Puts files into the store that are not there as they are."""
        for path in paths:
            with contextlib.suppress(FileNotFoundError):  # replaced just now
                changed = path.stat().st_mtime_ns
                if self._put.get(path) != changed:
                    publish(copied(path), join(self._url, path.relative_to(self.folder).as_posix()))
                    self._put[path] = changed


def _again(over: threading.Event, work: Callable[[], None]) -> None:
    """Does it every minute, or less often where it takes long."""
    pause = EVERY_S
    while not over.wait(pause):
        began = time.monotonic()
        work()
        pause = max(EVERY_S, SHARE * (time.monotonic() - began))


def _copied(path: Path, copy: Path) -> Path:
    """A copy of a database as it is at one moment, whoever changes it."""
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy
