"""Styles in a store that many machines share, as each of them sees them."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_style import toy_card, write_toy_style

from models import catalog, shared_folder
from models.catalog import find_style, styles
from nst_core import fetch
from nst_core.errors import ConfigError
from nst_core.storage_errors import Unreachable

pytest_plugins = ["store_fixtures"]


@pytest.fixture(autouse=True)
def shared(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No style ships, and the user's own are in the bucket, which is looked at whenever somebody asks."""
    monkeypatch.setattr(catalog, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.setenv("IMPASTO_STYLES_DIR", f"{bucket}/styles/")
    monkeypatch.setattr(shared_folder, "LOOK_EVERY_S", 0.0)


def style(tmp_path: Path, seed: int) -> bytes:
    path = tmp_path / "toy.onnx"
    write_toy_style(path, card=toy_card("toy", seed=seed))
    return path.read_bytes()


def wait_for(**wanted: bytes) -> None:
    """Styles are asked for until there are these."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in wanted.items()}
    end = time.monotonic() + 60
    while {style.name: style.sha256 for style in styles()} != hashes:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_is_in_the_store_can_be_painted_with(put: Callable[[str, bytes], str], tmp_path: Path):
    put("styles/sun.onnx", style(tmp_path, 0))
    put("styles/read.me", b"no style")
    assert [found.name for found in styles()] == ["sun"]
    assert find_style("sun").path.read_bytes() == style(tmp_path, 0)


def test_what_another_machine_puts_there_or_replaces_or_takes_away_follows(
    put: Callable[[str, bytes], str], client, bucket: str, tmp_path: Path
):
    sun, moon, new = (style(tmp_path, seed) for seed in range(3))
    put("styles/sun.onnx", sun)
    assert [found.name for found in styles()] == ["sun"]
    put("styles/moon.onnx", moon)
    put("styles/sun.onnx", new)
    wait_for(sun=new, moon=moon)
    client.delete_object(Bucket=bucket.removeprefix("s3://"), Key="styles/sun.onnx")
    wait_for(moon=moon)


def test_without_network_what_came_before_is_there_and_one_line_tells(
    put: Callable[[str, bytes], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    put("styles/sun.onnx", style(tmp_path, 0))
    assert [found.name for found in styles()] == ["sun"]

    def broken(url: str, *rest: object) -> None:
        raise Unreachable(f"{url} cannot be reached")

    monkeypatch.setattr(shared_folder, "bring", broken)
    end = time.monotonic() + 60
    while not caplog.messages and time.monotonic() < end:
        styles()
    for _ in range(20):
        assert [found.name for found in styles()] == ["sun"]
    assert [line for line in caplog.messages if "cannot be reached; the styles that came before" in line] == [
        caplog.messages[0]
    ]


def test_asking_does_not_wait_for_a_store_that_hangs(
    put: Callable[[str, bytes], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    put("styles/sun.onnx", style(tmp_path, 0))
    styles()
    monkeypatch.setattr(shared_folder, "bring", lambda *what: time.sleep(2.0))
    began = time.monotonic()
    for _ in range(5):
        assert [found.name for found in styles()] == ["sun"]
    assert time.monotonic() - began < 1.0


def test_the_store_is_not_asked_more_often_than_said(
    put: Callable[[str, bytes], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    put("styles/sun.onnx", style(tmp_path, 0))
    monkeypatch.setattr(shared_folder, "LOOK_EVERY_S", 1000.0)
    asked = []
    bring = fetch.bring
    monkeypatch.setattr(shared_folder, "bring", lambda *what: asked.append(what) or bring(*what))
    for _ in range(5):
        assert [found.name for found in styles()] == ["sun"]
    assert len(asked) == 1


def test_a_style_is_named_by_its_url(put: Callable[[str, bytes], str], tmp_path: Path):
    url = put("elsewhere/night.onnx", style(tmp_path, 0))
    found = find_style(url)
    assert (found.name, found.path.read_bytes()) == ("night", style(tmp_path, 0))


def test_a_folder_with_a_key_in_its_url_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IMPASTO_STYLES_DIR", "sftp://anna:nevertell@host/styles")
    with pytest.raises(ConfigError, match=r"^sftp://host/styles: leave names, passwords and keys out") as error:
        styles()
    assert "nevertell" not in str(error.value)
