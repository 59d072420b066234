"""A network as an ONNX file: what the file is like, that it paints as the network does, and what is refused."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from cuda_operators import CUDA_OPERATORS
from onnx import numpy_helper
from toy_style import toy_card

from models.card import StyleCard
from models.catalog import read_style
from models.registry import build
from models.style_network import StyleNetwork
from nst_core.errors import ModelError
from nst_core.picture import Picture
from serve.engine import Engine
from serve.paint_options import PaintOptions
from train.style import export
from train.style.export import export_style, parity

TINY = {"widths": (4, 6, 8), "blocks": 1}
SHAPES: dict[str, tuple[str, dict[str, Any] | None, int]] = {
    "swift": ("swift", None, 1),
    "tiny": ("swift", TINY, 1),
    "johnson": ("johnson", {"width": 8}, 1),
    "palette": ("swift", TINY, 3),
}


@dataclass
class Exported:
    """A network with random weights, and its file."""

    network: StyleNetwork
    card: StyleCard
    path: Path

    @property
    def model(self) -> onnx.ModelProto:
        return onnx.load(self.path)

    def paint(self, photo: np.ndarray, strength: float = 1.0, weights: tuple[float, ...] = ()) -> np.ndarray:
        """What ONNX Runtime makes of (B, 3, H, W)."""
        session = onnxruntime.InferenceSession(self.path, providers=["CPUExecutionProvider"])
        feeds = {"photo": photo, "strength": np.array([strength], np.float32)}
        if weights:
            feeds["weights"] = np.array(weights, np.float32)
        return session.run(["painting"], feeds)[0]


def make(shape: str) -> StyleNetwork:
    torch.manual_seed(0)
    network = build(*SHAPES[shape]).requires_grad_(False)
    network.table.add_(0.3 * torch.randn_like(network.table))
    return network


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """Each shape, exported once."""
    made = {}
    for shape, (name, _, paintings) in SHAPES.items():
        card = toy_card(shape, paintings, network=name)
        made[shape] = Exported(make(shape), card, tmp_path_factory.mktemp(shape) / f"{shape}.onnx")
        export_style(made[shape].network, card, made[shape].path)
    return made


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).random(shape, np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_one_whole_file_of_an_opset_that_maxwell_cards_compute(shape: str, exported: dict[str, Exported]):
    one = exported[shape]
    assert [path.name for path in one.path.parent.iterdir()] == [f"{shape}.onnx"]
    assert [(entry.domain, entry.version) for entry in one.model.opset_import] in ([("", 17)], [("", 18)])
    inputs = {entry.name: entry.type.tensor_type for entry in one.model.graph.input}
    weights = {"weights"} if shape == "palette" else set()
    assert set(inputs) == {"photo", "strength", "moments", "moments_given"} | weights
    assert {kind.elem_type for kind in inputs.values()} == {onnx.TensorProto.FLOAT}
    named = [dim.dim_param or dim.dim_value for dim in inputs["photo"].shape.dim]
    assert named == ["batch", 3, "height", "width"]


def test_weights_are_stored_as_fp16_in_at_most_2_mb(exported: dict[str, Exported]):
    swift = exported["swift"]
    large = [values for values in constants(swift.model) if values.size >= 256]
    assert large and {values.dtype for values in large} == {np.dtype(np.float16)}
    count = sum(parameter.numel() for parameter in swift.network.parameters())
    assert 2 * count < swift.path.stat().st_size <= 2e6


def constants(model: onnx.ModelProto) -> Iterator[np.ndarray]:
    inputs = {entry.name for entry in model.graph.input}
    yield from (numpy_helper.to_array(entry) for entry in model.graph.initializer if entry.name not in inputs)
    for node in model.graph.node:
        yield from (numpy_helper.to_array(entry.t) for entry in node.attribute if entry.HasField("t"))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("batch", "height", "width"), [(1, 32, 32), (1, 65, 51), (2, 40, 36)])
def test_paints_as_the_network_does_at_any_size(
    shape: str, batch: int, height: int, width: int, exported: dict[str, Exported]
):
    one, photo = exported[shape], pixels(batch, 3, height, width)
    weights = (0.5, 0.0, 2.0) if shape == "palette" else ()
    for strength in (0.25, 1.0, 1.5):
        painted = one.paint(photo, strength, weights)
        with torch.no_grad():
            wanted = one.network(torch.from_numpy(photo), torch.tensor([strength]), torch.tensor([weights or (1.0,)]))
        assert painted.shape == photo.shape and np.abs(painted - wanted.numpy()).max() <= 2e-3


@pytest.mark.parametrize("shape", SHAPES)
def test_strength_works_from_the_file_alone(shape: str, exported: dict[str, Exported]):
    photo = pixels(1, 3, 48, 40)
    weights = (1.0, 1.0, 1.0) if shape == "palette" else ()
    results = [exported[shape].paint(photo, strength, weights) for strength in (0.0, 0.5, 1.0, 1.5)]
    assert -10 * np.log10(np.square(results[0] - photo).mean() + 1e-12) >= 40  # dB
    for less, more in pairwise(results):
        assert np.abs(less - more).mean() > 0.005


def test_palette_is_mixed_from_the_file_alone(exported: dict[str, Exported]):
    palette, photo = exported["palette"], pixels(1, 3, 40, 40)
    first, last, mixed, doubled = (
        palette.paint(photo, 1.0, weights) for weights in ((1, 0, 0), (0, 0, 1), (1, 0, 1), (2, 0, 2))
    )
    assert np.abs(first - last).mean() > 0.01
    assert np.abs(mixed - first).mean() > 0.005 and np.abs(mixed - last).mean() > 0.005
    assert np.abs(mixed - doubled).max() < 1e-5


@pytest.mark.parametrize("shape", ["tiny", "palette"])
def test_card_comes_back_and_the_engine_paints(shape: str, exported: dict[str, Exported]):
    one = exported[shape]
    style = read_style(one.path)
    assert style.card == one.card and style.name == shape
    photo = Picture((pixels(40, 52, 3) * 255).astype(np.uint8))
    assert np.array_equal(Engine().stylize(photo, style, PaintOptions(strength=0)).pixels, photo.pixels)
    at_its_size = PaintOptions(strength=0.8, brush_size=style.card.size_px / 52)
    painted = Engine().stylize(photo, style, at_its_size).as_float()
    batch = np.ascontiguousarray(photo.as_float().transpose(2, 0, 1)[None])
    wanted = one.paint(batch, 0.8, (1.0, 1.0, 1.0) if shape == "palette" else ())[0].transpose(1, 2, 0)
    assert np.abs(painted - wanted).max() < 0.51 / 255


def test_openvino_paints_the_same(exported: dict[str, Exported]):
    core = pytest.importorskip("openvino").Core()
    swift, photo = exported["swift"], pixels(1, 3, 65, 51)
    network = core.compile_model(swift.path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})  # else bfloat16 where it may
    painted = network({"photo": photo, "strength": np.ones(1, np.float32)})["painting"]
    assert np.abs(painted - swift.paint(photo)).max() <= 2e-3


def test_parity_says_how_far_apart_they_are(exported: dict[str, Exported]):
    tiny = exported["tiny"]
    data = tiny.path.read_bytes()
    assert parity(tiny.network, data) < 1e-4
    other = make("tiny")
    other.get_parameter("body.last.bias").add_(1.0)
    assert parity(other, data) > 0.05


@pytest.mark.parametrize("change", [0.1, np.nan])
def test_graph_that_paints_otherwise_is_refused(change: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    traced = export._traced

    def altered(network: StyleNetwork) -> bytes:
        model = onnx.load(io.BytesIO(traced(network)))
        (bias,) = (tensor for tensor in model.graph.initializer if tensor.dims == [12])
        bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32(change), bias.name))
        return model.SerializeToString()

    monkeypatch.setattr(export, "_traced", altered)
    path = tmp_path / "style.onnx"
    path.write_bytes(b"an earlier one")
    with pytest.raises(ModelError, match=r"style\.onnx: the exported network paints otherwise") as raised:
        export_style(make("tiny"), toy_card(), path)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"an earlier one"


@pytest.mark.parametrize("shape", ["swift", "johnson", "palette"])
def test_every_operator_is_one_that_the_cuda_provider_of_1_19_has(shape: str, exported: dict[str, Exported]):
    """Operator, version and element types, against ONNX Runtime's documented table: read, not run on a card."""
    missing = set(map(missing_on_cuda, *typed_nodes(exported[shape].model))) - {None}
    assert not missing


@pytest.mark.parametrize(("opset", "kind", "found"), [(17, "float", None), (17, "int64", "int64"), (20, "float", "19")])
def test_what_the_cuda_provider_lacks_is_found(opset: int, kind: str, found: str | None):
    node = onnx.helper.make_node("Pad", ["x", "pads"], ["y"])
    missing = missing_on_cuda(node, opset, {"x": kind, "pads": "int64", "y": kind})
    assert missing is None if found is None else found in str(missing)


def typed_nodes(model: onnx.ModelProto) -> tuple[list[onnx.NodeProto], list[int], list[dict[str, str]]]:
    """Each node with the opset and the element types of all values; constants, which are no work, left out."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    types = {entry.name: entry.type.tensor_type.elem_type for entry in (*graph.input, *graph.output, *graph.value_info)}
    types |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    named = {name: onnx.TensorProto.DataType.Name(number).lower() for name, number in types.items()}
    nodes = [node for node in graph.node if node.op_type != "Constant"]
    return nodes, [model.opset_import[0].version] * len(nodes), [named] * len(nodes)


def missing_on_cuda(node: onnx.NodeProto, opset: int, types: dict[str, str]) -> str | None:
    """What of a node the table lacks, in words; None if it has all.

    A kernel without a last version is for that one version of the operator alone, as ONNX Runtime takes it.
    """
    schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
    version = schema.since_version
    rows = CUDA_OPERATORS.get(node.op_type, [])
    allowed = next((kinds for first, last, kinds in rows if first == version or first < version <= (last or 0)), None)
    if allowed is None:
        return f"{node.op_type} {version}"
    for values, formal in ((node.input, schema.inputs), (node.output, schema.outputs)):
        for number, value in enumerate(values):
            kind = formal[min(number, len(formal) - 1)].type_str
            if value and types[value] not in allowed.get(kind, {types[value]}):
                return f"{node.op_type} {version} of {types[value]}"
    return None
