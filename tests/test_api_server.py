"""The API behind a real socket: clients that leave, that send too much, that come all at once; and the end."""

import signal
import socket
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from serving import (
    CAT,
    HOST,
    ONE_THREAD,
    PATIENCE_S,
    GatedEngine,
    Running,
    events,
    is_painted,
    photo_file,
    post,
    problem,
    running,
    wait_until,
)

from serve.api.admission import QUICK_PIXELS, Admission
from serve.api.app import build_app
from serve.api.limits import Limits
from serve.engine import Engine

pytest_plugins = ["serving_fixtures"]
pytestmark = pytest.mark.usefixtures("styles")

PRINT = photo_file(2000, 1 + QUICK_PIXELS // 2000, "print.jpg")
"""Too large for the lane of the previews."""
FORM = (
    b'--x\r\nContent-Disposition: form-data; name="style"\r\n\r\nwaves\r\n'
    b'--x\r\nContent-Disposition: form-data; name="image"; filename="cat.png"\r\n\r\n'
)
END = b"\r\n--x--\r\n"


@pytest.fixture
def engine() -> GatedEngine:
    return GatedEngine()


def admission(server: Running) -> Admission:
    return server.app.state.service.admission


def connect(
    server: Running, length: int | None, path: str = "/api/v1/paint", receive_bytes: int = 65536
) -> socket.socket:
    """A connection on which a request has begun, its body in chunks where no length is given."""
    found = socket.socket()
    found.settimeout(PATIENCE_S)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    found.connect((HOST, server.port))
    kind = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    form = "Content-Type: multipart/form-data; boundary=x"
    found.sendall(f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\n{form}\r\n{kind}\r\n\r\n".encode())
    return found


def answer_of(connection: socket.socket) -> bytes:
    with connection:
        return connection.makefile("rb").readline()


def is_cut_off(answer: Future[httpx.Response]) -> bool:
    """Whether a client got no picture, as the server had ended."""
    return isinstance(answer.exception(), httpx.RemoteProtocolError) or answer.result().status_code == 500


@pytest.mark.parametrize("path", ["/api/v1/paint", "/api/v1/paint/stream"])
def test_client_that_leaves_ends_its_work(engine: GatedEngine, path: str):
    with running(build_app(engine)) as server:
        body = FORM + CAT + END
        connection = connect(server, len(body), path)
        connection.sendall(body)
        wait_until(lambda: engine.begun)
        connection.close()
        wait_until(lambda: engine.stopped == ["cat.png"])
        wait_until(lambda: admission(server).present == 0)
        engine.let()
        assert is_painted(post(server.client()).content)


def test_client_that_leaves_the_line_is_never_painted_for(engine: GatedEngine):
    with running(build_app(engine)) as server, ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, server.client())
        wait_until(lambda: engine.begun)
        body = FORM + CAT + END
        connection = connect(server, len(body))
        connection.sendall(body)
        wait_until(lambda: admission(server).waiting == 1)
        connection.close()
        wait_until(lambda: admission(server).present == 1)
        engine.let()
        assert first.result().status_code == 200 and len(engine.begun) == 1


def test_client_that_leaves_during_its_upload_leaves_nothing(engine: GatedEngine, tmp_path: Path, monkeypatch):
    (tmp_path / "spool").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spool"))
    with running(build_app(engine)) as server:
        connection = connect(server, 10_000_000)
        connection.sendall(FORM + bytes(3_000_000))
        wait_until(lambda: admission(server).present == 1)
        connection.close()
        wait_until(lambda: admission(server).present == 0)
        assert not engine.begun and not list((tmp_path / "spool").iterdir())
        engine.let()
        assert post(server.client(), image=PRINT).status_code == 200
        assert not list((tmp_path / "spool").iterdir())


def test_upload_that_never_ends_is_cut_at_the_limit(engine: GatedEngine):
    with running(build_app(engine, Limits(upload_bytes=2_000_000))) as server:
        for length in (None, 2_000_001):
            connection = connect(server, length)
            if length is None:
                chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
                connection.sendall(b"%x\r\n" % len(FORM) + FORM + b"\r\n" + chunk * 31)
            assert answer_of(connection).startswith(b"HTTP/1.1 413 ")
        wait_until(lambda: admission(server).present == 0)


def test_upload_that_stalls_is_given_up(engine: GatedEngine):
    with running(build_app(engine, Limits(timeout_s=0.3))) as server:
        connection = connect(server, 1000)
        connection.sendall(FORM)
        assert answer_of(connection).startswith(b"HTTP/1.1 408 ")
        wait_until(lambda: admission(server).present == 0)


def test_painting_that_takes_too_long_is_given_up(engine: GatedEngine):
    with running(build_app(engine, Limits(timeout_s=0.3))) as server:
        answer = post(server.client())
        assert problem(answer) == (503, "the picture was not done within 0.3 s; try a smaller size")
        assert answer.headers["retry-after"] == "30" and engine.stopped == ["cat.png"]


@pytest.mark.parametrize("path", ["/api/v1/paint", "/api/v1/paint/stream"])
def test_client_that_takes_nothing_loses_its_place(path: str):
    with running(build_app(Engine(ONE_THREAD), Limits(timeout_s=5))) as server:
        body = FORM + photo_file(1400, 1000) + END
        with connect(server, len(body), path, receive_bytes=4096) as connection:
            connection.sendall(body)
            wait_until(lambda: admission(server).running == 1)
            wait_until(lambda: admission(server).running == 0)
            assert admission(server).present == 1  # painted, but not delivered
            wait_until(lambda: admission(server).present == 0)
            with connection.makefile("rb") as answer:
                assert len(answer.read()) < 2_000_000  # of more than 4
        assert post(server.client()).status_code == 200


def test_one_too_many_is_refused_before_its_upload(engine: GatedEngine):
    with running(build_app(engine, Limits(waiting=1))) as server, ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(post, server.client()) for _ in range(3)]
        wait_until(lambda: admission(server).present == 3)
        connection = connect(server, 1_000_000)  # and not a byte of it is sent
        assert answer_of(connection).startswith(b"HTTP/1.1 429 ")
        assert post(server.client()).headers["retry-after"] == "2"
        engine.let(3)
        assert [answer.result().status_code for answer in answers] == [200] * 3


def test_preview_is_painted_while_a_print_is(engine: GatedEngine):
    with running(build_app(engine)) as server, ThreadPoolExecutor(1) as pool:
        large = pool.submit(post, server.client(), image=PRINT, name="print.jpg", format="jpeg")
        wait_until(lambda: engine.begun == ["print.jpg"])
        small = threading.Thread(target=post, args=(server.client(),))
        small.start()
        wait_until(lambda: engine.begun == ["print.jpg", "cat.png"])
        assert not large.done()
        engine.let(2)
        assert large.result().headers["x-impasto-size"] == f"2000x{QUICK_PIXELS // 2000 + 1}"
        small.join()


def test_stream_tells_position_and_progress_as_they_come(engine: GatedEngine):
    with running(build_app(engine)) as server, ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, server.client())
        wait_until(lambda: engine.begun)
        fields = {"style": ["waves", "six"]}
        with server.client().stream("POST", "/api/v1/paint/stream", files={"image": CAT}, data=fields) as answer:
            lines = answer.iter_lines()
            assert next(lines) == '{"event": "waiting", "position": 1}'
            engine.let()
            assert next(lines) == '{"event": "begun", "style": "waves"}'
            assert next(lines).startswith('{"event": "progress", "style": "waves", "share": 0.5, "seconds_left": ')
            engine.let()
            assert any('"picture"' in line for line in (next(lines), next(lines)))
        wait_until(lambda: engine.stopped)  # the client has left before the second was painted
        assert first.result().status_code == 200


def test_many_at_once_are_all_painted():
    photos = [photo_file(64, 40 + number, f"{number}.png") for number in range(16)]

    def paint(number: int) -> bool:
        with server.client() as client:
            streamed = number % 4 == 0
            answer = post(client, "paint/stream" if streamed else "paint", photos[number], f"{number}.png")
            if streamed:
                return events(answer)[-1] == {"event": "end"}
            return answer.status_code == 200 and is_painted(answer.content, photos[number])

    with running(build_app(Engine(ONE_THREAD))) as server, ThreadPoolExecutor(16) as pool:
        assert all(pool.map(paint, range(16)))
        wait_until(lambda: admission(server).present == 0)


def test_end_lets_what_is_in_hand_finish_and_refuses_new(engine: GatedEngine):
    with running(build_app(engine)) as server, ThreadPoolExecutor(2) as pool:
        begun = pool.submit(post, server.client())
        wait_until(lambda: engine.begun)
        waits = pool.submit(post, server.client())
        wait_until(lambda: admission(server).waiting == 1)
        server.end(signal.SIGTERM)
        with server.client() as client:
            wait_until(lambda: client.get("/readyz").status_code == 503)
            assert problem(post(client))[0] == 503 and client.get("/healthz").status_code == 200
        assert not begun.done() and not server.has_ended
        engine.let(2)
        assert is_painted(begun.result().content) and is_painted(waits.result().content)
        wait_until(lambda: server.has_ended)
        with pytest.raises(httpx.ConnectError):
            server.client().get("/healthz")


def test_end_waits_no_longer_than_its_grace(engine: GatedEngine):
    with running(build_app(engine), grace_s=0.2) as server, ThreadPoolExecutor(1) as pool:
        begun = pool.submit(post, server.client())
        wait_until(lambda: engine.begun)
        server.end(signal.SIGTERM)
        wait_until(lambda: server.has_ended and engine.stopped)
        assert is_cut_off(begun)


def test_second_signal_ends_at_once(engine: GatedEngine):
    with running(build_app(engine)) as server, ThreadPoolExecutor(1) as pool:
        begun = pool.submit(post, server.client())
        wait_until(lambda: engine.begun)
        server.end(signal.SIGINT)
        server.end(signal.SIGINT)
        wait_until(lambda: server.has_ended and engine.stopped)
        assert is_cut_off(begun)
