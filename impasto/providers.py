"""Whether an ONNX Runtime execution provider really runs here, tried in a process of its own.

A provider that is listed as available may still lack its libraries or the card. Some then fail politely;
ONNX Runtime 1.19's CUDA provider takes the process with it where torch's CUDA libraries are loaded but
there is no card. So the trial is a child process: `python -m impasto.providers CUDAExecutionProvider`.
"""

import contextlib
import io
import subprocess
import sys

import numpy as np

TIMEOUT_S = 120


def provider_runs(provider: str) -> tuple[bool, str]:
    """Whether `provider` computes a convolution right, and what it said where it does not."""
    command = [sys.executable, "-m", "impasto.providers", provider]
    try:
        trial = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False, f"no answer in {TIMEOUT_S} s"
    said = (trial.stdout.strip() or trial.stderr.strip()).splitlines()
    return trial.returncode == 0, said[-1] if said else f"ended with exit code {trial.returncode}"


def try_here(provider: str) -> None:
    """Runs a convolution through `provider` in this process.

    Raises:
        Exception: Whatever the provider raises; RuntimeError where the result is wrong.
    """
    if provider == "CUDAExecutionProvider":
        with contextlib.suppress(ImportError):
            import torch  # noqa: F401  brings the CUDA libraries that the provider looks for
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    if provider != "CPUExecutionProvider":  # or the CPU would quietly do it in its place
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its own account of a failure
        session = onnxruntime.InferenceSession(convolution_model(), options, providers=[provider])
    ones = {"x": np.ones((1, 3, 8, 8), np.float32), "w": np.ones((4, 3, 3, 3), np.float32)}
    (y,) = session.run(None, ones)
    if not np.allclose(y, 27.0):
        raise RuntimeError("computes wrong results")


def convolution_model() -> bytes:
    """An ONNX model of one convolution, y = Conv(x, w), without padding or bias.

    Written byte by byte, since serving has no `onnx` package: a protobuf message is a row of fields, each
    a key (number and wire type), for text and messages a length, and the value. All numbers here stay
    below 128, so each is a single byte.

    Source: onnx.proto3 for the fields' numbers.
    """

    def number(field: int, value: int) -> bytes:
        return bytes([field << 3, value])

    def block(field: int, value: bytes) -> bytes:
        return bytes([field << 3 | 2, len(value)]) + value

    def tensor(field: int, name: bytes, *shape: int) -> bytes:
        dims = b"".join(block(1, number(1, size)) for size in shape)
        float_tensor = number(1, 1) + block(2, dims)  # elem_type: FLOAT, shape
        return block(field, block(1, name) + block(2, block(1, float_tensor)))

    node = block(1, b"x") + block(1, b"w") + block(2, b"y") + block(4, b"Conv")
    inputs = tensor(11, b"x", 1, 3, 8, 8) + tensor(11, b"w", 4, 3, 3, 3)
    graph = block(1, node) + block(2, b"g") + inputs + tensor(12, b"y", 1, 4, 6, 6)
    return number(1, 8) + block(7, graph) + block(8, number(2, 17))  # ir_version, graph, opset_import


if __name__ == "__main__":
    try:
        try_here(sys.argv[1])
    except Exception as error:
        print(" ".join(str(error).split()))
        sys.exit(1)
