"""The page's process that learns, from outside: nobody's child, so that neither a closed page nor server ends it."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from nst_core.errors import ConfigError, NstError
from nst_core.ledger import Ledger
from train.night import LEDGER, command
from train.queue import NightOptions

LOG = "night.log"
"""In the folder: what the process says."""
START_PATIENCE_S, STOP_PATIENCE_S, PAUSE_S = 30.0, 90.0, 0.05

Command = Callable[[Path, NightOptions], list[str]]
"""What starts the process that works on a folder."""


class NightProcess:
    """Works on the ledger in a folder, at most once at a time.

    Args:
        folder: its full path.
        command: what it is started with.
    """

    def __init__(self, folder: Path, command: Command = command) -> None:
        self.folder = folder
        self._command = command
        self._ledger = Ledger(folder / LEDGER)
        self._lock = threading.Lock()

    def start(self, asked: NightOptions) -> None:
        """Starts it, unless one is at work.

        Raises:
            NstError: it could not be started, or ended at once; the message says why.
        """
        with self._lock:
            if self._ledger.worker() is not None:
                return
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                with (self.folder / LOG).open("wb") as log:
                    process = subprocess.Popen(
                        self._command(self.folder, asked), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                        start_new_session=True, creationflags=getattr(subprocess, "DETACHED_PROCESS", 0),
                    )  # fmt: skip
            except OSError as error:
                raise NstError(f"learning cannot be started in {self.folder}: {error.strerror or error}") from error
            threading.Thread(target=process.wait, daemon=True).start()  # what has ended is not left a zombie
            _wait(lambda: process.poll() is not None or self._ledger.worker() is not None, START_PATIENCE_S)
            if process.poll():
                raise NstError(f"learning could not be started: {self._last_words()}")

    def stop(self) -> None:
        """Has it keep its state, and waits until it has ended.

        Raises:
            ConfigError: what is at work is not the page's own.
            NstError: it does not end.
        """
        number = self._ledger.worker()
        if number is None:
            return
        self._own(number).terminate()
        if not _wait(lambda: self._ledger.worker() != number, STOP_PATIENCE_S):
            raise NstError(f"the process {number} that learns does not end; see {self.folder / LOG}")

    def _own(self, number: int) -> psutil.Process:
        """The process of a number, if it is one that `start` began, here or in a server before this one."""
        ours = self._command(self.folder, NightOptions())
        try:
            process = psutil.Process(number)
            if process.cmdline()[1 : len(ours)] == ours[1:]:
                return process
        except psutil.Error:
            pass
        raise ConfigError(f"what is learning is another program (process {number}); stop it where it was started")

    def _last_words(self) -> str:
        lines = (self.folder / LOG).read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    """Until something is so; whether it is."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE_S)
    return True
