"""The page's process that learns, from outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nst_core.background import Background
from nst_core.ledger import Ledger
from train.night.queue import NightOptions
from train.night.work import LEDGER, command

LOG = "night.log"
"""In the folder: what the process says."""

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
        self._process = Background(Ledger(folder / LEDGER), folder / LOG, "learning")

    def start(self, asked: NightOptions) -> None:
        """Starts it, unless one is at work.

        Raises:
            NstError: it could not be started, or ended at once; the message says why.
        """
        self._process.start(self._command(self.folder, asked))

    def stop(self) -> None:
        """Has it keep its state, and waits until it has ended.

        Raises:
            ConfigError: what is at work is not the page's own.
            NstError: it does not end.
        """
        self._process.stop(self._command(self.folder, NightOptions()))
