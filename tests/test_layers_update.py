"""Renders added to files that an artist has worked on: theirs stays byte for byte, nothing comes in twice."""

import logging
import struct
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from layer_stacks import HEIGHT, WIDTH, colors, even, fade, painting
from PIL import Image

from nst_core.errors import ImageError
from studio.layers.composite import composite
from studio.layers.documents import document_size, update_document, write_stack
from studio.layers.stack import Group, Layer, Stack

psd_tools = pytest.importorskip("psd_tools")

from psd_tools.constants import BlendMode, ChannelID, Resource  # noqa: E402
from psd_tools.psd.image_resources import ImageResource, LayerGroupEnabledIDs, LayerGroupInfo  # noqa: E402
from psd_tools.psd.tagged_blocks import TaggedBlock  # noqa: E402

from studio.layers.psd.layout import read_layout  # noqa: E402

NEW = [
    Layer("starry", colors(11), mask=fade(), origin="a" * 64),
    Layer("wave", colors(12), mask=even(255), opacity=0.5, blend="multiply", origin="b" * 64),
]


def artists_file(folder: Path, group: str = "Renders", name: str = "art.psd") -> Path:
    """A Photoshop file by psd-tools, with what Impasto knows nothing of: unknown blocks, clipping, small layers."""
    document = psd_tools.PSDImage.new("RGB", (WIDTH, HEIGHT), color=(255, 255, 255))
    if name.endswith("b"):
        document._record.header.version = 2
    photo = document.create_pixel_layer(Image.fromarray(colors(1)), name="Photo")
    renders = document.create_group(name=group)
    mine = renders.create_pixel_layer(Image.fromarray(colors(2)), name="starry")
    mine.create_mask(Image.fromarray(np.ascontiguousarray(fade(down=True))))
    details = document.create_pixel_layer(Image.fromarray(colors(3, 9, 7)), name="my strokes", top=5, left=-3)
    details.blend_mode = BlendMode.HARD_LIGHT
    clipped = document.create_pixel_layer(Image.fromarray(colors(4)), name="clipped")
    clipped.clipping = True
    photo.tagged_blocks[b"zZzZ"] = TaggedBlock(key=b"zZzZ", data=b"\x01unknown\x02")
    resources = document.image_resources
    number = len(list(document._record._iter_layers()))
    for key, data in [
        (Resource.LAYER_GROUP_INFO, LayerGroupInfo(list(range(7, 7 + number)))),
        (Resource.LAYER_GROUPS_ENABLED_ID, LayerGroupEnabledIDs([1] * number)),
        (4321, b"a plug-in's own"),
    ]:
        resources[key] = ImageResource(key=key, data=data)
    document.save(folder / name)
    return folder / name


def bytes_of(path: Path) -> dict[str, Any]:
    """The artist's layers, and other parts of a Photoshop file, each as its bytes."""
    data = path.read_bytes()
    with path.open("rb") as file:
        layout = read_layout(file, path.name)
    return {
        "layers": [
            data[place.header.start : place.header.end] + data[place.pixels.start : place.pixels.end]
            for place in layout.places
        ],
        "rest": data[layout.rest.start : layout.rest.end],
        "resources": {int(resource.key): data[span.start : span.end] for resource, span in layout.resources},
    }


def named(path: Path) -> list[str]:
    """Layers and groups, from the bottom, those in a group behind its name."""
    names: list[str] = []
    for layer in psd_tools.PSDImage.open(path).descendants():
        names.append(f"{layer.parent.name}/{layer.name}" if layer.parent.name != "Root" else layer.name)
    return names


@pytest.mark.parametrize("name", ["art.psd", "art.psb"])
def test_the_artists_own_stays_byte_for_byte(tmp_path: Path, name: str):
    path = artists_file(tmp_path, name=name)
    before = bytes_of(path)
    assert update_document(path, NEW, "Renders") == ["starry", "wave"]
    after = bytes_of(path)
    assert [layer for layer in after["layers"] if layer in before["layers"]] == before["layers"]
    assert len(after["layers"]) == len(before["layers"]) + 2
    assert b"\x01unknown\x02" in after["layers"][0]
    assert after["rest"] == before["rest"]
    linking = {Resource.LAYER_GROUP_INFO, Resource.LAYER_GROUPS_ENABLED_ID}
    assert {key for key, data in before["resources"].items() if after["resources"][key] != data} == linking


def test_new_layers_come_in_at_the_top_of_the_group(tmp_path: Path):
    path = artists_file(tmp_path)
    update_document(path, NEW, "Renders")
    document = psd_tools.PSDImage.open(path)
    assert [layer.name for layer in document] == ["Photo", "Renders", "my strokes", "clipped"]
    _, starry, wave = next(layer for layer in document if layer.is_group())
    assert (starry.name, wave.name, wave.opacity, wave.blend_mode) == ("starry", "wave", 128, BlendMode.MULTIPLY)
    np.testing.assert_array_equal(np.rint(starry.numpy("color") * 255), NEW[0].pixels)
    np.testing.assert_array_equal(np.asarray(starry.mask.topil()), NEW[0].mask)
    ids = [layer.layer_id for layer in document.descendants() if layer.layer_id > 0]
    assert len(ids) == len(set(ids)) >= 2


def test_layers_that_were_linked_are_linked_as_before(tmp_path: Path):
    path = artists_file(tmp_path)
    update_document(path, NEW, "Renders")
    resources = psd_tools.PSDImage.open(path).image_resources
    # Photo, the group's beginning and the render in it keep their numbers; then come the new ones.
    assert list(resources.get_data(Resource.LAYER_GROUP_INFO)) == [7, 8, 9, 0, 0, 10, 11, 12]
    assert list(resources.get_data(Resource.LAYER_GROUPS_ENABLED_ID)) == [1] * 8


def test_nothing_comes_in_twice(tmp_path: Path):
    for path in (artists_file(tmp_path), tmp_path / "painting.ora"):
        if path.suffix == ".ora":
            write_stack(painting(), path)
        assert len(update_document(path, NEW[:1], "Renders")) == 1
        before = path.read_bytes()
        assert update_document(path, NEW[:1], "Renders") == []
        assert path.read_bytes() == before
        # Another name does not make it another render; another file of the same name does.
        assert update_document(path, [replace(NEW[0], name="other")], "Renders") == []
        assert update_document(path, [replace(NEW[0], pixels=colors(13), origin="c" * 64)], "Renders") == ["starry"]


@pytest.mark.parametrize("suffix", [".psd", ".ora"])
def test_a_render_is_known_by_its_pixels_where_a_program_has_lost_its_origin(tmp_path: Path, suffix: str):
    path = tmp_path / f"painting{suffix}"
    write_stack(Stack(WIDTH, HEIGHT, [Group("Renders", [replace(NEW[0], origin="")])]), path)
    assert update_document(path, NEW[:1], "Renders") == []
    assert update_document(path, [replace(NEW[0], pixels=colors(13))], "Renders") == ["starry"]


@pytest.mark.parametrize("suffix", [".psd", ".ora"])
def test_the_picture_for_viewers_is_made_anew(tmp_path: Path, suffix: str):
    path = tmp_path / f"painting{suffix}"
    stack = painting()
    write_stack(stack, path)
    update_document(path, NEW, "Renders")
    children = [
        replace(child, children=[*child.children, *NEW])
        if isinstance(child, Group) and child.name == "Renders"
        else child
        for child in stack.children
    ]
    expected = composite(replace(stack, children=children)).astype(int)
    if suffix == ".ora":
        with zipfile.ZipFile(path) as archive, Image.open(archive.open("mergedimage.png")) as image:
            shown = np.asarray(image)
    else:
        with Image.open(path) as image:
            shown = np.asarray(image)
    assert np.abs(shown - expected).max() <= 1


@pytest.mark.parametrize("suffix", [".psd", ".ora"])
def test_a_render_of_another_size_is_fitted(tmp_path: Path, suffix: str):
    path = tmp_path / f"painting{suffix}"
    write_stack(painting(), path)
    assert document_size(path) == (WIDTH, HEIGHT)
    large = Layer("large", colors(11, 72, 96), mask=fade(72, 96), origin="d" * 64)
    assert update_document(path, [large], "Renders") == ["large"]
    assert update_document(path, [large], "Renders") == []
    if suffix == ".psd":
        layer = next(psd_tools.PSDImage.open(path).find("large") for _ in "1")
        assert layer.size == layer.mask.size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("suffix", [".psd", ".ora"])
def test_a_group_is_made_where_there_is_none(tmp_path: Path, suffix: str):
    path = tmp_path / f"painting{suffix}"
    write_stack(Stack(WIDTH, HEIGHT, [Layer("Photo", colors(1))]), path)
    update_document(path, NEW, "Renders")
    if suffix == ".psd":
        assert named(path) == ["Photo", "Renders", "Renders/starry", "Renders/wave"]
    else:
        with zipfile.ZipFile(path) as archive:
            root = ElementTree.fromstring(archive.read("stack.xml")).find("stack")
        assert root is not None
        assert [(child.get("name"), len(child)) for child in root] == [("Renders", 2), ("Photo", 0)]


def test_the_files_of_other_openraster_layers_stay(tmp_path: Path):
    path = tmp_path / "painting.ora"
    write_stack(painting(), path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("data/notes.txt", "mine", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as archive:
        before = {name: archive.read(name) for name in archive.namelist() if name.startswith("data/")}
    update_document(path, NEW, "Renders")
    with zipfile.ZipFile(path) as archive:
        assert {name: archive.read(name) for name in before} == before
        assert archive.namelist()[0] == "mimetype" and len(set(archive.namelist())) == len(archive.namelist())


def test_small_layers_of_other_programs_stay_at_their_place(tmp_path: Path):
    path = tmp_path / "painting.ora"
    write_stack(Stack(WIDTH, HEIGHT, [Layer("Photo", colors(1)), Layer("dot", colors(2))]), path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    dot = Image.new("RGB", (4, 3), "red")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            if name == "stack.xml":
                data = data.replace(b'src="data/000.png" x="0" y="0"', b'src="data/000.png" x="5" y="7"')
            if name == "data/000.png":
                with archive.open(name, "w") as file:
                    dot.save(file, "PNG")
                continue
            archive.writestr(name, data)
    update_document(path, [replace(NEW[0], mask=even(0))], "Renders")
    with zipfile.ZipFile(path) as archive, Image.open(archive.open("mergedimage.png")) as image:
        shown = np.asarray(image)
    expected = colors(1).copy()
    expected[7:10, 5:9] = (255, 0, 0)
    np.testing.assert_array_equal(shown, expected)


def test_what_psd_tools_cannot_compose_keeps_the_old_preview(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    path = artists_file(tmp_path)
    with Image.open(path) as image:
        before = np.asarray(image)

    def fail(*_: object, **__: object) -> None:
        raise NotImplementedError("an exotic effect")

    monkeypatch.setattr("studio.layers.psd.splice.composite", fail)
    with caplog.at_level(logging.WARNING):
        assert update_document(path, NEW, "Renders") == ["starry", "wave"]
    assert "Photoshop makes it anew" in caplog.text
    assert "Renders/wave" in named(path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), before)


def changed(path: Path, offset: int, value: int) -> None:
    """Puts a two-byte number into a file."""
    data = bytearray(path.read_bytes())
    data[offset : offset + 2] = struct.pack(">H", value)
    path.write_bytes(data)


def refusal(path: Path) -> str:
    """Why an update is refused, and that it changes nothing."""
    before = path.read_bytes()
    with pytest.raises(ImageError) as caught:
        update_document(path, NEW, "Renders")
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_other_kinds_of_photoshop_files_are_refused_with_the_way_out(tmp_path: Path):
    path = artists_file(tmp_path)
    changed(path, 22, 16)
    assert "16 bits a channel, not 8; in Photoshop, choose Image > Mode > 8 Bits/Channel" in refusal(path)
    changed(path, 22, 8)
    changed(path, 24, 4)
    assert "art.psd is in CMYK, not RGB; in Photoshop, choose Image > Mode > RGB Color" in refusal(path)
    psd_tools.PSDImage.frompil(Image.fromarray(colors(1))).save(path)
    assert "art.psd has no layers" in refusal(path)
    Image.fromarray(colors(1)).save(path, "PNG")
    assert "art.psd is not a Photoshop file" in refusal(path)
    path.write_bytes(b"")
    assert "art.psd is not a Photoshop file" in refusal(path)


def test_broken_photoshop_files_are_refused_wherever_they_end(tmp_path: Path):
    path = artists_file(tmp_path)
    whole = path.read_bytes()
    with path.open("rb") as file:
        end_of_layers = read_layout(file, path.name).merged.start
    ends = np.linspace(4, end_of_layers - 1, 40).astype(int)
    for end in ends:
        path.write_bytes(whole[:end])
        assert "art.psd is a broken or truncated Photoshop file" in refusal(path)


def test_photoshop_files_with_random_bytes_in_them_do_not_bring_it_down(tmp_path: Path):
    path = artists_file(tmp_path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(3):
            data[rng.integers(4, 2500)] = rng.integers(256)
        path.write_bytes(data)
        try:
            update_document(path, NEW[:1], "Renders")
        except ImageError as error:
            assert "\n" not in str(error)


def test_broken_openraster_files_are_refused(tmp_path: Path):
    path = tmp_path / "painting.ora"
    write_stack(painting(), path)
    whole = path.read_bytes()
    for end in (0, 30, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:end])
        assert "painting.ora is a broken or no OpenRaster file" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("stack.xml", '<image w="4" h="4"><stack><layer src="data/gone.png"/></stack></image>')
    assert "painting.ora is a broken or no OpenRaster file" in refusal(path)


@pytest.mark.parametrize("suffix", [".psd", ".ora"])
def test_a_file_that_is_not_there(tmp_path: Path, suffix: str):
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        update_document(tmp_path / f"gone{suffix}", NEW, "Renders")
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        document_size(tmp_path / f"gone{suffix}")


@pytest.mark.parametrize("suffix", [".psd", ".ora"])
def test_progress_ends_at_the_whole(tmp_path: Path, suffix: str):
    path = tmp_path / f"painting{suffix}"
    write_stack(painting(), path)
    seen: list[tuple[int, int]] = []
    update_document(path, NEW, "Renders", lambda done, total: seen.append((done, total)))
    assert seen[0][0] == 1 and seen[-1][0] == seen[-1][1] == len(seen)


def test_krita_ends_names_with_a_null_character(tmp_path: Path):
    path = artists_file(tmp_path, group="Renders\0")
    update_document(path, NEW, "Renders")
    assert len(psd_tools.PSDImage.open(path)) == 4


def test_the_transparency_of_the_whole_stays(tmp_path: Path):
    """A document with transparency, whose merged picture has a fourth channel."""
    document = psd_tools.PSDImage.new("RGBA", (WIDTH, HEIGHT))
    half = np.dstack([colors(1), fade()])
    document.create_pixel_layer(Image.fromarray(half), name="half")
    document._record.layer_and_mask_information.layer_info.layer_count *= -1
    document.save(tmp_path / "art.psd")
    update_document(tmp_path / "art.psd", [replace(NEW[0], mask=even(0))], "Renders")
    again = psd_tools.PSDImage.open(tmp_path / "art.psd")
    assert again.channels == 4
    shape = np.asarray(again.topil(ChannelID.TRANSPARENCY_MASK))
    assert np.abs(shape.astype(int) - fade()).max() <= 1
