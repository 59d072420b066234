"""The graph of an ONNX file, and parts cut out of it that are networks of their own; without the `onnx` package."""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from models.protobuf import block, blocks, integer, integers
from nst_core.errors import ModelError

# Field numbers from onnx.proto3.
_IR_VERSION, _GRAPH, _OPSET_IMPORT, _OPSET_VERSION = 1, 7, 8, 2
_NODE, _GRAPH_NAME, _INITIALIZER, _INPUT, _OUTPUT = 1, 2, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE = 1, 2, 4, 5
_TENSOR_ATTRIBUTE, _GRAPH_ATTRIBUTES = 5, (6, 11)
_TENSOR_NAME, _EXTERNAL_DATA = 8, 13
_VALUE_NAME, _VALUE_TYPE, _TENSOR_TYPE, _ELEMENT_TYPE, _SHAPE, _DIMENSION, _FLOAT = 1, 2, 1, 1, 2, 1, 1

IR_VERSION = 8
"""Of the parts: that of opset 17, which both ONNX Runtime 1.19 and newer ones know."""


@dataclass(frozen=True)
class Node:
    """One operation."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    data: bytes
    """Its protobuf message."""


def read_model(path: Path) -> bytes:
    """A model's file.

    Raises:
        ModelError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error


@dataclass(frozen=True)
class OnnxGraph:
    """Operations in the order of computing, and the messages of what they start from, by name."""

    nodes: tuple[Node, ...]
    initializers: Mapping[str, bytes]
    inputs: Mapping[str, bytes]
    opsets: tuple[bytes, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The graph in a file.

        Raises:
            ModelError: It cannot be read, or as `parse`.
        """
        return cls.parse(read_model(path), path)

    @classmethod
    def parse(cls, model_bytes: bytes, path: Path) -> Self:
        """The graph in a file's content.

        Raises:
            ModelError: It is broken, or keeps data in other files, or where it cannot be looked for (in graphs inside
                of operations); the message names the file.
        """
        try:
            model = _content(model_bytes)
            graph = _content(model[_GRAPH][0])
            nodes = tuple(map(_node, graph.get(_NODE, ())))
            initializers = {_text(message, _TENSOR_NAME): message for message in graph.get(_INITIALIZER, ())}
            inputs = {_text(message, _VALUE_NAME): message for message in graph.get(_INPUT, ())}
            outside = any(_EXTERNAL_DATA in _content(message) for message in initializers.values())
            outside = outside or any(_refused(node) for node in nodes)
        except (ValueError, LookupError) as error:
            raise ModelError(f"{path} is not a whole ONNX model ({error}); get or export it again") from error
        if outside:
            raise ModelError(f"{path} keeps its weights in other files, which is refused; export it as a single file")
        return cls(nodes, initializers, inputs, tuple(model.get(_OPSET_IMPORT, ())))

    @property
    def opset(self) -> int:
        """Version of ONNX's operators that it is written in."""
        return max((integers(message).get(_OPSET_VERSION, 0) for message in self.opsets), default=0)

    def producer(self, name: str) -> Node | None:
        """What computes a value; None for an input or a constant."""
        return next((node for node in self.nodes if name in node.outputs), None)

    def needed(self, wanted: Sequence[str], given: Collection[str] = ()) -> list[Node]:
        """The operations that compute some values, in order, where others are given."""
        nodes: list[Node] = []
        open_ends = set(wanted) - set(given)
        for node in reversed(self.nodes):
            if open_ends.intersection(node.outputs):
                nodes.append(node)
                open_ends.update(name for name in node.inputs if name not in given)
        return nodes[::-1]

    def cut(self, wanted: Sequence[str], given: Mapping[str, int] = {}) -> bytes:
        """A model that computes some values of this one.

        Args:
            wanted: names of its outputs, float tensors.
            given: values that it is given instead of computing them, float tensors, and how many dimensions they
                have; beside them it has those inputs of the whole that it needs.
        """
        nodes = self.needed(wanted, given)
        used = {name for node in nodes for name in node.inputs}
        inputs = [message for name, message in self.inputs.items() if name in used and name not in given]
        inputs += [_float_tensor(name, rank) for name, rank in given.items() if name in used]
        constants = [m for name, m in self.initializers.items() if name in used and name not in given]
        graph = [
            *(block(_NODE, node.data) for node in nodes),
            block(_GRAPH_NAME, b"part"),
            *(block(_INITIALIZER, message) for message in constants),
            *(block(_INPUT, message) for message in inputs),
            *(block(_OUTPUT, _float_tensor(name)) for name in wanted),
        ]
        opsets = b"".join(block(_OPSET_IMPORT, message) for message in self.opsets)
        return integer(_IR_VERSION, IR_VERSION) + opsets + block(_GRAPH, b"".join(graph))


def _float_tensor(name: str, rank: int | None = None) -> bytes:
    """A value of float32, of any size, and where its rank is not said of any shape."""
    shape = b"" if rank is None else block(_SHAPE, rank * block(_DIMENSION, b""))
    tensor = block(_TENSOR_TYPE, integer(_ELEMENT_TYPE, _FLOAT) + shape)
    return block(_VALUE_NAME, name.encode()) + block(_VALUE_TYPE, tensor)


def _node(message: bytes) -> Node:
    content = _content(message)
    inputs, outputs = (tuple(part.decode() for part in content.get(key, ())) for key in (_NODE_INPUT, _NODE_OUTPUT))
    return Node(_text(message, _NODE_OPERATOR), inputs, outputs, message)


def _refused(node: Node) -> bool:
    """Whether an operation has a constant in another file, or graphs inside, which no style of ours has."""
    for message in _content(node.data).get(_NODE_ATTRIBUTE, ()):
        attribute = _content(message)
        if any(key in attribute for key in _GRAPH_ATTRIBUTES):
            return True
        if any(_EXTERNAL_DATA in _content(tensor) for tensor in attribute.get(_TENSOR_ATTRIBUTE, ())):
            return True
    return False


def _content(message: bytes) -> dict[int, list[bytes]]:
    """The texts and messages inside a message, by field number."""
    found: dict[int, list[bytes]] = {}
    file = io.BytesIO(message)
    for number, length in blocks(file, len(message)):
        found.setdefault(number, []).append(file.read(length))
    return found


def _text(message: bytes, number: int) -> str:
    return _content(message)[number][0].decode()
