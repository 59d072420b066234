"""What a photo shows: where the eye goes, faces, the subject cut out."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import skimage.data
from layered_photo import drawn_photo
from onnx import TensorProto, helper

from nst_core.errors import ConfigError, ModelError
from nst_core.picture import Picture
from studio.subject.edges import enlarge_mask, follow_edges
from studio.subject.faces import find_faces
from studio.subject.model import SubjectModel
from studio.subject.saliency import saliency
from studio.subject.segment import subject_mask

HEIGHT, WIDTH = 160, 240
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
DISK = np.hypot(ROWS - HEIGHT * 0.55, COLUMNS - WIDTH * 0.4) < 0.3 * HEIGHT
"""Of `drawn_photo`."""


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return Picture(skimage.data.astronaut()).as_float()


def test_what_stands_out_is_the_disk_and_not_the_ground():
    found = saliency(drawn_photo().as_float())
    assert found.shape == (HEIGHT, WIDTH) and found.dtype == np.float32
    assert found[DISK].mean() > 0.8 and found[~DISK].mean() < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (40, 7)])
def test_nothing_stands_out_in_one_color_at_any_size(shape: tuple[int, int]):
    even = np.full((*shape, 3), 0.4, np.float32)
    assert not saliency(even).any() and not subject_mask(even).any() and find_faces(even) == []


@pytest.mark.parametrize("scale", [1, 4])
def test_the_subject_is_the_disk_to_its_edge_at_any_size(scale: int):
    photo = drawn_photo(WIDTH * scale, HEIGHT * scale).as_float()
    found = subject_mask(photo)[::scale, ::scale] > 0.5
    assert (found & DISK).sum() / (found | DISK).sum() > 0.95


def test_the_same_photo_gives_the_same_subject():
    photo = drawn_photo().as_float()
    assert np.array_equal(subject_mask(photo), subject_mask(photo))


def test_the_face_of_a_portrait_is_found_with_both_eyes(astronaut: np.ndarray):
    (face,) = find_faces(astronaut)
    # Where they are was read off the picture by hand.
    assert face.left < 190 and face.left + face.width > 255 and face.top < 85 and face.top + face.height > 145
    (left, right) = face.eyes
    assert np.hypot(left.x - 202, left.y - 101) < 6 and np.hypot(right.x - 247, right.y - 103) < 6


def test_a_face_has_its_place_in_pixels_of_the_photo(astronaut: np.ndarray):
    large = Picture.from_float(astronaut).resized(1024, 1024).as_float()
    (small,), (face,) = find_faces(astronaut), find_faces(large)
    assert face.left / 2 == pytest.approx(small.left, abs=12) and face.width / 2 == pytest.approx(small.width, abs=15)


@pytest.mark.parametrize("photo", ["chelsea", "coffee", "brick"])
def test_no_face_is_seen_where_there_is_none(photo: str):
    pixels = getattr(skimage.data, photo)()
    pixels = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    assert find_faces(Picture(pixels).as_float()) == []


def test_the_subject_of_a_portrait_is_the_person(astronaut: np.ndarray):
    found = subject_mask(astronaut)
    assert found[110, 225] > 0.95 and found[400, 250] > 0.95  # forehead, suit
    assert found[20, 480] < 0.05 and found[200, 20] < 0.05
    assert 0.2 < found.mean() < 0.6


def test_a_mask_takes_to_the_edge_it_was_near():
    image = np.zeros((60, 60, 3), np.float32)
    image[:, 30:] = 1
    rough = np.tile((np.arange(60) >= 33).astype(np.float32), (60, 1))
    followed = follow_edges(rough, image, image, share=0.1)
    assert followed[:, 31].min() > rough[:, 31].max() + 0.5 and followed[:, 28].max() < 0.15


def test_a_mask_is_enlarged_by_bands_as_at_once():
    photo = drawn_photo(720, 480)
    small = photo.resized(240, 160).as_float()
    mask = saliency(small)
    at_once = follow_edges(mask, small, photo.as_float())
    assert np.abs(enlarge_mask(mask, small, photo) / 255 - at_once).max() < 1 / 255


def test_without_opencv_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ConfigError, match="pip install"):
        subject_mask(drawn_photo().as_float())


def write_network(path: Path, size: int | str = 64, channels: int = 3, gain: float = 1.0, outputs: int = 1) -> Path:
    """A network that gives red, as it gets it, times a gain: in as many channels as asked."""
    pick = np.zeros((outputs, channels, 1, 1), np.float32)
    pick[:, 0] = gain
    node = helper.make_node("Conv", ["image", "pick"], ["mask"])
    graph = helper.make_graph(
        [node], "red",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, channels, size, size])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, outputs, size, size])],
        [onnx.numpy_helper.from_array(pick, "pick")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("size", [64, "side"])
def test_a_network_gives_the_subject_from_its_logits(tmp_path: Path, size: int | str):
    photo = drawn_photo().as_float()
    found = SubjectModel(write_network(tmp_path / "red.onnx", size, gain=8)).mask(photo)
    assert found.shape == (HEIGHT, WIDTH)
    # Red is 0.85 in the disk, so its logit is 8 * (0.85 - 0.485) / 0.229 there, and below -3 on the ground.
    assert ((found > 0.5) == DISK).mean() > 0.97


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 4}, r"must take one input \(1, 3, height, width\)"),
        ({"outputs": 2}, "must give one channel"),
    ],
)
def test_a_network_of_another_kind_is_refused(tmp_path: Path, options: dict[str, int], message: str):
    path = write_network(tmp_path / "odd.onnx", **options)
    with pytest.raises(ModelError, match=message):
        SubjectModel(path).mask(drawn_photo().as_float())


def test_a_model_file_that_is_none_is_refused(tmp_path: Path):
    (tmp_path / "no.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match="it is no ONNX network"):
        SubjectModel(tmp_path / "no.onnx")
    with pytest.raises(ModelError, match="is no file"):
        SubjectModel(tmp_path / "missing.onnx")
