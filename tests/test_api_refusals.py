"""The HTTP API where a request cannot be met: the right status, and one line that says what is wrong."""

import errno
from pathlib import Path
from typing import Any

import onnx
import pytest
from fastapi.testclient import TestClient
from serving import CAT, ONE_THREAD, api_with, client, events, post, problem
from toy_style import toy_card, write_model, write_toy_style

from models.card import METADATA_KEY
from serve.api.app import build_app
from serve.engine import Engine

pytest_plugins = ["serving_fixtures"]
pytestmark = pytest.mark.usefixtures("styles")


@pytest.mark.parametrize(
    ("fields", "status", "detail"),
    [
        ({"style": "night"}, 404, "there is no style 'night'; GET /api/v1/styles lists them"),
        ({"strength": "1.6"}, 422, "strength: input should be less than or equal to 1.5"),
        ({"strength": "-0.1"}, 422, "strength: input should be greater than or equal to 0"),
        ({"strength": "nan"}, 422, "strength: input should be "),
        ({"strength": "much"}, 422, "strength: input should be a valid number"),
        ({"brush_size": "0.2"}, 422, "brush_size: input should be greater than or equal to 0.25"),
        ({"brush_size": "4.1"}, 422, "brush_size: input should be less than or equal to 4"),
        ({"weights": "1,2"}, 422, "waves holds one painting only; leave the weights out"),
        ({"style": "six", "weights": "1,2"}, 422, "six holds 3 paintings (six_1, six_2, six_3), not 2 weights"),
        ({"style": "six", "weights": "0,0,0"}, 422, "weights must be 0 or more, and not all 0"),
        ({"weights": "1,-2"}, 422, "weights: string should match pattern"),
        ({"color": "mine"}, 422, "color: input should be 'painting', 'photo' or 'palette'"),
        ({"size": "31"}, 422, "size must be 32 px or more, or 0 for the photo's own, not 31"),
        ({"size": "33"}, 422, "cat.png would be painted at 33x21 px; each side needs 32 px"),
        ({"size": "50000"}, 413, "the result would have 50000 × 31250 pixels, over the limit of 200 megapixels"),
        ({"format": "gif"}, 422, "format: input should be 'png', 'jpeg', 'webp' or 'tiff'"),
        ({"format": "jpeg", "bits": "16"}, 422, "bits: jpeg holds 8 bits a channel; choose png or tiff for 16"),
        ({"bits": "12"}, 422, "bits: input should be"),
        ({"quality": "0"}, 422, "quality: input should be greater than or equal to 1"),
        ({"image": b"", "name": "e.png"}, 415, "e.png is empty (0 bytes); copy or export it again"),
        ({"image": b"GIF87 or so"}, 415, "cat.png is not a picture that can be read here; give a JPEG, PNG"),
        ({"image": CAT[: len(CAT) // 2]}, 415, "cat.png is a broken or truncated PNG file; copy or export it again"),
    ],
)
@pytest.mark.parametrize("path", ["paint", "paint/stream"])
def test_what_is_wrong_is_said(api: TestClient, path: str, fields: dict[str, Any], status: int, detail: str):
    answer = post(api, path, **fields)
    if path == "paint/stream" and answer.status_code == 200:  # what only the work finds out
        *_, failed, end = events(answer)
        assert failed["event"] == "failed" and failed["reason"].startswith(detail) and end == {"event": "end"}
    else:
        found = problem(answer)
        assert found[0] == status and found[1].startswith(detail)


@pytest.mark.parametrize("path", ["paint", "paint/stream"])
def test_fields_that_lack_are_named(api: TestClient, path: str):
    answer = api.post(f"/api/v1/{path}", data={"strength": "1"})
    assert problem(answer) == (422, "image: field required; style: field required")


@pytest.mark.parametrize(
    "name",
    ["../styles/waves", "./waves", "waves.onnx", "/etc/passwd", "..", "", "waves\0", "x" * 300, "wäves", "%2e%2e"],
)
def test_style_is_a_name_of_the_list_and_no_path(api: TestClient, styles: Path, name: str):
    write_toy_style(styles.parent / "outside.onnx")
    for style in (name, str(styles / "waves.onnx"), str(styles.parent / "outside.onnx"), "../outside"):
        status, detail = problem(post(api, style=style))
        assert (status, "waves.onnx" in detail) in ((404, style.endswith("waves.onnx")), (422, False))


def test_broken_style_is_said_without_its_folder(api: TestClient, styles: Path):
    write_model(styles / "plain.onnx", 1, {})
    write_model(styles / "cut.onnx", 1, {METADATA_KEY: toy_card().to_json()}, cut="strength")
    status, detail = problem(post(api, style="plain"))
    assert status == 404 and detail.startswith("the style 'plain' is broken: plain.onnx is no style")
    status, detail = problem(post(api, style="cut"))
    assert status in (404, 422) and "cut.onnx" in detail
    for text in (detail, api.get("/api/v1/styles").text):
        assert str(styles) not in text


def test_style_that_reads_other_files_is_refused(api: TestClient, styles: Path):
    model = onnx.load(styles / "waves.onnx")
    onnx.save(model, styles / "thief.onnx", save_as_external_data=True, location="secret", size_threshold=0)
    detail = "thief.onnx keeps its weights in other files, which is refused; export it as a single file"
    assert problem(post(api, style="thief")) == (422, detail)


def test_photo_over_the_limit_is_refused_by_its_header():
    api = api_with(pixels=64 * 40 - 1)
    for path in ("paint", "paint/stream", "inspect"):
        status, detail = problem(post(api, path))
        assert status == 413 and detail.startswith("cat.png has 64 × 40 pixels, over the limit of 0.002559 megapixels")
    assert post(api_with(pixels=64 * 40)).status_code == 200


def test_upload_over_the_limit_is_refused():
    room = len(CAT) + 1000
    assert post(api_with(upload_bytes=room)).status_code == 200
    detail = f"the upload is over the limit of {room / 1e6:g} MB; send a smaller file, or raise --max-upload"
    assert problem(post(api_with(upload_bytes=room), image=CAT + bytes(2000))) == (413, detail)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (b"--x\r\n" * 3, "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + bytes(9000) + b"\r\n--x--\r\n",
         "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * 300 + b"--x--\r\n",
         "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n1\r\n' * 2 + b"--x--\r\n",
         "multipart/form-data; boundary=x"),
    ],
)  # fmt: skip
def test_malformed_bodies_are_refused(api: TestClient, body: bytes, content_type: str):
    answer = api.post("/api/v1/paint", content=body, headers={"Content-Type": content_type})
    assert problem(answer)[0] == 400


def test_unknown_paths_and_methods_are_problems(api: TestClient):
    assert problem(api.get("/api/v1/nothing"))[0] == 404
    assert problem(api.get("/api/v1/paint"))[0] == 405
    assert problem(api.delete("/api/v1/styles"))[0] == 405


@pytest.mark.parametrize("where", ["starlette.datastructures.UploadFile.write", "serve.api.paint_job.picture_bytes"])
def test_full_disk_is_said(api: TestClient, monkeypatch: pytest.MonkeyPatch, where: str):
    def fails(*args: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(where, fails)
    answer = post(api)
    assert problem(answer) == (503, "the server's disk is full; try again when it has space")
    assert answer.headers["retry-after"] == "60"


def test_picture_that_does_not_fit_into_the_memory_is_said(monkeypatch: pytest.MonkeyPatch):
    def fails(*args: object) -> None:
        raise MemoryError

    engine = Engine(ONE_THREAD)
    monkeypatch.setattr(engine, "stylize", fails)
    answer = post(client(build_app(engine)))
    assert problem(answer) == (413, "the picture does not fit into the memory; choose a smaller size")


def test_fault_of_ours_is_one_line_without_details(monkeypatch: pytest.MonkeyPatch):
    engine = Engine(ONE_THREAD)

    def fails(*args: object) -> None:
        raise RuntimeError("secret: /home/me")

    monkeypatch.setattr(engine, "stylize", fails)
    answer = post(client(build_app(engine)))
    assert problem(answer) == (500, "a fault of ours (RuntimeError); the server's log says more")
