"""What the Layers tab asks of the server: stacks and files of them, and nothing that stays behind."""

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from fastapi.testclient import TestClient
from layered_photo import STYLES, sweep, write_pictures
from layers_api import (
    PATH,
    Pictures,
    as_png,
    described,
    events,
    failure,
    layers,
    levels,
    made_file,
    post,
    server,
    wish_of,
)
from PIL import Image
from psd_tools import PSDImage
from serving import problem
from toy_style import toy_card, write_toy_style

from models import catalog
from nst_core.picture import read_picture, read_picture_bytes, write_picture
from studio.gallery.store import Store
from studio.layers.composite import composite
from studio.layers.stack import Group, Layer, Stack
from studio.layers.tab import preview, tab
from studio.layers.tab.tab import FILES, PREFIX

pytest_plugins = ["layers_fixtures"]


def test_the_tab_is_served_and_its_templates_hold_nothing_that_gradio_would_fill_in(tab_api: TestClient) -> None:
    for path in FILES.iterdir():
        answer = tab_api.get(f"/{PREFIX}/{path.name}")
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


def test_the_preview_is_the_stack_that_the_command_makes(tab_api: TestClient, pictures: Pictures, built: Stack) -> None:
    found = events(post(tab_api, "preview", pictures))
    stack = next(each.fields for each in found if each.event == "stack")
    assert (stack["width"], stack["height"], stack["full"]) == (240, 160, [240, 160])
    assert names(stack["children"]) == [child_names(child) for child in built.children]
    pixels = {each.fields["key"]: levels(each.data) for each in found if each.event == "pixels"}
    masks = {each.fields["key"]: levels(each.data) for each in found if each.event == "mask"}
    keys = [layer["key"] for layer in layers(stack["children"])]
    for key, layer in zip(keys, built.layers(), strict=True):
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


def test_a_psd_has_what_the_artist_made_of_the_stack(
    tab_api: TestClient, pictures: Pictures, built: Stack, description: list[dict[str, Any]]
) -> None:
    mask = np.zeros((160, 240), np.uint8)
    mask[40:120, 60:200] = 200
    change = {"name": "The waves", "mask": 0, "opacity": 0.4, "blend": "multiply", "visible": True}
    wish = wish_of(description, waves=change, night={"visible": False})
    file = made_file(
        post(tab_api, "file", pictures, [as_png(mask)], stack=json.dumps({"children": wish[::-1]}), format="psd")
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

    def changed(child: Layer | Group) -> Layer | Group:
        if isinstance(child, Group):
            return replace(child, children=[changed(inside) for inside in child.children])
        if child.name == "waves":
            return replace(child, mask=mask, opacity=0.4, blend="multiply")
        return replace(child, visible=child.visible and child.name != "night")

    shown = composite(Stack(240, 160, [changed(child) for child in built.children][::-1]))
    merged = np.asarray(document.topil())[..., :3]
    assert np.abs(merged.astype(int) - shown).max() <= 1


@pytest.mark.parametrize("format", ["ora", "png"])
def test_other_files_show_the_same(
    tab_api: TestClient, pictures: Pictures, built: Stack, description: list[dict[str, Any]], format: str
) -> None:
    wish = wish_of(description, lilies={"mask": "none", "opacity": 1.0})
    file = made_file(post(tab_api, "file", pictures, stack=json.dumps({"children": wish}), format=format))
    assert file.fields["name"] == f"cat-layers.{format}"

    def changed(child: Layer | Group) -> Layer | Group:
        if isinstance(child, Group):
            return replace(child, children=[changed(inside) for inside in child.children])
        return replace(child, mask=None, opacity=1.0) if child.name == "lilies" else child

    shown = composite(Stack(240, 160, [changed(child) for child in built.children]))
    if format == "png":
        np.testing.assert_array_equal(levels(file.data), shown)
    else:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            np.testing.assert_array_equal(levels(archive.read("mergedimage.png"))[..., :3], shown)


def test_a_mask_that_was_painted_small_is_the_same_at_full_size(
    tab_api: TestClient, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "PREVIEW_PX", 120)
    photo, renders = pictures
    stack = next(
        each.fields for each in events(post(tab_api, "preview", (photo, renders[:1]))) if each.event == "stack"
    )
    assert (stack["width"], stack["height"], stack["full"]) == (120, 80, [240, 160])
    rows, columns = np.mgrid[0:80, 0:120]
    mask = np.clip(255 * (np.hypot(rows - 30, columns - 70) - 16) / 4, 0, 255).astype(np.uint8)
    wish = {"children": wish_of(stack["children"], waves={"mask": 0})}
    answer = post(tab_api, "file", (photo, renders[:1]), [as_png(mask)], stack=json.dumps(wish))
    document = PSDImage.open(io.BytesIO(made_file(answer).data))
    layer = next(layer for layer in document.descendants() if layer.name == "waves")
    assert layer.mask is not None and layer.mask.bbox == (0, 0, 240, 160)
    large = np.asarray(layer.mask.topil())
    assert large[60, 140] == 0 and large[5, 5] == large[-5, -5] == 255
    small = np.asarray(Image.fromarray(large).resize((120, 80), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - mask).mean() < 1 and np.quantile(np.abs(small - mask), 0.99) < 24


def test_renders_are_blended_where_their_masks_are(
    tmp_path: Path, tab_api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.setenv("IMPASTO_STYLES_DIR", str(tmp_path / "styles"))
    for style in STYLES:
        write_toy_style(tmp_path / "styles" / f"{style}.onnx", 1, toy_card(style, size_px=240))
    photo, renders = write_pictures(tmp_path)
    wish = wish_of(described(tab_api, (photo, renders)), night={"visible": False})
    file = made_file(post(tab_api, "file", (photo, renders), stack=json.dumps({"children": wish}), format="blend"))
    assert file.fields["name"] == "cat-blended.png"
    assert read_picture_bytes(file.data, "blended.png").pixels.shape == (160, 240, 3)

    write_picture(read_picture(renders[0]), renders[0])  # which no longer says how it was painted
    wish = wish_of(described(tab_api, (photo, renders)))
    said = failure(post(tab_api, "file", (photo, renders), stack=json.dumps({"children": wish}), format="blend"))
    assert said.startswith("cat-waves.png does not say how a style painted it")


def test_the_same_picture_is_taken_once(tab_api: TestClient, pictures: Pictures) -> None:
    photo, (render, *_) = pictures
    assert problem(post(tab_api, "preview", (photo, [photo, photo])))[0] == 422
    assert len(layers(described(tab_api, (photo, [render, photo, render])))) == len(
        layers(described(tab_api, (photo, [render])))
    )


@pytest.fixture
def swept(tmp_path: Path) -> tuple[Path, Path, list[int]]:
    """A sweep's folder with renders of a photo that is elsewhere, that photo, and the renders' ids."""
    folder, photo = sweep(tmp_path)
    store = Store(folder)
    store.scan()
    return folder, photo, [render.id for render in store.renders(order="name")]


def test_renders_of_the_gallery_come_by_their_ids(temporary: Path, swept: tuple[Path, Path, list[int]]) -> None:
    folder, photo, ids = swept
    tab_api = server(folder)
    (stack,) = [each for each in events(tab_api.post(PATH + "preview", data={"picks": ids})) if each.event == "stack"]
    assert {"waves", "night", "lilies"} <= {layer["name"] for layer in layers(stack.fields["children"])}
    assert problem(tab_api.post(PATH + "preview", data={"picks": [99_999]}))[0] == 404
    assert problem(tab_api.post(PATH + "preview", data={"picks": ["../x"]}))[0] == 422

    data = photo.read_bytes()
    photo.unlink()
    status, detail = problem(tab_api.post(PATH + "preview", data={"picks": ids}))
    assert status == 404 and detail.startswith("the photo cat.png is not where it was") and str(folder) not in detail
    again = tab_api.post(PATH + "preview", files=[("photo", ("cat.png", data))], data={"picks": ids[:1]})
    (stack,) = [each for each in events(again) if each.event == "stack"]
    assert "lilies" in {layer["name"] for layer in layers(stack.fields["children"])}
