"""From a photo and its renders to a stack of layers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from layered_photo import drawn_photo, write_pictures
from PIL import Image
from scipy.ndimage import gaussian_filter

from nst_core.errors import ImageError
from nst_core.picture import Picture, read_picture
from studio.layers import build
from studio.layers.base import painterly
from studio.layers.build import build_stack, render_layers
from studio.layers.composite import composite
from studio.layers.detail import measured_detail
from studio.layers.options import LayersOptions, Masks
from studio.layers.stack import Group, Layer, Stack
from studio.upscale.enlarge import open_enlarger

HEIGHT, WIDTH = 160, 240
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
FROM_MIDDLE = np.hypot(ROWS - HEIGHT * 0.55, COLUMNS - WIDTH * 0.4) / (0.3 * HEIGHT)
DISK, GROUND, RIM = FROM_MIDDLE < 0.9, FROM_MIDDLE > 1.1, abs(FROM_MIDDLE - 1) < 0.03
"""Of `drawn_photo`: well within, well without, and the edge."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """`cat.png` and its renders waves, night and lilies, from soft to sharp."""
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def stack(files: tuple[Path, list[Path]]) -> Stack:
    return build_stack(read_picture(files[0]), files[1], LayersOptions())


def layer(stack: Stack, name: str) -> Layer:
    return next(layer for layer in stack.layers() if layer.name == name)


def mask(stack: Stack, name: str) -> np.ndarray:
    found = layer(stack, name).mask
    assert found is not None
    return found / 255


def masked(files: tuple[Path, list[Path]], kind: Masks, count: int = 3) -> Stack:
    return build_stack(read_picture(files[0]), files[1][:count], LayersOptions(masks=kind))


def test_the_stack_is_photo_base_renders_finishing_and_room_for_details(stack: Stack):
    assert [child.name for child in stack.children] == ["Photo", "Base", "Renders", "Finishing", "Details"]
    renders = stack.children[2]
    assert isinstance(renders, Group)
    assert [child.name for child in renders.children] == ["waves", "night", "lilies"]  # the soft one lowest
    assert [child.name for child in stack.children[3].children] == [  # pyright: ignore[reportAttributeAccessIssue]
        "Calm odd textures", "Background back", "Subject pop", "Edge highlight",
    ]  # fmt: skip
    details = layer(stack, "Details")
    assert details.alpha is not None and not details.alpha.any()


def test_the_layers_hold_the_files_pixels_and_know_where_they_are_from(files: tuple[Path, list[Path]], stack: Stack):
    for name, path in zip(("Photo", "waves", "night", "lilies"), (files[0], *files[1]), strict=True):
        found, picture = layer(stack, name), read_picture(path)
        assert np.array_equal(found.pixels, picture.pixels) and found.origin == picture.sha256


def test_detail_is_less_the_broader_the_strokes_and_does_not_go_by_size():
    image = Picture(skimage.data.astronaut()).as_float()
    found = [measured_detail(Picture.from_float(gaussian_filter(image, (blur, blur, 0)))) for blur in (0, 2, 4, 8)]
    assert found == sorted(found, reverse=True) and found[0] > found[-1] + 0.2
    large = measured_detail(Picture.from_float(image).resized(1024, 1024))
    assert large == pytest.approx(found[0], abs=0.02)


@pytest.mark.parametrize("named", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_the_render_named_first_shows_most_whatever_its_place(files: tuple[Path, list[Path]], named: list[int]):
    photo, renders = files
    found = build_stack(read_picture(photo), [renders[index] for index in named], LayersOptions())
    names = ["waves", "night", "lilies"]
    opacities = [layer(found, name).opacity for name in names]
    above = [1 - sum(opacities[number + 1 :]) for number in range(3)]
    shares = [opacity * max(rest, 0) for opacity, rest in zip(opacities, above, strict=True)]
    assert int(np.argmax(shares)) == named[0]


def test_white_masks_are_white(stack: Stack):
    for name in ("waves", "night", "lilies"):
        assert (mask(stack, name) == 1).all()


def test_the_base_lets_through_the_photos_edges_and_covers_calm_ground(stack: Stack):
    covers = mask(stack, "Painterly base")
    assert covers[GROUND].mean() > 0.95 and covers[RIM].mean() < 0.6


def test_the_base_loses_fine_structure_and_keeps_edges():
    photo = drawn_photo()
    noise = np.random.default_rng(0).normal(0, 0.04, (HEIGHT, WIDTH, 3)).astype(np.float32)
    base = painterly(Picture.from_float(photo.as_float() + noise)) / 255
    rough, calm = (np.std(x[40:60, 180:230] - gaussian_filter(x[40:60, 180:230], (3, 3, 0))) for x in (noise, base))
    assert calm < rough / 4
    contrast = photo.as_float()[DISK].mean(0) - photo.as_float()[GROUND].mean(0)
    kept = base[(FROM_MIDDLE > 0.88) & (FROM_MIDDLE < 0.93)].mean(0) - base[
        (FROM_MIDDLE > 1.07) & (FROM_MIDDLE < 1.12)
    ].mean(0)
    assert np.abs(kept - contrast).max() < 0.05


def test_the_subject_is_pulled_out_and_the_background_back(stack: Stack):
    assert mask(stack, "Subject pop")[DISK].mean() > 0.95 and mask(stack, "Background back")[DISK].mean() < 0.05
    assert mask(stack, "Subject pop")[GROUND].mean() < 0.05 and mask(stack, "Background back")[GROUND].mean() > 0.95


def test_edges_are_lit_and_nothing_else(stack: Stack):
    edges = layer(stack, "Edge highlight")
    assert mask(stack, "Edge highlight")[RIM].mean() > 0.6
    assert mask(stack, "Edge highlight")[FROM_MIDDLE > 1.4].mean() < 0.1
    calm = edges.pixels[FROM_MIDDLE > 1.4]
    assert np.abs(calm.astype(int) - 128).max() <= 6  # neutral gray, which overlay leaves alone
    assert np.ptp(edges.pixels[RIM].astype(int)) > 100


def test_texture_that_the_photo_has_not_is_calmed_where_it_is(tmp_path: Path):
    photo = drawn_photo()
    striped = photo.as_float()
    striped[:, 160:] += 0.25 * np.sin(ROWS[:, 160:, None])
    Image.fromarray(Picture.from_float(striped).pixels).save(tmp_path / "striped.png")
    found = build_stack(photo, [tmp_path / "striped.png"], LayersOptions())
    assert mask(found, "Calm odd textures")[:, 180:].mean() > 0.8
    assert mask(found, "Calm odd textures")[:, :140].mean() < 0.05
    pixels = layer(found, "Calm odd textures").pixels[40:120, 190:230, 1] / 255
    assert np.std(pixels) < 0.5 * np.std(striped[40:120, 190:230, 1])


def test_a_photo_without_a_subject_gets_no_subject_layers(tmp_path: Path):
    even = Picture(np.full((60, 90, 3), 120, np.uint8))
    Image.fromarray(even.pixels).save(tmp_path / "gray.png")
    names = [layer.name for layer in build_stack(even, [tmp_path / "gray.png"], LayersOptions()).layers()]
    assert names == ["Photo", "Painterly base", "gray", "Calm odd textures", "Edge highlight", "Details"]


def test_eyes_are_sharpened_and_lit_where_they_are(tmp_path: Path):
    photo = Picture(skimage.data.astronaut())
    Image.fromarray(photo.pixels[..., ::-1]).save(tmp_path / "blue.png")
    found = build_stack(photo, [tmp_path / "blue.png"], LayersOptions())
    for name in ("Eye sharpening", "Eye light"):
        shown = mask(found, name)
        assert shown[101, 202] > 0.9 and shown[103, 247] > 0.9 and shown[101, 225] < 0.1
        shown = shown.copy()
        shown[85:120, 180:270] = 0
        assert not shown.any()
    sharp, soft = (x[90:112, 192:214].astype(float) for x in (layer(found, "Eye sharpening").pixels, photo.pixels))
    assert np.abs(np.diff(sharp, axis=1)).mean() > 1.15 * np.abs(np.diff(soft, axis=1)).mean()


def test_the_detailed_renders_come_onto_the_subject_and_the_broad_ones_behind(files: tuple[Path, list[Path]]):
    found = masked(files, "subject")
    assert (mask(found, "waves") == 1).all()  # nothing is left bare
    for name in ("night", "lilies"):
        assert mask(found, name)[DISK].mean() > 0.95 and mask(found, name)[GROUND].mean() < 0.05


def test_with_saliency_the_more_detailed_a_render_the_less_it_covers(files: tuple[Path, list[Path]]):
    found = masked(files, "saliency")
    covered = [mask(found, name).mean() for name in ("waves", "night", "lilies")]
    assert covered[0] == 1 and covered[0] > covered[1] > covered[2] > 0.05
    assert mask(found, "lilies")[GROUND].mean() < 0.05


def test_with_edges_detail_comes_to_the_edges(files: tuple[Path, list[Path]]):
    found = masked(files, "edges")
    assert mask(found, "lilies")[RIM].mean() > 0.6 and mask(found, "lilies")[FROM_MIDDLE > 1.4].mean() < 0.15


def test_with_region_each_render_has_a_part_of_its_own(files: tuple[Path, list[Path]]):
    found = masked(files, "region", 2)
    upper = mask(found, "night")
    assert 0.1 < upper.mean() < 0.9
    assert (np.minimum(upper, 1 - upper) > 0.2).mean() < 0.15  # parts, not a haze
    assert abs(upper[DISK].mean() - upper[GROUND].mean()) > 0.8


@pytest.mark.parametrize("kind", ["white", "subject", "edges", "saliency", "region"])
def test_one_render_alone_shows(files: tuple[Path, list[Path]], kind: Masks):
    found = masked(files, kind, 1)
    without = replace(found, children=[child for child in found.children if child.name != "Renders"])
    assert np.abs(composite(found).astype(int) - composite(without)).max() > 30


def test_renders_of_other_sizes_come_to_the_photos(files: tuple[Path, list[Path]], tmp_path: Path):
    small = read_picture(files[1][0]).resized(120, 80)
    Image.fromarray(small.pixels).save(tmp_path / "small.png")
    found = build_stack(read_picture(files[0]), [tmp_path / "small.png"], LayersOptions())
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    assert np.array_equal(layer(found, "small").pixels, small.resized(WIDTH, HEIGHT).pixels)


def test_size_and_upscale_say_how_large_the_layers_are(files: tuple[Path, list[Path]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(build, "open_enlarger", lambda factor: open_enlarger(factor, "lanczos"))
    photo = read_picture(files[0])
    for options, width in (
        (LayersOptions(size=120), 120),
        (LayersOptions(upscale=2), 480),
        (LayersOptions(upscale=2, size=300), 300),
    ):
        found = build_stack(photo, files[1][:1], options)
        assert (found.width, found.height) == (width, width * 2 // 3)
        assert layer(found, "waves").origin == read_picture(files[1][0]).sha256


def test_a_render_of_another_picture_is_refused_by_its_name(files: tuple[Path, list[Path]], tmp_path: Path):
    Image.new("RGB", (240, 200)).save(tmp_path / "other.png")
    with pytest.raises(
        ImageError, match=r"other\.png is 240x200 px, not of the proportions of the photo \(240x160 px\)"
    ):
        build_stack(read_picture(files[0]), [tmp_path / "other.png"], LayersOptions())


def test_sixteen_bits_and_transparency_are_taken(files: tuple[Path, list[Path]], tmp_path: Path):
    cover = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    render = np.dstack([read_picture(files[1][0]).pixels, cover])
    Image.fromarray(render).save(tmp_path / "clear.png")
    deep = read_picture(files[0]).with_bits(16)
    found = build_stack(deep, [tmp_path / "clear.png"], LayersOptions())
    assert np.array_equal(layer(found, "Photo").pixels, read_picture(files[0]).pixels)
    assert np.array_equal(layer(found, "clear").alpha, cover)  # pyright: ignore[reportArgumentType]


def test_progress_only_grows_and_ends_at_one(files: tuple[Path, list[Path]]):
    told: list[float] = []
    build_stack(read_picture(files[0]), files[1], LayersOptions(), told.append)
    assert told == sorted(told) and told[-1] == 1 and len(told) > 6


def test_renders_for_an_update_come_broad_first_with_white_masks(files: tuple[Path, list[Path]]):
    found = render_layers(files[1][::-1], "cat.png", 120, 80, LayersOptions(), lambda share: None)
    assert [layer.name for layer in found] == ["waves", "night", "lilies"]
    assert all(
        layer.pixels.shape == (80, 120, 3) and layer.mask is not None and layer.mask.min() == 255 for layer in found
    )


def test_layers_of_one_name_are_told_apart(files: tuple[Path, list[Path]], tmp_path: Path):
    same = tmp_path / files[1][0].name
    same.write_bytes(files[1][0].read_bytes())
    found = render_layers([files[1][0], same], "cat.png", 240, 160, LayersOptions(), lambda share: None)
    assert [layer.name for layer in found] == ["waves", "waves (2)"]
