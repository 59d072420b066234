"""Parts cut out of a graph compute what the whole computes, and files that are not to be trusted are refused."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.external_data_helper import set_external_data
from toy_style import expected, write_toy_style

from models.onnx_graph import OnnxGraph
from nst_core.errors import ModelError


def run(model: bytes, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feeds)


@pytest.fixture
def toy(tmp_path: Path) -> OnnxGraph:
    write_toy_style(tmp_path / "toy.onnx", paintings=3)
    return OnnxGraph.read(tmp_path / "toy.onnx")


def test_graph_is_what_onnx_takes_it_for(tmp_path: Path, toy: OnnxGraph):
    graph = onnx.load(tmp_path / "toy.onnx").graph
    assert [(node.operator, list(node.inputs), list(node.outputs)) for node in toy.nodes] == [
        (node.op_type, list(node.input), list(node.output)) for node in graph.node
    ]
    assert list(toy.inputs) == [value.name for value in graph.input]
    assert list(toy.initializers) == [tensor.name for tensor in graph.initializer]
    assert toy.opset == 17
    source = toy.producer("tint")
    assert source is not None and source.operator == "Reshape" and toy.producer("photo") is None


def test_parts_do_what_the_whole_does(toy: OnnxGraph):
    photo = np.random.default_rng(0).random((1, 3, 5, 7), np.float32)
    strength, weights = np.array([0.5], np.float32), np.array([1, 2, 0], np.float32)
    (tinted,) = run(toy.cut(["tinted"]), {"photo": photo, "weights": weights})
    rest = toy.cut(["painting"], {"tinted": 4})
    assert [node.operator for node in toy.needed(["painting"], ["tinted"])] == ["Sub", "Mul", "Add", "Clip"]
    (painting,) = run(rest, {"photo": photo, "strength": strength, "tinted": tinted})
    assert np.allclose(painting[0].transpose(1, 2, 0), expected(photo[0].transpose(1, 2, 0), 0.5, (1, 2, 0)), atol=1e-6)


def test_what_is_given_takes_the_place_of_a_constant(toy: OnnxGraph):
    model = toy.cut(["painting"], {"one": 1, "tinted": 4})
    names = {value.name for value in onnx.load_from_string(model).graph.input}
    assert names == {"one", "tinted", "photo", "strength"}


def test_weights_in_other_files_are_refused(tmp_path: Path):
    write_toy_style(tmp_path / "toy.onnx")
    model = onnx.load(tmp_path / "toy.onnx")
    onnx.save(model, tmp_path / "apart.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(ModelError, match=r"apart\.onnx keeps its weights in other files, which is refused"):
        OnnxGraph.read(tmp_path / "apart.onnx")


def test_constants_in_other_files_and_graphs_inside_are_refused(tmp_path: Path):
    write_toy_style(tmp_path / "toy.onnx")
    model = onnx.load(tmp_path / "toy.onnx")
    tensor = onnx.numpy_helper.from_array(np.zeros(4, np.float32))
    set_external_data(tensor, "secret.bin")
    constant = onnx.helper.make_node("Constant", [], ["zeros"], value=tensor)
    inner = onnx.helper.make_graph([], "inner", [], [])
    choice = onnx.helper.make_node("If", ["condition"], ["chosen"], then_branch=inner, else_branch=inner)
    for node in (constant, choice):
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        changed.graph.node.insert(0, node)
        (tmp_path / "changed.onnx").write_bytes(changed.SerializeToString())
        with pytest.raises(ModelError, match=r"changed\.onnx keeps its weights in other files"):
            OnnxGraph.read(tmp_path / "changed.onnx")


@pytest.mark.parametrize("content", [b"", b"no model", bytes(100), b"\x3a\x05\x0a\xff\x01\x00\x00"])
def test_what_is_no_model_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.onnx is not a whole ONNX model"):
        OnnxGraph.read(tmp_path / "bad.onnx")
    with pytest.raises(ModelError, match=r"gone\.onnx cannot be read: No such file"):
        OnnxGraph.read(tmp_path / "gone.onnx")
