"""Running an app: a socket of its own, and an end that lets running work finish."""

import errno
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from nst_core.errors import ConfigError
from serve.api.admission import Admission

GRACE_S = 60.0
"""How long running work may take to finish when the server is to end."""
CUT_OFF_S = 1
"""How long open connections, which a page holds for ever, are waited for after that."""


def bind(host: str, port: int) -> socket.socket:
    """An address for a server. Until the server runs nobody gets a connection, as a balancer would take it for running.

    Raises:
        ConfigError: there is no such address, or the port is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # on Windows it would share a port that is taken
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
        except OSError:
            found.close()
            raise
    except socket.gaierror as error:
        raise ConfigError(
            f"--host {host}: there is no such address ({error.strerror}); name one of this machine"
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = _taken(port)
        elif error.errno == errno.EADDRNOTAVAIL:
            reason = f"--host {host} is no address of this machine; name one that is"
        elif error.errno == errno.EACCES:
            reason = f"--port {port} is not for everybody; take one from 1024 on"
        else:
            reason = f"--host {host} --port {port} cannot be used: {error.strerror}"
        raise ConfigError(reason) from error
    return found


def _taken(port: int) -> str:
    return f"--port {port} is taken; stop what runs there, or take another, like --port 0 for any that is free"


class Server(uvicorn.Server):
    """Serves until a signal comes; then new work is refused, and what is in hand finishes. A second one ends at once.

    Args:
        app: to serve.
        admission: knows what is running.
        on_ready: is called when requests are answered.
        on_closing: is called at the signal, with the number of requests in hand.
        grace_s: how long they may take.
        drain_s: for so long after the signal work is still taken on, while `/readyz` says that none should be sent.
    """

    def __init__(
        self,
        app: FastAPI,
        admission: Admission,
        on_ready: Callable[[], None],
        on_closing: Callable[[int], None],
        grace_s: float = GRACE_S,
        drain_s: float = 0.0,
    ) -> None:
        # No log of requests: it would hold the token of the link that opens the page.
        super().__init__(
            uvicorn.Config(
                app, log_config=None, access_log=False, server_header=False, proxy_headers=False, ws="none",
                timeout_graceful_shutdown=CUT_OFF_S,
            )
        )  # fmt: skip
        self.ended_by: int | None = None
        """The signal that came."""
        self._admission, self._grace_s, self._drain_s = admission, grace_s, drain_s
        self._on_ready, self._on_closing = on_ready, on_closing
        self._closes_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """As uvicorn calls it for a signal."""
        self.should_exit = self.force_exit = self.ended_by is not None
        self.ended_by = sig

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        for each in sockets or ():
            try:
                each.listen()
            except OSError as error:  # another has come first since the address was bound
                raise ConfigError(_taken(each.getsockname()[1])) from error
        await super().startup(sockets)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """As uvicorn calls it ten times a second: whether this is the end."""
        ended = await super().on_tick(counter)
        if self.ended_by is None:
            return ended
        now = time.monotonic()
        if self._closes_at is None:
            self._closes_at = now + self._drain_s
            self._admission.leave()
            if self._admission.present or self._drain_s:
                self._on_closing(self._admission.present)
        if now < self._closes_at:
            return ended
        self._admission.close()
        return ended or not self._admission.present or now > self._closes_at + self._grace_s

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # What is cut off from here on is cut off on purpose.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def run_server(server: Server, listener: socket.socket) -> None:
    """Serves until a signal comes.

    Raises:
        KeyboardInterrupt: it was Ctrl-C.
    """
    server.run([listener])
    if server.ended_by == signal.SIGINT:
        raise KeyboardInterrupt
