"""What the Layers tab asks of the server: stacks and files of them, refusals, and nothing that stays behind."""

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import hypothesis
import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import strategies
from layered_photo import STYLES, Told, drawn_photo, sweep, told, write_pictures
from PIL import Image
from psd_tools import PSDImage
from serving import client, problem
from starlette.exceptions import HTTPException
from toy_style import toy_card, write_toy_style

from models import catalog
from nst_core.picture import read_picture, read_picture_bytes, write_picture
from serve.api.app import build_app
from serve.api.guard import Access
from serve.api.limits import Limits
from serve.engine import Engine
from serve.providers import ComputeOptions
from studio.gallery.store import Store
from studio.layers.build import build_stack
from studio.layers.composite import composite
from studio.layers.options import LayersOptions
from studio.layers.stack import Group, Layer, Stack
from studio.layers.tab import preview, tab
from studio.layers.tab.forms import read_stack
from studio.layers.tab.tab import FILES, PREFIX, mount_layers

PATH = "/api/v1/layers/"


def test_the_tab_is_served_and_its_templates_hold_nothing_that_gradio_would_fill_in(api: TestClient) -> None:
    for path in FILES.iterdir():
        answer = api.get(f"/{PREFIX}/{path.name}")
        assert answer.content == path.read_bytes() and answer.headers["cache-control"] == "no-cache"
        assert not re.search(r"https?://", path.read_text("utf-8")), path.name
    for name in ("layers.html", "layers.css"):
        assert not re.search(r"\{\{|\$\{|`|\\", (FILES / name).read_text("utf-8")), name
    imported = {name for path in FILES.glob("*.js") for name in re.findall(r'from "\./(.+?)"', path.read_text())}
    assert len(imported) > 8 and imported <= {path.name for path in FILES.iterdir()}


def test_without_what_it_needs_the_tab_tells_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tab, "find_spec", lambda name: None if name == "psd_tools" else object())
    with gr.Blocks() as page:
        tab.layers_tab()
    (only,) = page.get_config_file()["components"]
    assert only["type"] == "markdown" and "pip install '.[studio]'" in only["props"]["value"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary files; it must be empty at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert [*folder.iterdir()] == []


@pytest.fixture
def api(tmp_path: Path, temporary: Path) -> TestClient:
    return server(tmp_path / "sweep")


def server(gallery: Path, **limits: Any) -> TestClient:
    app = build_app(Engine(ComputeOptions("cpu", threads=1)), Limits(**limits))
    mount_layers(app, gallery)
    return client(app)


def post(api: TestClient, path: str, pictures: tuple[Path, list[Path]], masks: Any = (), **fields: Any) -> Any:
    photo, renders = pictures
    files = [("photo", (photo.name, photo.read_bytes()))]
    files += [("renders", (render.name, render.read_bytes())) for render in renders]
    files += [("painted", (f"{number}.png", mask)) for number, mask in enumerate(masks)]
    return api.post(PATH + path, files=files, data=fields)


def events(answer: Any) -> list[Told]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    found = [*told(answer.content)]
    assert found[-1].event == "end"
    return found


def built(pictures: tuple[Path, list[Path]]) -> Stack:
    """As the command builds it."""
    return build_stack(read_picture(pictures[0]), pictures[1], LayersOptions())


def levels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def as_png(mask: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "PNG")
    return file.getvalue()


def wish_of(children: list[dict[str, Any]], **changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The description of a stack as the preview told it, with changes to nodes by their names."""
    found = []
    for child in children:
        own = child | ({"children": wish_of(child["children"], **changes)} if "children" in child else {"mask": "made"})
        found.append(own | changes.get(child["name"], {}))
    return found


def described(api: TestClient, pictures: tuple[Path, list[Path]]) -> list[dict[str, Any]]:
    (stack,) = [each for each in events(post(api, "preview", pictures)) if each.event == "stack"]
    return stack.fields["children"]


def made_file(answer: Any) -> Told:
    (file,) = [each for each in events(answer) if each.event in ("file", "failed")]
    assert file.event == "file", file.fields
    return file


def test_the_preview_is_the_stack_that_the_command_makes(api: TestClient, pictures: tuple[Path, list[Path]]) -> None:
    found = events(post(api, "preview", pictures))
    stack = next(each.fields for each in found if each.event == "stack")
    expected = built(pictures)
    assert (stack["width"], stack["height"], stack["full"]) == (240, 160, [240, 160])
    assert names(stack["children"]) == [child_names(child) for child in expected.children]
    pixels = {each.fields["key"]: levels(each.data) for each in found if each.event == "pixels"}
    masks = {each.fields["key"]: levels(each.data) for each in found if each.event == "mask"}
    keys = [layer["key"] for layer in layers(stack["children"])]
    for key, layer in zip(keys, expected.layers(), strict=True):
        np.testing.assert_array_equal(pixels[key][..., :3], layer.pixels)
        assert (pixels[key].shape[2] == 4) == (layer.alpha is not None)
        assert (key in masks) == (layer.mask is not None)
        if layer.mask is not None:
            np.testing.assert_array_equal(masks[key], layer.mask)
    assert {each.fields["name"] for each in found if each.event == "start"} == {"subject", "edges", "saliency"}
    assert stack["chosen"] in keys


def names(children: list[dict[str, Any]]) -> list[Any]:
    return [(child["name"], names(child["children"])) if "children" in child else child["name"] for child in children]


def child_names(child: Layer | Group) -> Any:
    return (child.name, [child_names(inside) for inside in child.children]) if isinstance(child, Group) else child.name


def layers(children: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [layer for child in children for layer in (layers(child["children"]) if "children" in child else [child])]


def test_a_psd_has_what_the_artist_made_of_the_stack(api: TestClient, pictures: tuple[Path, list[Path]]) -> None:
    mask = np.zeros((160, 240), np.uint8)
    mask[40:120, 60:200] = 200
    change = {"name": "The waves", "mask": 0, "opacity": 0.4, "blend": "multiply", "visible": True}
    wish = wish_of(described(api, pictures), waves=change, night={"visible": False})
    file = made_file(
        post(api, "file", pictures, [as_png(mask)], stack=json.dumps({"children": wish[::-1]}), format="psd")
    )
    assert (file.fields["name"], file.fields["width"], file.fields["height"]) == ("cat-layers.psd", 240, 160)
    document = PSDImage.open(io.BytesIO(file.data))
    assert [layer.name for layer in document] == [child["name"] for child in wish[::-1]]
    layer = next(layer for layer in document.descendants() if layer.name == "The waves")
    assert (layer.opacity, layer.blend_mode.name.lower()) == (102, "multiply")
    assert layer.mask is not None and layer.mask.bbox == (0, 0, 240, 160)
    np.testing.assert_array_equal(np.asarray(layer.mask.topil()), mask)
    night = next(layer for layer in document.descendants() if layer.name == "night")
    assert not night.visible

    expected = built(pictures)

    def changed(child: Layer | Group) -> Layer | Group:
        if isinstance(child, Group):
            return replace(child, children=[changed(inside) for inside in child.children])
        if child.name == "waves":
            return replace(child, mask=mask, opacity=0.4, blend="multiply")
        return replace(child, visible=child.visible and child.name != "night")

    shown = composite(Stack(240, 160, [changed(child) for child in expected.children][::-1]))
    merged = np.asarray(document.topil())[..., :3]
    assert np.abs(merged.astype(int) - shown).max() <= 1


@pytest.mark.parametrize("format", ["ora", "png"])
def test_other_files_show_the_same(api: TestClient, pictures: tuple[Path, list[Path]], format: str) -> None:
    wish = wish_of(described(api, pictures), lilies={"mask": "none", "opacity": 1.0})
    file = made_file(post(api, "file", pictures, stack=json.dumps({"children": wish}), format=format))
    assert file.fields["name"] == f"cat-layers.{format}"
    expected = built(pictures)

    def changed(child: Layer | Group) -> Layer | Group:
        if isinstance(child, Group):
            return replace(child, children=[changed(inside) for inside in child.children])
        return replace(child, mask=None, opacity=1.0) if child.name == "lilies" else child

    shown = composite(Stack(240, 160, [changed(child) for child in expected.children]))
    if format == "png":
        np.testing.assert_array_equal(levels(file.data), shown)
    else:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            np.testing.assert_array_equal(levels(archive.read("mergedimage.png"))[..., :3], shown)


def test_a_mask_that_was_painted_small_is_the_same_at_full_size(
    api: TestClient, pictures: tuple[Path, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "PREVIEW_PX", 120)
    photo, renders = pictures
    stack = next(each.fields for each in events(post(api, "preview", (photo, renders[:1]))) if each.event == "stack")
    assert (stack["width"], stack["height"], stack["full"]) == (120, 80, [240, 160])
    rows, columns = np.mgrid[0:80, 0:120]
    mask = np.clip(255 * (np.hypot(rows - 30, columns - 70) - 16) / 4, 0, 255).astype(np.uint8)
    wish = {"children": wish_of(stack["children"], waves={"mask": 0})}
    answer = post(api, "file", (photo, renders[:1]), [as_png(mask)], stack=json.dumps(wish))
    document = PSDImage.open(io.BytesIO(made_file(answer).data))
    layer = next(layer for layer in document.descendants() if layer.name == "waves")
    assert layer.mask is not None and layer.mask.bbox == (0, 0, 240, 160)
    large = np.asarray(layer.mask.topil())
    assert large[60, 140] == 0 and large[5, 5] == large[-5, -5] == 255
    small = np.asarray(Image.fromarray(large).resize((120, 80), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - mask).mean() < 1 and np.quantile(np.abs(small - mask), 0.99) < 24


def test_renders_are_blended_where_their_masks_are(
    tmp_path: Path, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    for style in STYLES:
        write_toy_style(tmp_path / "styles" / f"{style}.onnx", 1, toy_card(style, size_px=240))
    photo, renders = write_pictures(tmp_path)
    wish = wish_of(described(api, (photo, renders)), night={"visible": False})
    file = made_file(post(api, "file", (photo, renders), stack=json.dumps({"children": wish}), format="blend"))
    assert file.fields["name"] == "cat-blended.png"
    assert read_picture_bytes(file.data, "blended.png").pixels.shape == (160, 240, 3)

    write_picture(read_picture(renders[0]), renders[0])  # which no longer says how it was painted
    wish = wish_of(described(api, (photo, renders)))
    (failed,) = [
        each
        for each in events(post(api, "file", (photo, renders), stack=json.dumps({"children": wish}), format="blend"))
        if each.event == "failed"
    ]
    assert failed.fields["reason"].startswith("cat-waves.png does not say how a style painted it")


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
    api: TestClient, pictures: tuple[Path, list[Path]], stack: Any, said: str
) -> None:
    text = stack if isinstance(stack, str) else json.dumps(stack)
    status, detail = problem(post(api, "file", pictures, stack=text))
    assert status == 422 and said in detail


def test_groups_may_be_ten_deep(api: TestClient, pictures: tuple[Path, list[Path]]) -> None:
    node: dict[str, Any] = GOOD
    for _ in range(10):
        node = {"name": "g", "opacity": 1, "visible": True, "blend": "normal", "children": [node]}
    status, detail = problem(post(api, "file", pictures, stack=json.dumps({"children": [node]})))
    assert (status, "more than 10 deep" in detail) == (422, True)
    deep = '{"children":' + "[" * 5000 + "]" * 5000 + "}"
    assert problem(post(api, "file", pictures, stack=deep))[0] == 422


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


def failure(answer: Any) -> str:
    (failed,) = [each.fields["reason"] for each in events(answer) if each.event == "failed"]
    return failed


def test_what_is_wrong_with_the_pictures_is_told_in_a_line(
    tmp_path: Path, api: TestClient, pictures: tuple[Path, list[Path]]
) -> None:
    photo, renders = pictures
    assert problem(post(api, "preview", (photo, []))) == (
        422,
        "a stack takes a photo, and at least one painted version of it",
    )
    (tmp_path / "text.png").write_text("no picture")
    status, detail = problem(post(api, "preview", (photo, [tmp_path / "text.png"])))
    assert status == 415 and detail.startswith("text.png") and str(tmp_path) not in detail
    write_picture(drawn_photo(160, 160), tmp_path / "square.png")
    said = failure(post(api, "preview", (photo, [*renders, tmp_path / "square.png"])))
    assert "square.png" in said and "/" not in said.replace("160/160", "")
    whole = renders[0].read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    said = failure(post(api, "preview", (photo, [tmp_path / "cut.png"])))
    assert said.startswith("cut.png") and "\n" not in said
    wish = json.dumps({"children": wish_of(described(api, pictures), waves={"mask": 0})})
    said = failure(post(api, "file", pictures, [as_png(np.zeros((10, 10), np.uint8))], stack=wish))
    assert said.startswith("mask 0 has 10 × 10 px, the picture 240 × 160")
    said = failure(post(api, "file", pictures, stack=json.dumps({"children": [GOOD]})))
    assert said.startswith("stack: no layer x was made of these pictures")


def test_the_same_picture_is_taken_once(api: TestClient, pictures: tuple[Path, list[Path]]) -> None:
    photo, (render, *_) = pictures
    assert problem(post(api, "preview", (photo, [photo, photo])))[0] == 422
    assert len(layers(described(api, (photo, [render, photo, render])))) == len(
        layers(described(api, (photo, [render])))
    )


def test_names_of_files_lead_nowhere(api: TestClient, pictures: tuple[Path, list[Path]]) -> None:
    photo, renders = pictures
    files = [("photo", ("../../é" + "猫" * 200 + ".png", photo.read_bytes()))]
    files += [("renders", ("/etc/passwd", renders[0].read_bytes()))]
    found = events(api.post(PATH + "preview", files=files))
    assert "passwd" in json.dumps(next(each.fields for each in found if each.event == "stack"))


def test_too_much_is_refused_before_any_work(
    tmp_path: Path, temporary: Path, pictures: tuple[Path, list[Path]]
) -> None:
    status, detail = problem(post(server(tmp_path, pixels=10_000), "preview", pictures))
    assert status == 413 and "megapixels" in detail
    assert problem(post(server(tmp_path, upload_bytes=1000), "preview", pictures))[0] == 413
    assert problem(post(server(tmp_path), "preview", (pictures[0], pictures[1][:1] * 65)))[0] == 422


def test_a_token_is_asked_for_where_the_server_has_one(tmp_path: Path, pictures: tuple[Path, list[Path]]) -> None:
    app = build_app(Engine(ComputeOptions("cpu", threads=1)), access=Access(token="t" * 20))
    mount_layers(app, tmp_path)
    assert problem(post(client(app), "preview", pictures))[0] == 401


def test_more_than_the_memory_holds_is_refused(
    tmp_path: Path, temporary: Path, pictures: tuple[Path, list[Path]]
) -> None:
    app = build_app(Engine(ComputeOptions("cpu", threads=1), memory_limit=1_000_000))
    mount_layers(app, tmp_path)
    status, detail = problem(post(client(app), "preview", pictures))
    assert status == 413 and "choose fewer renders" in detail


@pytest.fixture
def swept(tmp_path: Path) -> tuple[Path, Path, list[int]]:
    """A sweep's folder with renders of a photo that is elsewhere, that photo, and the renders' ids."""
    folder, photo = sweep(tmp_path)
    store = Store(folder)
    store.scan()
    return folder, photo, [render.id for render in store.renders(order="name")]


def test_renders_of_the_gallery_come_by_their_ids(temporary: Path, swept: tuple[Path, Path, list[int]]) -> None:
    folder, photo, ids = swept
    api = server(folder)
    (stack,) = [each for each in events(api.post(PATH + "preview", data={"picks": ids})) if each.event == "stack"]
    assert {"waves", "night", "lilies"} <= {layer["name"] for layer in layers(stack.fields["children"])}
    assert problem(api.post(PATH + "preview", data={"picks": [99_999]}))[0] == 404
    assert problem(api.post(PATH + "preview", data={"picks": ["../x"]}))[0] == 422

    data = photo.read_bytes()
    photo.unlink()
    status, detail = problem(api.post(PATH + "preview", data={"picks": ids}))
    assert status == 404 and detail.startswith("the photo cat.png is not where it was") and str(folder) not in detail
    again = api.post(PATH + "preview", files=[("photo", ("cat.png", data))], data={"picks": ids[:1]})
    (stack,) = [each for each in events(again) if each.event == "stack"]
    assert "lilies" in {layer["name"] for layer in layers(stack.fields["children"])}
