"""GET /api/v1/styles and thumbnails: what is in the folders now, read no more often than needed."""

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from serving import CAT, ONE_THREAD, client, problem
from toy_style import toy_card, write_model, write_toy_style

from models import catalog
from serve.api.app import build_app
from serve.engine import Engine

pytest_plugins = ["serving_fixtures"]
pytestmark = pytest.mark.usefixtures("styles")


def test_styles_are_listed_with_their_cards(api: TestClient, styles: Path):
    palette = toy_card("six", paintings=3, title="Six", size_px=512)
    painters = (replace(palette.paintings[0], artist="H. Hilma"), *palette.paintings[1:])
    write_toy_style(styles / "six.onnx", 3, replace(palette, paintings=painters))
    write_model(styles / "plain.onnx", 1, {})
    found = api.get("/api/v1/styles").json()
    assert found.keys() == {"styles", "broken", "strength", "brush_size"}
    assert (found["strength"], found["brush_size"]) == ([0, 1.5], [0.25, 4])
    six, waves = found["styles"]
    thumbnail = six.pop("thumbnail")
    assert six == {
        "name": "six",
        "title": "Six",
        "artist": "H. Hilma, A. Painter",
        "license": "public domain",
        "paintings": [
            {"name": f"six_{n}", "title": f"Six_{n}", "artist": artist, "license": "public domain"}
            for n, artist in enumerate(("H. Hilma", "A. Painter", "A. Painter"), 1)
        ],
        "network": "toy",
        "steps": 300,
        "size_px": 512,
        "created": "2025-01-02",
        "figures": {"judge": 0.8125, "parity": {"512": 1e-4}},
    }
    assert waves["name"] == "waves" and re.fullmatch(r"/api/v1/styles/six/thumbnail\?v=[0-9a-f]{16}", thumbnail)
    (broken,) = found["broken"]
    assert broken["file"] == "plain.onnx" and broken["reason"].startswith("plain.onnx is no style: it has no card")


def test_files_are_read_again_only_when_they_have_changed(
    api: TestClient, styles: Path, monkeypatch: pytest.MonkeyPatch
):
    reads: list[Path] = []
    real = catalog.read_style
    monkeypatch.setattr(catalog, "read_style", lambda path: reads.append(path) or real(path))
    for _ in range(3):
        assert len(api.get("/api/v1/styles").json()["styles"]) == 2
    assert len(reads) == 2
    (styles / "six.onnx").unlink()
    assert [style["name"] for style in api.get("/api/v1/styles").json()["styles"]] == ["waves"]


def test_thumbnail_of_a_style_that_ships_is_its_sample(api: TestClient, tmp_path: Path):
    write_toy_style(tmp_path / "shipped" / "night.onnx")
    (tmp_path / "shipped" / "samples").mkdir()
    (tmp_path / "shipped" / "samples" / "night.png").write_bytes(CAT)
    answer = api.get("/api/v1/styles/night/thumbnail")
    assert answer.headers["content-type"] == "image/png" and answer.content == CAT


def test_thumbnail_of_another_style_is_painted_once(styles: Path, monkeypatch: pytest.MonkeyPatch):
    engine = Engine(ONE_THREAD)
    painted: list[str] = []
    real = engine.stylize
    monkeypatch.setattr(engine, "stylize", lambda photo, style: painted.append(style.name) or real(photo, style))
    api = client(build_app(engine))
    first, again = (api.get("/api/v1/styles/waves/thumbnail") for _ in range(2))
    with Image.open(BytesIO(first.content)) as image:
        assert (image.format, max(image.size)) == ("PNG", 256)
    assert first.content == again.content and painted == ["waves"]
    write_toy_style(styles / "waves.onnx", 2)
    changed = api.get("/api/v1/styles/waves/thumbnail")
    assert changed.content != first.content and changed.headers["etag"] != first.headers["etag"]


def test_thumbnail_may_be_kept(api: TestClient):
    address = next(
        style["thumbnail"] for style in api.get("/api/v1/styles").json()["styles"] if style["name"] == "waves"
    )
    answer = api.get(address)
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert api.get("/api/v1/styles/waves/thumbnail").headers["cache-control"] == "private, no-cache"
    same = api.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", answer.headers["etag"])
    assert api.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_thumbnail_of_no_style_is_not_found(api: TestClient):
    assert problem(api.get("/api/v1/styles/night/thumbnail"))[0] == 404
    assert problem(api.get("/api/v1/styles/..%2fstyles%2fwaves/thumbnail"))[0] == 404
