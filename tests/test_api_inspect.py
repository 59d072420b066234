"""POST /api/v1/inspect: what is in a file, wherever it comes from."""

import base64
from io import BytesIO

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from serving import post, problem

from nst_core.picture import Picture, picture_bytes

pytest_plugins = ["serving_fixtures"]
pytestmark = pytest.mark.usefixtures("styles")


def test_inspect_tells_what_is_in_a_file(api: TestClient):
    found = post(api, "inspect").json()
    assert found == {
        "name": "cat.png", "width": 64, "height": 40, "bits": 8, "alpha": False, "settings": None, "preview": None,
    }  # fmt: skip
    clear = picture_bytes(Picture(np.zeros((40, 60, 3), np.uint16), np.full((40, 60), 9, np.uint16)), "clear.tif")
    found = post(api, "inspect", clear, "clear.tif").json()
    assert (found["bits"], found["alpha"]) == (16, True)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff"])
def test_inspect_gives_settings_back(api: TestClient, kind: str):
    painted = post(api, style="six", strength="0.5", weights="1,0,3", format=kind).content
    settings = post(api, "inspect", painted, "painted").json()["settings"]
    assert settings["command"] == "paint" and settings["style"]["name"] == "six"
    assert settings["options"]["strength"] == 0.5 and settings["options"]["weights"] == [1, 0, 3]


def test_inspect_shows_a_preview(api: TestClient):
    for side, size in ((32, (32, 20)), (4096, (64, 40))):
        preview = post(api, "inspect", preview=side).json()["preview"]
        start, data = preview.split(",")
        assert start == "data:image/jpeg;base64"
        with Image.open(BytesIO(base64.b64decode(data))) as image:
            assert (image.format, image.size) == ("JPEG", size)
    assert problem(post(api, "inspect", preview=5000))[0] == 422
    assert problem(post(api, "inspect", preview=-1))[0] == 422


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a": NaN, "b": "\\ud800", "c": 1e999}', {"a": None, "b": "\ud800", "c": None}),
        ("[" * 100_000, None),
        ('{"a": ' * 400 + "1" + "}" * 400, None),
        ("[1]", None),
        ("{", None),
    ],
)
def test_settings_of_strangers_do_no_harm(api: TestClient, text: str, wanted: object):
    info, file = PngInfo(), BytesIO()
    info.add_text("impasto", text)
    Image.new("RGB", (40, 40)).save(file, "PNG", pnginfo=info)
    answer = post(api, "inspect", file.getvalue())
    assert answer.status_code == 200
    settings = answer.json()["settings"]
    assert settings == wanted or text.startswith('{"a": {')
