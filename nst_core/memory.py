"""How much memory this machine has to give."""

import contextlib
from pathlib import Path

import psutil


def available_bytes() -> int:
    """What programs may still take, within a container's own limit, which the system's figures do not know."""
    available = psutil.virtual_memory().available
    with contextlib.suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        available = min(available, limit - int((group / "memory.current").read_text()))
    return available
