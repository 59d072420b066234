"""OpenRaster files: what zipfile and Pillow find in them is what was put in, and composes to the same picture."""

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from layer_stacks import BLENDS, HEIGHT, WIDTH, colors, fade, painting, two_layers
from PIL import Image, ImageChops

from nst_core.errors import ImageError
from studio.layers.composite import composite
from studio.layers.documents import write_stack
from studio.layers.ora.write import write_ora
from studio.layers.stack import Blend, Group, Layer, Stack


def written(stack: Stack, folder: Path) -> tuple[zipfile.ZipFile, ElementTree.Element]:
    write_stack(stack, folder / "painting.ora")
    archive = zipfile.ZipFile(folder / "painting.ora")
    return archive, ElementTree.fromstring(archive.read("stack.xml"))


def picture(archive: zipfile.ZipFile, name: str) -> Image.Image:
    image = Image.open(io.BytesIO(archive.read(name)))
    image.load()
    return image


def test_the_archive_is_as_the_format_wants_it(tmp_path: Path):
    archive, image = written(painting(), tmp_path)
    first = archive.infolist()[0]
    assert (first.filename, first.compress_type, archive.read(first)) == ("mimetype", 0, b"image/openraster")
    assert (tmp_path / "painting.ora").read_bytes()[38:54] == b"image/openraster"  # where `file` looks for it
    assert (image.get("w"), image.get("h")) == (str(WIDTH), str(HEIGHT))
    assert image.get("{http://mypaint.org/ns/openraster}eotf") == "1.0"
    sources = [layer.get("src") for layer in image.iter("layer")]
    assert {"mimetype", "stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png", *sources} == set(archive.namelist())
    assert archive.testzip() is None


def test_layers_and_groups_are_there_the_topmost_first(tmp_path: Path):
    _, image = written(painting(), tmp_path)
    root = image.find("stack")
    assert root is not None
    assert [child.get("name") for child in root] == ["Details", "Finishing", "Renders", "Base: öl 油絵", "Photo"]
    renders = root[2]
    assert (renders.tag, renders.get("isolation"), renders[0].get("name")) == ("stack", "auto", "fine")
    by_name = {element.get("name"): element for element in image.iter() if element.get("name")}
    assert by_name["Apart"].get("isolation") == "isolate"
    assert by_name["hidden"].get("visibility") == "hidden" and by_name["fine"].get("visibility") == "visible"
    assert by_name["light"].get("composite-op") == "svg:soft-light"
    assert float(by_name["fine"].get("opacity", "")) == 0.4


def test_a_mask_is_the_transparency_and_the_colors_beneath_stay(tmp_path: Path):
    stack = Stack(WIDTH, HEIGHT, [Layer("masked", colors(1), mask=fade())])
    archive, _ = written(stack, tmp_path)
    samples = np.asarray(picture(archive, "data/000.png"))
    np.testing.assert_array_equal(samples[..., 3], fade())
    np.testing.assert_array_equal(samples[..., :3], colors(1))
    assert not samples[:, 0, 3].any() and samples[:, 0, :3].any()


def test_a_mask_and_the_layers_own_transparency_multiply(tmp_path: Path):
    stack = Stack(WIDTH, HEIGHT, [Layer("both", colors(1), alpha=fade(), mask=fade(down=True))])
    archive, _ = written(stack, tmp_path)
    expected = fade() / 255 * fade(down=True)
    np.testing.assert_array_equal(np.asarray(picture(archive, "data/000.png"))[..., 3], np.rint(expected))


def test_an_opaque_layer_has_no_transparency(tmp_path: Path):
    archive, _ = written(two_layers("normal"), tmp_path)
    below = picture(archive, "data/001.png")
    assert below.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(below), colors(1))


def test_viewers_see_the_picture(tmp_path: Path):
    archive, _ = written(painting(), tmp_path)
    np.testing.assert_array_equal(np.asarray(picture(archive, "mergedimage.png")), composite(painting()))
    wide = Stack(600, 300, [Layer("wide", np.full((300, 600, 3), 90, np.uint8))])
    small = picture(written(wide, tmp_path)[0], "Thumbnails/thumbnail.png")
    assert small.size == (256, 128) and np.asarray(small).mean() == 90


def recomposed(archive: zipfile.ZipFile, parent: ElementTree.Element, below: Image.Image) -> Image.Image:
    """The layers by Pillow's own operations, as far as it has them."""
    for element in reversed(parent):
        if element.get("visibility") == "hidden":
            continue
        if element.tag == "stack":
            assert element.get("isolation") == "auto" and element.get("opacity") == "1.0000"
            below = recomposed(archive, element, below)
            continue
        layer = picture(archive, element.get("src", "")).convert("RGBA")
        shows = layer.getchannel("A").point([level * float(element.get("opacity", "")) for level in range(256)])
        name = element.get("composite-op", "").removeprefix("svg:")
        mix = {"multiply": ImageChops.multiply, "screen": ImageChops.screen, "overlay": ImageChops.overlay}.get(name)
        assert mix or name == "src-over"
        color = layer.convert("RGB")
        below = Image.composite(mix(below, color) if mix else color, below, shows)
    return below


@pytest.mark.parametrize("blend", ["normal", "multiply", "screen", "overlay"])
def test_it_composes_to_the_same_picture(tmp_path: Path, blend: Blend):
    group = Group("group", [Layer("in it", colors(3), mask=fade(down=True)), *two_layers(blend).children[1:]])
    stack = Stack(WIDTH, HEIGHT, [Layer("below", colors(1)), Layer("hidden", colors(5), visible=False), group])
    archive, image = written(stack, tmp_path)
    root = image.find("stack")
    assert root is not None
    again = recomposed(archive, root, Image.new("RGB", (WIDTH, HEIGHT), "white"))
    assert np.abs(np.asarray(again).astype(int) - composite(stack)).max() <= 2


@pytest.mark.parametrize("blend", BLENDS)
def test_each_blend_mode_has_the_name_of_the_format(tmp_path: Path, blend: Blend):
    _, image = written(two_layers(blend), tmp_path)
    names = [layer.get("composite-op") for layer in image.iter("layer")]
    assert names == ["svg:src-over" if blend == "normal" else "svg:" + blend.replace("_", "-"), "svg:src-over"]


def test_progress_counts_layers(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    write_stack(painting(), tmp_path / "painting.ora", lambda done, total: seen.append((done, total)))
    assert seen == [(done, 9) for done in range(1, 10)]


def test_other_names_are_refused(tmp_path: Path):
    with pytest.raises(ImageError, match=r"painting\.png: the name must end in \.ora"):
        write_ora(painting(), tmp_path / "painting.png")
