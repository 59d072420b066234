"""A small style file for the tests: its network tints the photo's negative, so that results can be told by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.card import METADATA_KEY, PaintingCard, PhotosCard, StyleCard, pack_gram

TINTS = np.array([[1.0, 0.5, 0.25], [0.0, 0.25, 1.0], [0.5, 1.0, 0.0]], np.float32)
"""Color of each painting."""


def toy_card(name: str = "toy", paintings: int = 1, **changes: Any) -> StyleCard:
    """The card of a style that holds so many paintings."""
    fields: dict[str, Any] = {
        "name": name,
        "title": name.replace("_", " ").title(),
        "paintings": tuple(painting_card(f"{name}_{number}") for number in range(1, paintings + 1)),
        "network": "toy",
        "network_options": {"width": 4, "blocks": [1, 2]},
        "size_px": 60,
        "brush_size": 1.0,
        "losses": {"content": 0.6, "style.relu1_1": 1.0},
        "loss_network": "compact",
        "loss_network_sha256": "ab" * 32,
        "photos": PhotosCard(12, "cd" * 32),
        "steps": 300,
        "seconds": 63.5,
        "hardware": {"cpu": "a processor", "threads": 2},
        "provenance": {"impasto": "0.1.0", "commit": None},
        "seed": 0,
        "figures": {"judge": 0.8125, "parity": {"512": 1e-4}},
        "created": "2025-01-02",
    }
    return StyleCard(**fields | changes)


def painting_card(name: str) -> PaintingCard:
    gram = {"relu1_1": pack_gram(np.eye(2, dtype=np.float32)), "relu2_1": pack_gram(np.ones((3, 3), np.float32))}
    colors = (0.5, 0.4, 0.3), ((0.04, 0.01, 0.0), (0.01, 0.03, 0.01), (0.0, 0.01, 0.02))
    return PaintingCard(name, name.title(), "A. Painter", "public domain", f"{name}.jpg", "ef" * 32, gram, *colors)


def write_toy_style(path: Path, paintings: int = 1, card: StyleCard | None = None) -> StyleCard:
    """Writes a style; its network is `expected`. Gives its card."""
    card = card or toy_card(path.stem, paintings)
    write_model(path, paintings, {METADATA_KEY: card.to_json()})
    return card


def expected(photo: np.ndarray, strength: float = 1.0, weights: tuple[float, ...] = (1.0,)) -> np.ndarray:
    """What the toy network makes of a photo, (H, W, 3) float32 in [0, 1]."""
    shares = np.array(weights, np.float32) / sum(weights)
    return np.clip(photo + strength * (shares @ TINTS[: len(weights)] * (1 - photo) - photo), 0, 1)


def write_model(path: Path, paintings: int, metadata: dict[str, str], cut: str | None = None) -> None:
    """Writes the network alone, with any metadata.

    Args:
        path: the file; its folder is made.
        paintings: how many, up to three.
        metadata: properties of the file.
        cut: an input to leave out of the file's list, so that its graph is broken.
    """
    palette = paintings > 1
    nodes = [helper.make_node("Sub", ["one", "photo"], ["negative"])]
    if palette:
        nodes += [
            helper.make_node("ReduceSum", ["weights"], ["sum"], keepdims=1),
            helper.make_node("Div", ["weights", "sum"], ["shares"]),
            helper.make_node("MatMul", ["shares", "tints"], ["mixed"]),
        ]
    nodes += [
        helper.make_node("Reshape", ["mixed" if palette else "tints", "plane"], ["tint"]),
        helper.make_node("Mul", ["negative", "tint"], ["tinted"]),
        helper.make_node("Sub", ["tinted", "photo"], ["change"]),
        helper.make_node("Mul", ["change", "strength"], ["turned"]),
        helper.make_node("Add", ["photo", "turned"], ["raw"]),
        helper.make_node("Clip", ["raw", "zero", "one"], ["painting"]),
    ]
    constants = {
        "zero": np.float32(0),
        "one": np.float32(1),
        "tints": TINTS[:paintings],
        "plane": np.array([1, 3, 1, 1], np.int64),
    }
    picture = ["batch", 3, "height", "width"]
    inputs = {"photo": picture, "strength": [1]} | ({"weights": [paintings]} if palette else {})
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, inputs[name]) for name in inputs if name != cut],
        [helper.make_tensor_value_info("painting", TensorProto.FLOAT, picture)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
