"""How much memory this machine has to give, and the program takes."""

import contextlib
import ctypes
import sys
import threading
from pathlib import Path
from typing import Self

import psutil


def available_bytes() -> int:
    """What programs may still take, within a container's own limit, which the system's figures do not know."""
    available = psutil.virtual_memory().available
    with contextlib.suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        available = min(available, limit - int((group / "memory.current").read_text()))
    return available


def give_back() -> None:
    """Gives what was freed back to the system, which glibc keeps in part, for each thread; elsewhere does nothing."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)


class PeakMemory:
    """The most memory that the program takes while the block lasts, beyond what it had before, looked at often."""

    LOOK_EVERY_S = 0.02

    def __init__(self) -> None:
        self.bytes = 0
        self._process = psutil.Process()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        while True:
            self.bytes = max(self.bytes, self._process.memory_info().rss - self._before)
            if self._ended.wait(self.LOOK_EVERY_S):
                return

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
