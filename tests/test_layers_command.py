"""`impasto layers`: from files to a file of layers, and what it says when it cannot."""

import errno
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from layered_photo import write_pictures
from onnx import TensorProto, helper
from PIL import Image
from psd_tools import PSDImage

from impasto.main import main
from nst_core.picture import read_picture
from studio.layers import documents

RENDERS = ["cat-waves.png", "cat-night.png", "cat-lilies.png"]
COMMAND = ["layers", "cat.png", *RENDERS]


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cat.png` and its renders, in a folder of their own that is the current one."""
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path)


def test_a_photoshop_file_opens_with_groups_masks_and_names(capsys: pytest.CaptureFixture[str]):
    assert main([*COMMAND, "-o", "cat.psd"]) == 0
    found = PSDImage.open("cat.psd")
    assert [layer.name for layer in found] == ["Photo", "Base", "Renders", "Finishing", "Details"]
    renders = list(found[2])  # pyright: ignore[reportArgumentType]
    assert [layer.name for layer in renders] == ["waves", "night", "lilies"]
    assert all(layer.mask is not None and layer.size == (240, 160) for layer in renders)
    assert np.array_equal(np.asarray(renders[0].topil())[..., :3], read_picture("cat-waves.png").pixels)
    said = capsys.readouterr()
    assert said.out.startswith("cat.psd: 10 layers of 240x160 px, ") and not said.err


def test_what_other_programs_show_of_it_is_painted_and_still_the_photo():
    assert main([*COMMAND, "-o", "cat.psd"]) == 0
    shown = np.asarray(Image.open("cat.psd").convert("RGB")).astype(float)
    off = [np.abs(shown - read_picture(name).pixels).mean() for name in ("cat.png", "cat-waves.png", "cat-lilies.png")]
    assert off[1] < off[0] and off[1] < off[2]  # the render that is named first


def test_an_openraster_file_has_the_same_layers():
    assert main([*COMMAND, "-o", "cat.ora", "--masks", "subject"]) == 0
    with zipfile.ZipFile("cat.ora") as archive:
        assert archive.namelist()[0] == "mimetype"
        tree = archive.read("stack.xml").decode()
    for name in ("Photo", "Painterly base", "waves", "night", "lilies", "Edge highlight", "Details"):
        assert f'name="{name}"' in tree


def test_folders_and_patterns_are_renders_too_but_never_the_photo():
    assert main(["layers", "cat.png", "*.png", "cat-night.png", "-o", "cat.psd"]) == 0
    renders = PSDImage.open("cat.psd")[2]
    assert sorted(layer.name for layer in renders) == ["lilies", "night", "waves"]  # pyright: ignore[reportGeneralTypeIssues]


def test_size_makes_the_layers_smaller():
    assert main([*COMMAND, "-o", "cat.psd", "--size", "120"]) == 0
    assert PSDImage.open("cat.psd").size == (120, 80)


def test_a_network_of_ones_own_finds_the_subject():
    pick = np.array([0, 0, 9], np.float32).reshape(1, 3, 1, 1)  # what is blue, which is the ground
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "pick"], ["mask"])],
        "blue",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, 64, 64])],
        [onnx.numpy_helper.from_array(pick, "pick")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    Path("blue.onnx").write_bytes(model.SerializeToString())
    assert main([*COMMAND, "-o", "cat.psd", "--subject-model", "blue.onnx"]) == 0
    pop = next(layer for layer in PSDImage.open("cat.psd").descendants() if layer.name == "Subject pop")
    assert pop.mask is not None
    shown = np.asarray(pop.mask.topil())
    assert shown[88, 96] < 20 and shown[20, 220] > 235


def test_update_adds_what_is_new_and_leaves_the_rest(capsys: pytest.CaptureFixture[str]):
    assert main(["layers", "cat.png", *RENDERS[:2], "-o", "cat.psd"]) == 0
    before = {
        layer.name: np.asarray(layer.topil())
        for layer in PSDImage.open("cat.psd").descendants()
        if layer.kind == "pixel"
    }
    assert main([*COMMAND, "--update", "cat.psd"]) == 0
    assert capsys.readouterr().out.endswith("cat.psd: lilies added; 2 of 3 were there already\n")
    after = {
        layer.name: np.asarray(layer.topil())
        for layer in PSDImage.open("cat.psd").descendants()
        if layer.kind == "pixel"
    }
    assert set(after) - set(before) == {"lilies"}
    assert all(np.array_equal(after[name], pixels) for name, pixels in before.items())


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("layers cat.png cat-waves.png", "name a new file of layers with -o, or one to add to with --update"),
        ("layers cat.png cat-waves.png -o a.psd --update b.psd", "name a new file of layers with -o, or"),
        ("layers cat.png cat-waves.png -o cat.tif", "cat.tif: the name must end in .psd"),
        ("layers cat.png cat.png -o cat.psd", "cat.png is the photo; name renders of it, too"),
        ("layers cat.png missing.png -o cat.psd", "missing.png does not exist"),
        ("layers dog.png cat-waves.png -o cat.psd", "dog.png does not exist"),
        ("layers cat.png broken.png -o cat.psd", "broken.png"),
        ("layers cat.png tall.png -o cat.psd", "tall.png is 100x200 px, not of the proportions of the photo"),
        ("layers cat.png cat-waves.png -o cat.png/cat.psd", "a part of that path is a file"),
        ("layers cat.png cat-waves.png -o cat.psd --masks face", "--masks: invalid choice"),
        ("layers cat.png cat-waves.png -o cat.psd --size 3", "--size must be"),
        ("layers cat.png cat-waves.png -o cat.psd --upscale 3", "--upscale: invalid choice"),
        ("layers cat.png cat-waves.png -o cat.psd --subject-model no.onnx", "--subject-model no.onnx is no file"),
        ("layers cat.png cat-waves.png -o cat.psd --subject-model broken.png", "it is no ONNX network"),
        ("layers cat.png cat-waves.png --update no.psd", "no.psd"),
        ("layers cat.png cat-waves.png --update cat.psd --masks edges", "--update adds renders with white masks"),
    ],
)
def test_wrong_input_is_one_clear_line_and_nothing_is_lost(
    command: str, message: str, capsys: pytest.CaptureFixture[str]
):
    Path("broken.png").write_bytes(b"no picture")
    Image.new("RGB", (100, 200)).save("tall.png")
    Path("cat.psd").write_bytes(b"of an earlier day")
    before = sorted(os.listdir())
    assert main(command.split()) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert Path("cat.psd").read_bytes() == b"of an earlier day" and sorted(os.listdir()) == before


def test_a_full_disk_leaves_the_file_that_was_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    Path("cat.psd").write_bytes(b"of an earlier day")
    real = documents.write_stack

    def full(stack, path, progress):
        def fail(done: int, layers: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        real(stack, path, fail)  # in the middle of the writing

    monkeypatch.setattr("impasto.layers_work.write_stack", full)
    before = sorted(os.listdir())
    assert main([*COMMAND, "-o", "cat.psd"]) == 2
    said = capsys.readouterr().err
    assert "disk is full" in said and said.count("\n") == 1
    assert Path("cat.psd").read_bytes() == b"of an earlier day" and sorted(os.listdir()) == before


@pytest.mark.parametrize(("package", "message"), [("cv2", "this needs OpenCV"), ("psd_tools", "this needs psd-tools")])
def test_a_missing_package_is_named(
    package: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, package, None)
    if package == "psd_tools":
        find_spec = documents.importlib.util.find_spec
        monkeypatch.setattr(
            documents.importlib.util, "find_spec", lambda name: None if name == package else find_spec(name)
        )
    assert main([*COMMAND, "-o", "cat.psd"]) == 2
    said = capsys.readouterr().err
    assert message in said and "pip install '.[studio]'" in said and said.count("\n") == 1
