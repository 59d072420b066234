"""A process that works on a ledger on its own: nobody's child, so that neither a closed page nor server ends it."""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from nst_core.errors import ConfigError, NstError
from nst_core.ledger import Ledger

NICENESS = 10
"""Such a process steps back while something is painted in the page."""
STOPPED, MENDABLE = 130, 2
START_PATIENCE_S, STOP_PATIENCE_S, PAUSE_S = 30.0, 90.0, 0.05

logger = logging.getLogger(__name__)


class Background:
    """Works on a ledger, at most once at a time.

    Args:
        ledger: that it works on.
        log: what the process says.
        doing: in messages, as in `learning`.
    """

    def __init__(self, ledger: Ledger, log: Path, doing: str) -> None:
        self._ledger, self._log, self._doing = ledger, log, doing
        self._lock = threading.Lock()

    def start(self, command: Sequence[str]) -> None:
        """Starts it, unless one is at work.

        Raises:
            NstError: it could not be started, or ended at once; the message says why.
        """
        with self._lock:
            if self._ledger.worker() is not None:
                return
            try:
                self._log.parent.mkdir(parents=True, exist_ok=True)
                with self._log.open("wb") as log:
                    process = subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                        start_new_session=True, creationflags=getattr(subprocess, "DETACHED_PROCESS", 0),
                    )  # fmt: skip
            except OSError as error:
                folder = self._log.parent
                raise NstError(f"{self._doing} cannot be started in {folder}: {error.strerror or error}") from error
            threading.Thread(target=process.wait, daemon=True).start()  # what has ended is not left a zombie
            _wait(lambda: process.poll() is not None or self._ledger.worker() is not None, START_PATIENCE_S)
            if process.poll():
                raise NstError(f"{self._doing} could not be started: {self._last_words()}")

    def stop(self, command: Sequence[str]) -> None:
        """Has it keep its state, and waits until it has ended.

        Args:
            command: how ours begins; any other process is left alone.

        Raises:
            ConfigError: what is at work is not ours.
            NstError: it does not end.
        """
        number = self._ledger.worker()
        if number is None:
            return
        self._own(number, command).terminate()
        if not _wait(lambda: self._ledger.worker() != number, STOP_PATIENCE_S):
            raise NstError(f"{self._doing} does not end (process {number}); see {self._log}")

    def _own(self, number: int, command: Sequence[str]) -> psutil.Process:
        """The process of a number, if it is one that `start` began, here or in a server before this one."""
        try:
            process = psutil.Process(number)
            if process.cmdline()[1 : len(command)] == list(command[1:]):
                return process
        except psutil.Error:
            pass
        raise ConfigError(f"what is {self._doing} is another program (process {number}); stop it where it was started")

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def run_work(work: Callable[[], None]) -> int:
    """What such a process does, from its inside: works until all is done, or SIGTERM stops it; gives the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C does
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        work()
    except NstError as error:
        logger.error("%s", error)
        return MENDABLE
    except KeyboardInterrupt:
        logger.info("stopped")
        return STOPPED
    return 0


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    """Until something is so; whether it is."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE_S)
    return True
