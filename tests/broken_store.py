"""A store that speaks as Amazon's does, as far as one file goes, with the faults that networks and stores have."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY, SECRET = "AKIDNEVERTELL", "secretnevertell"
CONTENT = bytes(range(250)) * 1200
DENIED = b"<Error><Code>AccessDenied</Code><Message>secretnevertell may not</Message></Error>"


class BrokenStore:
    """Holds one file under any name."""

    def __init__(self) -> None:
        self.tag = hashlib.md5(CONTENT).hexdigest()
        self.bodies: list[bytes] = []
        """What is sent instead of the file, one after another; then the file."""
        self.asked: list[str] = []
        self.address = ""


@contextmanager
def broken_store() -> Iterator[BrokenStore]:
    store = BrokenStore()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._begin(len(CONTENT))

        def do_GET(self) -> None:
            store.asked.append(self.headers.get("Range", ""))
            start = int(re.findall(r"\d+", self.headers.get("Range", "0"))[0])
            body = (store.bodies.pop(0) if store.bodies else CONTENT)[start:]
            self._begin(len(CONTENT) - start, 206 if start else 200)
            self.wfile.write(body)
            self.close_connection = True

        def do_PUT(self) -> None:
            self.close_connection = True
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(403)
            self.send_header("Content-Length", str(len(DENIED)))
            self.end_headers()
            self.wfile.write(DENIED)

        def _begin(self, length: int, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.send_header("ETag", f'"{store.tag}"')
            self.send_header("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield store
    server.shutdown()
    thread.join()
    server.server_close()
