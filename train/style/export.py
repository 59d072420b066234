"""A trained network to one ONNX file with its card, checked against the network it came from."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from models.card import METADATA_KEY, StyleCard
from models.style_network import StyleNetwork
from nst_core.errors import ModelError
from nst_core.files import write_bytes

OPSET = 17
"""From 19 on, ONNX Runtime 1.19, the last for Maxwell cards, would compute Pad and Resize on the CPU."""
HALF_FROM_VALUES = 256
"""Constants with at least as many values are stored as fp16; they are computed with as fp32."""
LARGEST_DIFFERENCE = 2e-3
"""Between torch and ONNX Runtime, of values in [0, 1]."""
QUIET = 3
"""ONNX Runtime's level of errors."""
PARITY_SIZES = ((64, 96), (129, 75), (32, 32))
PARITY_STRENGTHS = (0.0, 0.6, 1.0)


class _Graph(nn.Module):
    """The network as the file offers it: one strength for the whole batch, and moments for tiles."""

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, photo: Tensor, strength: Tensor, moments: Tensor, moments_given: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        shares = torch.ones(1, 1) if weights is None else weights[None]
        return self.network.paint_tile(photo, strength, shares, moments, moments_given)


def export_style(network: StyleNetwork, card: StyleCard, path: Path) -> None:
    """Write a network and its card as an ONNX file: opset 17, any size, any batch.

    Its inputs are `photo`, `strength` and, of several paintings, `weights`; its output is `painting`. For tiles there
    are `moments` and `moments_given`, which may be left out, and the output `own_moments`; see
    `models.style_network.StyleNetwork.paint_tile`.

    The weights are rounded to fp16 in the file, and in `network` itself, which stays on the CPU.

    Raises:
        ModelError: what ONNX Runtime computes is not what torch does; nothing is written.
    """
    network = network.cpu().eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    for parameter in network.parameters():
        parameter.data = parameter.data.half().float()
    model = onnx.load_from_string(_traced(network))
    _simplify(model)
    _set_defaults(model, _no_moments(network))
    _halve(model)
    model.producer_name = "impasto"
    onnx.helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    difference = parity(network, data)
    if not difference <= LARGEST_DIFFERENCE:  # not a number, neither
        raise ModelError(f"{path.name}: the exported network paints otherwise than the trained one ({difference:.1e})")
    write_bytes(path, data)


def _traced(network: StyleNetwork) -> bytes:
    inputs = {"photo": torch.rand(1, 3, 64, 96), "strength": torch.ones(1), **_no_moments(network)}
    if network.paintings > 1:
        inputs["weights"] = torch.ones(network.paintings)
    dynamic: dict[str, dict[int, str]] = {name: {0: "batch", 2: "height", 3: "width"} for name in ("photo", "painting")}
    dynamic |= {"moments": {0: "moments"}, "own_moments": {0: "batch"}}
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is fixed by tracing, `parity` sees whether it may be
        torch.onnx.export(
            _Graph(network), tuple(inputs.values()), file, opset_version=OPSET, dynamo=False,  # type: ignore[arg-type]
            input_names=list(inputs), output_names=["painting", "own_moments"], dynamic_axes=dynamic,
        )  # fmt: skip
    return file.getvalue()


def _no_moments(network: StyleNetwork) -> dict[str, Tensor]:
    """What the inputs for tiles are where they are left out."""
    return {"moments": torch.zeros(1, 2, sum(network.channels)), "moments_given": torch.zeros(1)}


def _simplify(model: onnx.ModelProto) -> None:
    """Compute what is constant, and leave out what is then not needed: the work of ONNX Runtime's basic level."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "simple.onnx")
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        model.CopyFrom(onnx.load(options.optimized_model_filepath))
    del model.opset_import[:]  # ONNX Runtime names all that it knows
    model.opset_import.append(onnx.helper.make_opsetid("", OPSET))


def _set_defaults(model: onnx.ModelProto, values: Mapping[str, Tensor]) -> None:
    """Inputs that may be left out have initializers of the same names."""
    for name, value in values.items():
        model.graph.initializer.append(numpy_helper.from_array(value.numpy(), name))


def _halve(model: onnx.ModelProto) -> None:
    """Store the large constants as fp16, each with a Cast to fp32, which is carried out once, on loading."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        given = any(entry.name == tensor.name for entry in graph.input)
        if given or values.dtype != np.float32 or values.size < HALF_FROM_VALUES:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def parity(network: StyleNetwork, data: bytes) -> float:
    """Largest absolute difference between torch and ONNX Runtime on the CPU, over sizes, strengths and mixtures.

    Each picture is painted whole, and then a part of it as a tile.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    worst = 0.0
    for height, width in PARITY_SIZES:
        for strength in PARITY_STRENGTHS:
            feeds = {
                "photo": random.random((2, 3, height, width), np.float32),
                "strength": np.array([strength], np.float32),
                **{name: value.numpy() for name, value in _no_moments(network).items()},
            }
            if network.paintings > 1:
                feeds["weights"] = random.random(network.paintings, np.float32)
            for _ in ("whole", "tile"):
                painting, _ = session.run(None, feeds)
                with torch.no_grad():
                    wanted, moments = _Graph(network)(*map(torch.from_numpy, feeds.values()))
                worst = float(np.maximum(worst, np.abs(painting - wanted.numpy()).max()))  # not a number stays one
                tile = np.ascontiguousarray(feeds["photo"][..., :32])
                feeds |= {"photo": tile, "moments": moments.numpy(), "moments_given": np.ones(1, np.float32)}
    return worst
