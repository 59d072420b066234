"""Keeps a gallery up to date for as long as somebody looks at it."""

import logging
import threading
import time

from nst_core.errors import NstError
from studio.gallery.store import Store

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
ENDS_AFTER_S = 20.0
"""Without anybody looking."""
FIRST_LOOK_S = 1.5
"""How long who looks first waits, at most, for what the first look through the folder finds."""


class Watch:
    """Looks for new renders and makes their thumbnails, in a thread that lives while the page asks.

    Args:
        store: of the folder.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.problem: str | None = None
        """Why the folder cannot be used, in one line."""
        self.undrawn = 0
        """Renders whose thumbnail is still to be made."""
        self._looked = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = 0.0
        self._broken: set[str] = set()

    def ask(self) -> None:
        """Notes that somebody looks; gives back once the folder was looked through, or after a while."""
        with self._starting:
            self._asked = time.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._looked.clear()
                self._thread = threading.Thread(target=self._run, name="gallery", daemon=True)
                self._thread.start()
        self._looked.wait(FIRST_LOOK_S)

    @property
    def is_looking(self) -> bool:
        """Whether the first look through the folder goes on."""
        return not self._looked.is_set()

    def _run(self) -> None:
        while time.monotonic() - self._asked < ENDS_AFTER_S:
            began = time.monotonic()
            try:
                found = self.store.scan()
                self.problem = None
                if found.gone or found.changed or self.is_looking:
                    self.store.tidy()
                self._looked.set()
                self._draw(began + LOOK_EVERY_S)
            except NstError as error:
                self.problem = str(error)
            self._looked.set()
            time.sleep(max(0.1, began + LOOK_EVERY_S - time.monotonic()))

    def _draw(self, until: float) -> None:
        """Makes thumbnails until it is time for another look."""
        undrawn = [render for render in self.store.without_look() if render.sha256 not in self._broken]
        for number, render in enumerate(undrawn):
            self.undrawn = len(undrawn) - number
            if time.monotonic() > until:
                return
            try:
                self.store.note_look(render.id)
            except NstError as error:
                log.info("no thumbnail: %s", error)
                self._broken.add(render.sha256)
        self.undrawn = 0
