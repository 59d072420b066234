"""Waiting for other threads and processes, and ports for them."""

import socket
import time
from collections.abc import Callable
from typing import Any


def wait(done: Callable[[], Any], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
