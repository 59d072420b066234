"""Several servers behind one address: they answer alike, follow the same styles, and come and go without a failure."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from balancing import PATIENCE_S, Balancer, Replica
from fastapi.testclient import TestClient
from serving import HOST, ONE_THREAD, client, events, is_painted, pixels, post, problem
from toy_style import toy_card, write_toy_style

from serve.api.app import build_app
from serve.api.guard import Access
from serve.engine import Engine

pytest_plugins = ["serving_fixtures"]
pytestmark = pytest.mark.usefixtures("styles")
TOKEN = "0123456789abcdef"
CLIENTS = 8


def replica() -> TestClient:
    return client(build_app(Engine(ONE_THREAD), access=Access(token=TOKEN)))


def test_machines_with_copies_of_the_same_styles_answer_alike(
    styles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    paths = ("/api/v1/styles", "/api/v1/styles/waves/thumbnail", "/openapi.json")

    def all_answers() -> tuple[list[bytes], list[str], np.ndarray]:
        api = replica()
        api.headers.update(headers)
        answers = [api.get(path) for path in paths]
        return [each.content for each in answers], [each.headers.get("etag", "") for each in answers], pixels(
            post(api, style="six", weights="1,0,2").content
        )  # fmt: skip

    contents, tags, painted = all_answers()
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(styles, elsewhere)
    for path in elsewhere.iterdir():
        os.utime(path, (1e9, 1e9))
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(elsewhere))
    other_contents, other_tags, other_painted = all_answers()
    assert other_contents == contents and other_tags == tags and np.array_equal(other_painted, painted)
    assert tags[1] and json.loads(contents[0])["styles"][1]["name"] == "waves"


def test_page_that_one_let_in_is_let_in_by_all():
    first, second = replica(), replica()
    assert second.get("/api/v1/styles").status_code == 401
    first.get("/", params={"token": TOKEN}, follow_redirects=False)
    second.cookies.update(first.cookies)
    assert second.get("/api/v1/styles").status_code == 200


def test_style_of_a_shared_folder_comes_changes_and_goes_in_all_without_harm(styles: Path, tmp_path: Path):
    both = replica(), replica()
    for each in both:
        each.headers["Authorization"] = f"Bearer {TOKEN}"
    write_toy_style(tmp_path / "new.onnx", card=toy_card("new", size_px=64))
    whole, shared = (tmp_path / "new.onnx").read_bytes(), styles / "new.onnx"
    for size in range(0, len(whole), len(whole) // 7 + 1):  # as another machine copies it
        shared.write_bytes(whole[:size])
        for each in both:
            found = each.get("/api/v1/styles").json()
            assert [style["name"] for style in found["styles"]] == ["six", "waves"]
            assert [broken["file"] for broken in found["broken"]] == ["new.onnx"]
            assert problem(post(each, style="new"))[0] == 404 and each.get("/readyz").status_code == 200
    shared.write_bytes(whole)
    assert all(is_painted(post(each, style="new").content) for each in both)
    (first, tag), (second, same) = ((each.content, each.headers["etag"]) for each in map(thumbnail, both))
    assert first == second and tag == same
    shutil.copy(styles / "six.onnx", shared)
    assert all(post(each, style="new", weights="1,0,0").status_code == 200 for each in both)
    assert {each.headers["etag"] for each in map(thumbnail, both)} != {tag}
    shared.unlink()
    for each in both:
        assert problem(post(each, style="new"))[0] == problem(thumbnail(each))[0] == 404
        assert is_painted(post(each).content)


def thumbnail(api: TestClient) -> Any:
    return api.get("/api/v1/styles/new/thumbnail")


@pytest.fixture
def replicas(styles: Path) -> Iterator[list[Replica]]:
    found = [Replica(), Replica()]
    yield found
    for each in found:
        each.end()


@pytest.fixture
def balancer(replicas: list[Replica]) -> Iterator[Balancer]:
    found = Balancer(replicas)
    found.wait_for(*replicas)
    yield found
    found.close()


class Clients:
    """Some who paint without a pause."""

    def __init__(self, url: str) -> None:
        self.failures: list[object] = []
        self._url, self._ended = url, threading.Event()
        self._threads = [threading.Thread(target=self._paint, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _paint(self, number: int) -> None:
        with httpx.Client(base_url=self._url, timeout=PATIENCE_S, trust_env=False, headers={"Host": HOST}) as api:
            while not self._ended.is_set():
                if number % 2:
                    answer = post(api)
                    if answer.status_code != 200 or not is_painted(answer.content):
                        self.failures.append(answer.status_code)
                    continue
                answer = post(api, "paint/stream", style=["waves", "six"])
                if answer.status_code != 200:
                    self.failures.append(answer.status_code)
                elif [each["event"] for each in events(answer) if each["event"] in ("picture", "failed", "end")] != [
                    "picture", "picture", "end",
                ]:  # fmt: skip
                    self.failures.append(answer.text[-200:])


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_servers_are_started_anew_one_after_another_and_nobody_notices(replicas: list[Replica], balancer: Balancer):
    first, second = replicas
    with Clients(balancer.url) as clients:
        wait_until(lambda: balancer.answered[first.port] and balancer.in_hand[first.port])
        assert first.send(signal.SIGTERM) == 0 and first.status("/healthz") == 0
        first.start()
        balancer.wait_for(first, second)
        before = balancer.answered[first.port]
        wait_until(lambda: balancer.in_hand[second.port])
        assert second.send(signal.SIGTERM) == 0
        wait_until(lambda: balancer.answered[first.port] > before + CLIENTS)
    assert not clients.failures and not balancer.lost.total()


def test_server_that_is_killed_takes_only_what_it_had_in_hand(replicas: list[Replica], balancer: Balancer):
    first, second = replicas
    with Clients(balancer.url) as clients:
        wait_until(lambda: balancer.answered[first.port] and balancer.in_hand[first.port])
        assert first.send(signal.SIGKILL) == -signal.SIGKILL
        before = balancer.answered[second.port]
        wait_until(lambda: balancer.answered[second.port] > before + 3 * CLIENTS)
        first.start()
        balancer.wait_for(first, second)
        answered = balancer.answered[first.port]
        wait_until(lambda: balancer.answered[first.port] > answered)
    assert set(clients.failures) == {502} and len(clients.failures) == balancer.lost[first.port] <= CLIENTS
    assert not balancer.lost[second.port]
