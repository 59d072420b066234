"""The API with its styles in a store."""

from collections.abc import Callable
from pathlib import Path

import pytest
from serving import ONE_THREAD, is_painted, post, problem, running, wait_until

from models import shared_folder
from serve.api.app import build_app
from serve.engine import Engine

pytest_plugins = ["serving_fixtures", "store_fixtures"]


def test_styles_of_a_store_are_waited_for(
    bucket: str, put: Callable[[str, bytes], str], styles: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("IMPASTO_STYLES_DIR", f"{bucket}/styles")
    monkeypatch.setattr(shared_folder, "LOOK_EVERY_S", 0.0)
    with running(build_app(Engine(ONE_THREAD))) as server, server.client() as client:
        wanted = "the folder of styles that IMPASTO_STYLES_DIR names is not there"
        wait_until(lambda: problem(client.get("/readyz")) == (503, wanted))
        put("styles/waves.onnx", (styles / "waves.onnx").read_bytes())
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert is_painted(post(client).content)
