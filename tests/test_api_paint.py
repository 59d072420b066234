"""POST /api/v1/paint and its stream: what is painted is what the engine and the command paint."""

import base64
import hashlib
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from serving import CAT, ONE_THREAD, events, is_painted, post, problem, write_style
from toy_style import toy_card, write_toy_style

from impasto.main import main
from models import catalog
from nst_core.picture import Picture, picture_bytes, read_picture_bytes
from serve.engine import Engine
from serve.paint_options import PaintOptions

DEEP = picture_bytes(Picture(np.random.default_rng(1).integers(0, 65536, (40, 64, 3), np.uint16)), "deep.png")


pytest_plugins = ["serving_fixtures"]
pytestmark = pytest.mark.usefixtures("styles")


def test_picture_is_what_the_network_makes(api: TestClient):
    answer = post(api)
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    assert is_painted(answer.content)
    assert answer.headers["x-impasto-size"] == "64x40" and float(answer.headers["x-impasto-seconds"]) >= 0
    assert answer.headers["content-disposition"].startswith('attachment; filename="cat-waves.png"; ')
    assert answer.headers["cache-control"] == "no-store"


def test_a_style_that_goes_while_it_is_painted_with_is_recorded_all_the_same(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
):
    stylize, found = Engine.stylize, catalog.find_style("waves")
    wanted = hashlib.sha256(found.path.read_bytes()).hexdigest()

    def last(engine: Engine, *asked: Any) -> Picture:
        painted = stylize(engine, *asked)
        found.path.unlink()
        return painted

    monkeypatch.setattr(Engine, "stylize", last)
    settings = read_picture_bytes(post(api).content, "result").settings
    assert settings and settings["style"] == {"name": "waves", "sha256": wanted}
    status, detail = problem(post(api))
    assert status == 404 and "there is no style 'waves'" in detail


def test_options_reach_the_engine(api: TestClient):
    options = PaintOptions(size=96, strength=0.5, brush_size=0.5, weights=(1, 0, 3), color="photo")
    answer = post(api, style="six", strength="0.5", brush_size="0.5", weights="1,0,3", color="photo", size="96")
    assert answer.headers["x-impasto-size"] == "96x60"
    painted = Engine(ONE_THREAD).stylize(read_picture_bytes(CAT, "cat"), catalog.find_style("six"), options)
    assert np.array_equal(read_picture_bytes(answer.content, "result").pixels, painted.pixels)


@pytest.mark.parametrize(
    ("kind", "media_type", "suffix", "tolerance"),
    [("png", "image/png", "png", 0.002), ("jpeg", "image/jpeg", "jpg", 0.3), ("webp", "image/webp", "webp", 0.002),
     ("tiff", "image/tiff", "tif", 0.002)],
)  # fmt: skip
def test_formats(api: TestClient, kind: str, media_type: str, suffix: str, tolerance: float):
    answer = post(api, format=kind, quality="100")
    assert answer.headers["content-type"] == media_type
    assert f'filename="cat-waves.{suffix}"' in answer.headers["content-disposition"]
    assert Image.open(BytesIO(answer.content)).format == kind.upper()
    assert is_painted(answer.content, tolerance=tolerance)


def test_quality_is_that_of_the_file(api: TestClient):
    sizes = [len(post(api, format="jpeg", quality=quality).content) for quality in ("20", "60", "95")]
    assert sizes == sorted(sizes) and sizes[0] < 0.7 * sizes[2]


@pytest.mark.parametrize(("bits", "wanted"), [("", 16), ("8", 8), ("16", 16)])
def test_bits(api: TestClient, bits: str, wanted: int):
    answer = post(api, image=DEEP, format="tiff", bits=bits)
    assert read_picture_bytes(answer.content, "result").bit_depth == wanted
    assert is_painted(answer.content, DEEP, tolerance=1 / 255)


def test_settings_are_those_of_the_command(api: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(CAT)
    options: dict[str, Any] = {"style": "six", "strength": "0.5", "weights": "1,0,3", "color": "photo", "size": "96"}
    assert (
        main(["paint", "cat.png", "-o", "out.png", *(word for k, v in options.items() for word in (f"--{k}", v))]) == 0
    )
    by_command = read_picture_bytes(Path("out.png").read_bytes(), "out").settings
    by_api = read_picture_bytes(post(api, **options).content, "out").settings
    assert by_command and by_api
    assert by_api["photo"] == {"file": "cat.png", "sha256": hashlib.sha256(CAT).hexdigest()}
    assert {**by_api, "seconds": 0} == {**by_command, "seconds": 0}


@pytest.mark.parametrize(
    ("given", "called", "stored"),
    [
        ("../../etc/pass wd.png", "pass wd-waves.png", "pass wd.png"),
        ("C:\\photos\\cat.png", "cat-waves.png", "cat.png"),
        ("ça vä?.jpg", "ça vä?-waves.png", "ça vä?.jpg"),
        ("a\u202eb.png", "ab-waves.png", "ab.png"),
        ("..", "photo-waves.png", "photo"),
        ("x" * 300 + ".png", "x" * 96 + "-waves.png", "x" * 96 + ".png"),
    ],
)
def test_name_of_the_photo_is_a_name_only(api: TestClient, given: str, called: str, stored: str):
    answer = post(api, name=given)
    assert answer.status_code == 200
    settings = read_picture_bytes(answer.content, "result").settings
    assert settings is not None and settings["photo"]["file"] == stored
    (name,) = re.findall(r"filename\*=UTF-8''(\S+)$", answer.headers["content-disposition"])
    assert unquote(name) == called


def test_a_new_style_is_there_at_once_and_a_changed_one_too(api: TestClient, styles: Path):
    assert problem(post(api, style="night"))[0] == 404
    write_style(styles / "night.onnx")
    assert is_painted(post(api, style="night").content)
    write_style(styles / "night.onnx", 2)
    assert is_painted(post(api, style="night").content, weights=(1, 1))


def test_stream_tells_all_of_each_style_and_ends(api: TestClient):
    found = events(post(api, "paint/stream", style=["waves", "six", "waves"], format="tiff"))
    assert found[-1] == {"event": "end"} and {event["event"] for event in found} <= {
        "waiting", "begun", "progress", "picture", "end",
    }  # fmt: skip
    pictures = [event for event in found if event["event"] == "picture"]
    assert [event["style"] for event in pictures] == ["waves", "six"]
    for event, weights in zip(pictures, [(1,), (1, 1, 1)], strict=True):
        assert event.keys() == {"event", "style", "media_type", "filename", "width", "height", "seconds", "data"}
        assert (event["media_type"], event["width"], event["height"]) == ("image/tiff", 64, 40)
        assert event["filename"] == f"cat-{event['style']}.tif"
        assert is_painted(base64.b64decode(event["data"]), weights=weights)
        begun = found.index({"event": "begun", "style": event["style"]})
        between = found[begun + 1 : found.index(event)]
        assert all(other["style"] == event["style"] and 0 < other["share"] <= 1 for other in between)


def test_stream_goes_on_after_a_style_that_fails(api: TestClient, styles: Path, monkeypatch: pytest.MonkeyPatch):
    write_toy_style(styles / "other.onnx", 1, toy_card(paintings=2))  # its card promises another network
    found = [
        event for event in events(post(api, "paint/stream", style=["other", "waves"])) if event["event"] != "progress"
    ]
    names = [(event["event"], event.get("style")) for event in found]
    assert names[-3:] == [("begun", "waves"), ("picture", "waves"), ("end", None)]
    (failed,) = (event for event in found if event["event"] == "failed")
    assert failed["style"] == "other" and failed["reason"].startswith("other.onnx cannot be painted with")


def test_picture_of_several_pieces_is_whole(api: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("serve.api.stream.CHUNK_BYTES", 3 << 8)
    (picture,) = (event for event in events(post(api, "paint/stream")) if event["event"] == "picture")
    assert len(base64.b64decode(picture["data"])) > 4 * (3 << 8)
    assert is_painted(base64.b64decode(picture["data"]))
