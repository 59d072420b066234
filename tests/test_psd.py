"""Photoshop files: what psd-tools, Pillow and ImageMagick find in them is what was put in."""

import errno
import importlib.util
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_stacks import BLENDS, HEIGHT, WIDTH, even, painting, two_layers
from PIL import Image, ImageCms

from nst_core.errors import ConfigError, ImageError, NstError
from studio.layers.composite import composite
from studio.layers.documents import write_stack
from studio.layers.stack import Blend, Group, Layer, Stack

psd_tools = pytest.importorskip("psd_tools")


def written(stack: Stack, folder: Path, name: str = "painting.psd") -> Any:
    """What psd-tools reads of the file."""
    write_stack(stack, folder / name)
    return psd_tools.PSDImage.open(folder / name)


def recomposed(document: Any) -> np.ndarray:
    """The layers as psd-tools composes them; it cuts off where we round."""
    return np.asarray(document.composite(ignore_preview=True, apply_icc=False).convert("RGB"))


def flat(children: Any) -> list[Layer | Group]:
    """Groups and layers, each group after what is in it, as in the file."""
    found = []
    for child in children:
        found += [*flat(child.children), child] if isinstance(child, Group) else [child]
    return found


@pytest.mark.parametrize("name", ["painting.psd", "painting.PSB"])
def test_layers_masks_and_groups_are_there(tmp_path: Path, name: str):
    stack = painting()
    document = written(stack, tmp_path, name)

    def flat_document(children: Any) -> list[Any]:
        return [found for child in children for found in (flat_document(child) if child.is_group() else []) + [child]]

    there, wanted = flat_document(document), flat(stack.children)
    assert [layer.name for layer in there] == [layer.name for layer in wanted]
    for found, layer in zip(there, wanted, strict=True):
        assert found.opacity == round(layer.opacity * 255)
        assert found.visible == layer.visible
        assert found.blend_mode.name.lower() == layer.blend
        if isinstance(layer, Layer):
            np.testing.assert_array_equal(np.rint(found.numpy("color") * 255), layer.pixels)
            shape = np.asarray(found.topil(psd_tools.constants.ChannelID.TRANSPARENCY_MASK))
            np.testing.assert_array_equal(shape, even(255) if layer.alpha is None else layer.alpha)
            assert found.has_mask() == (layer.mask is not None)
            if layer.mask is not None:
                np.testing.assert_array_equal(np.asarray(found.mask.topil()), layer.mask)
                assert not found.mask.disabled
    ids = [layer.layer_id for layer in document.descendants()]
    assert len(set(ids)) == len(ids) and min(ids) > 0


@pytest.mark.parametrize("blend", BLENDS)
def test_each_blend_mode_shows_as_psd_tools_shows_it(tmp_path: Path, blend: Blend):
    stack = two_layers(blend)
    difference = recomposed(written(stack, tmp_path)).astype(int) - composite(stack)
    assert np.abs(difference).max() <= 1


def test_the_painting_shows_as_psd_tools_shows_it(tmp_path: Path):
    difference = recomposed(written(painting(), tmp_path)).astype(int) - composite(painting())
    assert np.abs(difference).max() <= 1


def test_readers_without_layers_see_the_picture(tmp_path: Path):
    write_stack(painting(), tmp_path / "painting.psd")
    with Image.open(tmp_path / "painting.psd") as image:
        assert (image.mode, image.size) == ("RGB", (WIDTH, HEIGHT))
        np.testing.assert_array_equal(np.asarray(image), composite(painting()))
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)


def has_imagemagick() -> bool:
    """Whether `convert` is its program: others, Windows' own among them, have that name, too."""
    if not (program := shutil.which("convert")):
        return False
    told = subprocess.run([program, "-version"], capture_output=True, check=False)
    return told.returncode == 0 and told.stdout.startswith(b"Version: ImageMagick")


@pytest.mark.skipif(not has_imagemagick(), reason="ImageMagick is not installed")
def test_imagemagick_sees_the_picture_and_the_layers(tmp_path: Path):
    write_stack(painting(), tmp_path / "painting.psd")
    for index, expected in [(0, composite(painting())), (1, painting().children[0].pixels)]:  # pyright: ignore
        out = tmp_path / f"{index}.png"
        subprocess.run(["convert", f"{tmp_path}/painting.psd[{index}]", "-alpha", "off", out], check=True)
        with Image.open(out) as image:
            np.testing.assert_array_equal(np.asarray(image.convert("RGB")), expected)


def test_folders_show_a_small_picture(tmp_path: Path):
    document = written(Stack(400, 200, [Layer("wide", np.full((200, 400, 3), 90, np.uint8))]), tmp_path)
    small = document.thumbnail()
    assert small.size == (160, 80)
    assert np.abs(np.asarray(small).astype(int) - 90).max() <= 2


def test_it_says_its_resolution(tmp_path: Path):
    resource = psd_tools.constants.Resource.RESOLUTION_INFO
    info = written(two_layers("normal"), tmp_path).image_resources.get_data(resource)
    assert info.horizontal / 65536 == info.vertical / 65536 == 300


def test_any_name_will_do(tmp_path: Path):
    names = ["油絵 ✎", "x" * 400, "", "a/b\\c"]
    layers = [Layer(name, np.zeros((2, 2, 3), np.uint8)) for name in names]
    document = written(Stack(2, 2, layers), tmp_path)
    assert [layer.name for layer in document] == ["油絵 ✎", "x" * 255, "", "a/b\\c"]


def test_progress_counts_layers(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    write_stack(painting(), tmp_path / "painting.psd", lambda done, total: seen.append((done, total)))
    assert seen == [(done, 9) for done in range(1, 10)]


def test_what_a_psd_cannot_hold_is_refused_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    wide = Stack(30_001, 1, [Layer("wide", np.broadcast_to(np.uint8(0), (1, 30_001, 3)))])
    with pytest.raises(ImageError, match=r"wide\.psd: .*30000 pixels a side, not 30001; name it wide\.psb"):
        write_stack(wide, tmp_path / "wide.psd")
    write_stack(wide, tmp_path / "wide.psb")
    from studio.layers.psd import write

    monkeypatch.setitem(write.LIMITS, ".psd", (1, 30_000, 1000))
    with pytest.raises(ImageError, match=r"painting\.psd would be larger .*; name it painting\.psb"):
        write_stack(painting(), tmp_path / "painting.psd")
    assert [path.name for path in tmp_path.iterdir()] == ["wide.psb"]


def test_other_names_are_refused(tmp_path: Path):
    with pytest.raises(ImageError, match=r"painting\.xcf: the name must end in \.psd"):
        write_stack(painting(), tmp_path / "painting.xcf")


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "painting.psd").write_bytes(b"old")

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("psd_tools.psd.PSD.write", full)
    with pytest.raises(NstError, match=r"painting\.psd .*the disk is full"):
        write_stack(painting(), tmp_path / "painting.psd")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_without_psd_tools_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"psd-tools; .* pip install '\.\[studio\]'"):
        write_stack(painting(), tmp_path / "painting.psd")
