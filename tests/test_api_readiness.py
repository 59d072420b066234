"""Liveness and readiness: what a balancer is told before, during and after work."""

import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from serving import HOST, ONE_THREAD, GatedEngine, client, is_painted, post, problem, running, wait_until
from toy_style import write_toy_style

from models.catalog import Style
from nst_core.errors import ConfigError, ModelError
from serve.api import readiness
from serve.api.app import build_app
from serve.api.guard import Access
from serve.api.limits import Limits
from serve.api.server import Server, bind
from serve.api.style_list import StyleList
from serve.engine import Engine

pytest_plugins = ["serving_fixtures"]
pytestmark = pytest.mark.usefixtures("styles")


class FallibleEngine(Engine):
    """Fails where the test wants it to, as with a card that has fallen off its bus."""

    def __init__(self) -> None:
        super().__init__(ONE_THREAD)
        self.fails = False
        self.rehearsed: list[str] = []

    def rehearse(self, style: Style) -> None:
        self.rehearsed.append(style.name)
        self._fail(style)
        super().rehearse(style)

    def stylize(self, picture, style, options=None, progress=None, retouch=None):
        self._fail(style)
        return super().stylize(picture, style, options, progress, retouch)

    def _fail(self, style: Style) -> None:
        if self.fails:
            raise ModelError(f"{style.path} cannot be painted with: CUDA failure 700")


def test_server_with_styles_is_ready(api: TestClient):
    for path in ("/healthz", "/readyz"):
        assert (api.get(path).status_code, api.get(path).json()) == (200, {"status": "ok"})


def test_server_that_ends_is_alive_but_not_ready(api: TestClient):
    api.app.state.service.admission.leave()  # type: ignore[attr-defined]
    assert api.get("/healthz").status_code == 200
    assert problem(api.get("/readyz")) == (503, "the server is shutting down")


def test_server_is_ready_once_there_is_a_style(api: TestClient, styles: Path):
    for path in styles.iterdir():
        path.unlink()
    assert problem(api.get("/readyz")) == (503, "there are no styles")
    (styles / "half.onnx").write_bytes(b"\x08\x08")
    assert problem(api.get("/readyz")) == (503, "there are no styles")
    write_toy_style(styles / "new.onnx")
    assert api.get("/readyz").status_code == api.get("/healthz").status_code == 200


def test_server_without_the_folder_that_it_was_given_is_not_ready(api: TestClient, styles: Path):
    away = styles.rename(styles.with_name("away"))  # as where a share is not mounted
    wanted = "the folder of styles that IMPASTO_STYLES_DIR names is not there"
    assert problem(api.get("/readyz")) == (503, wanted)
    away.rename(styles)
    assert api.get("/readyz").status_code == 200


def test_network_is_not_opened_for_each_question():
    engine = FallibleEngine()
    api = client(build_app(engine))
    assert [api.get("/readyz").status_code for _ in range(5)] == [200] * 5 and engine.rehearsed == ["six"]


def test_engine_that_fails_is_tried_until_it_works_again():
    engine = FallibleEngine()
    api = client(build_app(engine))
    assert api.get("/readyz").status_code == 200
    engine.fails = True
    assert api.get("/readyz").status_code == 200  # nobody has asked for a picture yet
    assert problem(post(api))[0] == 422
    wanted = "no style can be painted with: six.onnx cannot be painted with: CUDA failure 700"
    assert [problem(api.get("/readyz")) for _ in range(2)] == [(503, wanted)] * 2
    assert api.get("/healthz").status_code == 200
    engine.fails = False
    assert api.get("/readyz").status_code == 200 and engine.rehearsed == ["six", *["six", "waves"] * 2, "six"]


def test_one_broken_style_leaves_the_server_ready(api: TestClient, styles: Path):
    whole = (styles / "six.onnx").read_bytes()
    (styles / "six.onnx").write_bytes(whole.replace(b"strength", b"strangth"))  # its card is whole, its network is not
    assert {style["name"] for style in api.get("/api/v1/styles").json()["styles"]} == {"six", "waves"}
    assert problem(post(api, style="six"))[0] == 422
    assert api.get("/readyz").status_code == 200 and is_painted(post(api).content)


def test_full_server_is_not_ready():
    engine = GatedEngine()
    with running(build_app(engine, Limits(waiting=0))) as server, ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(post, server.client()) for _ in range(2)]
        wait_until(lambda: server.app.state.service.admission.present == 2)
        with server.client() as client:
            assert problem(client.get("/readyz")) == (503, "2 requests are in hand, as many as are taken on")
            assert client.get("/healthz").status_code == 200
            engine.let(2)
            assert all(is_painted(answer.result().content) for answer in answers)
            wait_until(lambda: client.get("/readyz").status_code == 200)


def test_folder_that_does_not_answer_holds_up_no_probe(monkeypatch: pytest.MonkeyPatch):
    answers, asked = threading.Event(), []
    real = StyleList.catalog
    monkeypatch.setattr(StyleList, "catalog", lambda list: (asked.append(1), answers.wait(), real(list))[-1])
    monkeypatch.setattr(readiness, "PATIENCE_S", 0.05)
    with running(build_app(Engine(ONE_THREAD))) as server, server.client() as client:
        for _ in range(50):  # more than there are threads for requests
            assert problem(client.get("/readyz")) == (503, "the styles are still being looked at")
        assert len(asked) == 1 and client.get("/healthz").status_code == 200
        answers.set()
        wait_until(lambda: client.get("/readyz").status_code == 200)


def test_folder_that_cannot_be_read_is_said_without_its_place(api: TestClient, monkeypatch: pytest.MonkeyPatch):
    def stale(list: StyleList) -> None:
        raise OSError(116, "Stale file handle", "/mnt/secret/styles")

    monkeypatch.setattr(StyleList, "catalog", stale)
    assert problem(api.get("/readyz")) == (503, "the styles cannot be read: Stale file handle")


def test_probes_need_no_token_and_no_name_that_is_served():
    api = client(build_app(Engine(ONE_THREAD), access=Access(token="0123456789abcdef")))
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 403)):
        assert api.get(path, headers={"Host": "10.0.0.7:7860"}).status_code == status
    assert api.get("/metrics").status_code == 401
    assert api.get("/readyz", headers={"Origin": "http://evil.example"}).status_code == 403


def test_probes_are_answered_while_pictures_are_painted():
    engine = GatedEngine()
    with running(build_app(engine)) as server, ThreadPoolExecutor(1) as pool, server.client() as client:
        begun = pool.submit(post, server.client())
        wait_until(lambda: engine.begun)
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
        assert not begun.done()
        engine.let()


def test_drained_server_says_that_it_ends_and_still_takes_work_on():
    with running(build_app(Engine(ONE_THREAD)), drain_s=3.0) as server, server.client() as client:
        assert client.get("/readyz").status_code == 200
        end = time.monotonic() + 3.0
        server.end(signal.SIGTERM)
        wait_until(lambda: client.get("/readyz").status_code == 503)
        answer = post(client)
        assert is_painted(answer.content) and answer.headers["connection"] == "close"
        wait_until(lambda: server.has_ended)
        assert time.monotonic() > end
        with socket.socket() as other:
            assert other.connect_ex((HOST, server.port)) != 0


def test_nobody_is_let_in_before_the_server_runs():
    with bind(HOST, 0) as address:
        port = address.getsockname()[1]
        with socket.socket() as other:
            assert other.connect_ex((HOST, port)) != 0
        with bind(HOST, port) as second:  # nobody listens there yet
            second.listen()
            app = build_app(Engine(ONE_THREAD))
            server = Server(app, app.state.service.admission, lambda: None, lambda count: None)
            with pytest.raises(ConfigError, match=f"--port {port} is taken"):
                server.run([address])
