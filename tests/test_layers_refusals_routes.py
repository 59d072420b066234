"""What the Layers tab is refused by the server, in a line: descriptions, pictures and sizes that make no sense."""

import json
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import strategies
from layered_photo import drawn_photo
from layers_api import PATH, Pictures, as_png, events, failure, post, server, wish_of
from serving import client, problem
from starlette.exceptions import HTTPException

from nst_core.picture import write_picture
from serve.api.app import build_app
from serve.api.guard import Access
from serve.engine import Engine
from serve.providers import ComputeOptions
from studio.layers.tab.forms import read_stack
from studio.layers.tab.tab import mount_layers

pytest_plugins = ["layers_fixtures"]


GOOD = {"name": "x", "opacity": 1, "visible": True, "blend": "normal", "key": "x", "mask": "made"}


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        ("", "stack: "),
        ("{", "stack: "),
        ("[]", "stack: "),
        ({"children": []}, "stack: children"),
        ({"children": [GOOD | {"opacity": 2}]}, "opacity"),
        ({"children": [GOOD | {"opacity": None}]}, "opacity"),
        ({"children": [GOOD | {"blend": "dissolve"}]}, "blend"),
        ({"children": [GOOD | {"blend": "pass_through"}]}, "blend"),
        ({"children": [GOOD | {"name": ""}]}, "name"),
        ({"children": [GOOD | {"name": "a\nb"}]}, "name"),
        ({"children": [GOOD | {"name": "a" * 401}]}, "name"),
        ({"children": [GOOD | {"path": "/etc/passwd"}]}, "path"),
        ({"children": [GOOD | {"mask": -1}]}, "mask"),
        ({"children": [GOOD | {"mask": 0}]}, "names mask 0 of 0"),
        ({"children": [GOOD] * 301}, "stack: "),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(
    tab_api: TestClient, pictures: Pictures, stack: Any, said: str
) -> None:
    text = stack if isinstance(stack, str) else json.dumps(stack)
    status, detail = problem(post(tab_api, "file", pictures, stack=text))
    assert status == 422 and said in detail


def test_groups_may_be_ten_deep(tab_api: TestClient, pictures: Pictures) -> None:
    node: dict[str, Any] = GOOD
    for _ in range(10):
        node = {"name": "g", "opacity": 1, "visible": True, "blend": "normal", "children": [node]}
    status, detail = problem(post(tab_api, "file", pictures, stack=json.dumps({"children": [node]})))
    assert (status, "more than 10 deep" in detail) == (422, True)
    deep = '{"children":' + "[" * 5000 + "]" * 5000 + "}"
    assert problem(post(tab_api, "file", pictures, stack=deep))[0] == 422


@hypothesis.settings(max_examples=60)
@hypothesis.given(
    strategies.recursive(
        strategies.none() | strategies.booleans() | strategies.floats() | strategies.text(max_size=5),
        lambda inner: (
            strategies.lists(inner, max_size=3)
            | strategies.dictionaries(
                strategies.sampled_from(["children", "name", "opacity", "visible", "blend", "key", "mask"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_no_description_brings_the_reading_down(description: Any) -> None:
    with pytest.raises(HTTPException) as refused:
        read_stack(json.dumps(description), 0)
    assert refused.value.status_code == 422 and "\n" not in refused.value.detail


def test_what_is_wrong_with_the_pictures_is_told_in_a_line(
    tmp_path: Path, tab_api: TestClient, pictures: Pictures, description: list[dict[str, Any]]
) -> None:
    photo, renders = pictures
    assert problem(post(tab_api, "preview", (photo, []))) == (
        422,
        "a stack takes a photo, and at least one painted version of it",
    )
    (tmp_path / "text.png").write_text("no picture")
    status, detail = problem(post(tab_api, "preview", (photo, [tmp_path / "text.png"])))
    assert status == 415 and detail.startswith("text.png") and str(tmp_path) not in detail
    write_picture(drawn_photo(160, 160), tmp_path / "square.png")
    said = failure(post(tab_api, "preview", (photo, [*renders, tmp_path / "square.png"])))
    assert "square.png" in said and "/" not in said.replace("160/160", "")
    whole = renders[0].read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    said = failure(post(tab_api, "preview", (photo, [tmp_path / "cut.png"])))
    assert said.startswith("cut.png") and "\n" not in said
    wish = json.dumps({"children": wish_of(description, waves={"mask": 0})})
    said = failure(post(tab_api, "file", pictures, [as_png(np.zeros((10, 10), np.uint8))], stack=wish))
    assert said.startswith("mask 0 has 10 × 10 px, the picture 240 × 160")
    said = failure(post(tab_api, "file", pictures, stack=json.dumps({"children": [GOOD]})))
    assert said.startswith("stack: no layer x was made of these pictures")


def test_names_of_files_lead_nowhere(tab_api: TestClient, pictures: Pictures) -> None:
    photo, renders = pictures
    files = [("photo", ("../../é" + "猫" * 200 + ".png", photo.read_bytes()))]
    files += [("renders", ("/etc/passwd", renders[0].read_bytes()))]
    found = events(tab_api.post(PATH + "preview", files=files))
    assert "passwd" in json.dumps(next(each.fields for each in found if each.event == "stack"))


def test_too_much_is_refused_before_any_work(tmp_path: Path, temporary: Path, pictures: Pictures) -> None:
    status, detail = problem(post(server(tmp_path, pixels=10_000), "preview", pictures))
    assert status == 413 and "megapixels" in detail
    assert problem(post(server(tmp_path, upload_bytes=1000), "preview", pictures))[0] == 413
    assert problem(post(server(tmp_path), "preview", (pictures[0], pictures[1][:1] * 65)))[0] == 422


def test_a_token_is_asked_for_where_the_server_has_one(tmp_path: Path, pictures: Pictures) -> None:
    app = build_app(Engine(ComputeOptions("cpu", threads=1)), access=Access(token="t" * 20))
    mount_layers(app, tmp_path)
    assert problem(post(client(app), "preview", pictures))[0] == 401


def test_more_than_the_memory_holds_is_refused(tmp_path: Path, temporary: Path, pictures: Pictures) -> None:
    app = build_app(Engine(ComputeOptions("cpu", threads=1), memory_limit=1_000_000))
    mount_layers(app, tmp_path)
    status, detail = problem(post(client(app), "preview", pictures))
    assert status == 413 and "choose fewer renders" in detail
