"""Several servers in processes of their own, and a small balancer before them: it asks who is ready, and passes on.

`python balancing.py PORT DRAIN_S` is one such server; each of its pictures takes a while.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"
PICTURE_S = 0.05
LOOK_EVERY_S = 0.2
DRAIN_S = 0.6
PATIENCE_S = 120
OF_CONNECTION = {"connection", "transfer-encoding", "content-length", "date", "server"}
"""Headers that a balancer makes itself."""


class Replica:
    """A server in a process of its own, of the styles that the environment names."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind((HOST, 0))
            self.port: int = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Starts it at its port."""
        command = [sys.executable, __file__, str(self.port), str(DRAIN_S)]
        self._process = subprocess.Popen(command, cwd=Path(__file__).parents[1])

    def send(self, number: int) -> int:
        """Sends a signal, and gives the exit code."""
        self._process.send_signal(number)
        return self._process.wait(PATIENCE_S)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def status(self, path: str) -> int:
        """What the server answers; 0 for nothing."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()


class Balancer(ThreadingHTTPServer):
    """Sends each request to the ready server that has the fewest, and to another only if the connection is refused."""

    daemon_threads = True

    def __init__(self, replicas: list[Replica]) -> None:
        super().__init__((HOST, 0), _Handler)
        self.replicas = replicas
        self.url = f"http://{HOST}:{self.server_port}"
        self.ready: set[int] = set()
        self.in_hand: Counter[int] = Counter()
        self.answered: Counter[int] = Counter()
        self.lost: Counter[int] = Counter()
        """Requests whose server broke off, by its port."""
        self._closing = threading.Event()
        self._lock = threading.Lock()
        for work in (self._look, self.serve_forever):
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        self.shutdown()
        self.server_close()

    def wait_for(self, *ready: Replica) -> None:
        """Waits until these and no others are ready."""
        deadline = time.monotonic() + PATIENCE_S
        while self.ready != {replica.port for replica in ready}:
            assert time.monotonic() < deadline, f"ready: {self.ready}"
            time.sleep(0.01)

    def pass_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """The answer of one of the servers."""
        refused: set[int] = set()
        while True:
            with self._lock:
                choice = min(self.ready - refused, key=lambda port: self.in_hand[port], default=None)
                if choice is None:
                    return 503, {}, b"none is ready"
                self.in_hand[choice] += 1
            connection = http.client.HTTPConnection(HOST, choice, timeout=PATIENCE_S)
            try:
                connection.request(method, path, body, headers | {"Connection": "close"})
                answer = connection.getresponse()
                found = answer.status, dict(answer.getheaders()), answer.read()
                self.answered[choice] += 1
                return found
            except ConnectionRefusedError:
                refused.add(choice)
            except (OSError, http.client.HTTPException):
                self.lost[choice] += 1
                return 502, {}, b"broken off"
            finally:
                connection.close()
                with self._lock:
                    self.in_hand[choice] -= 1

    def _look(self) -> None:
        while not self._closing.wait(LOOK_EVERY_S):
            self.ready = {replica.port for replica in self.replicas if replica.status("/readyz") == 200}


class _Handler(BaseHTTPRequestHandler):
    server: Balancer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, data = self.server.pass_on(self.command, self.path, dict(self.headers), body)
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in OF_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass


def _serve(port: int, drain_s: float) -> None:
    sys.path.insert(0, os.getcwd())
    from models import catalog
    from serve.api.app import build_app
    from serve.api.server import Server, bind, run_server
    from serve.engine import Engine
    from serve.providers import ComputeOptions

    class Slow(Engine):
        def stylize(self, *args, **options):
            time.sleep(PICTURE_S)
            return super().stylize(*args, **options)

    catalog.shipped_folder = lambda: Path("/none")
    app = build_app(Slow(ComputeOptions(provider="cpu", threads=1)))
    with bind(HOST, port) as address:
        run_server(Server(app, app.state.service.admission, lambda: None, lambda count: None, drain_s=drain_s), address)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end it
    _serve(int(sys.argv[1]), float(sys.argv[2]))
