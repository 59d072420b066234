"""What computes the networks: CUDA, DirectML, OpenVINO or the plain CPU, whichever is the first that really runs.

A provider that is there may still lack its libraries or the card, and some then take the whole process with them
(ONNX Runtime 1.19's CUDA provider does where there is no card). So those of graphics cards are tried in a process of
their own: `python -m serve.providers cuda`.
"""

import contextlib
import ctypes
import functools
import importlib.util
import io
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
import onnxruntime
import psutil

from models.protobuf import block, integer
from nst_core.errors import ConfigError

logger = logging.getLogger(__name__)

ProviderName = Literal["cuda", "directml", "openvino", "cpu"]
ProviderChoice = Literal["auto", "cuda", "directml", "openvino", "cpu"]
PROVIDERS: tuple[ProviderName, ...] = get_args(ProviderName)
"""In the order in which they are tried."""

TIMEOUT_S = 120
QUIET = 4
"""ONNX Runtime's level of what is fatal; all else it raises as well."""
LARGE_VALUES = 3 * 300_000
"""After an input of more values, OpenVINO's working memory is given back at once: each network, and each part of one,
has its own."""

_ONNXRUNTIME_NAMES: Mapping[ProviderName, str] = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


class Failure(Exception):
    """A network cannot be opened, or cannot compute."""


class OutOfMemory(Failure):
    """A picture does not fit into the memory."""


class Network(Protocol):
    """A network that is ready to compute; may be called from several threads at once."""

    def __call__(self, wanted: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs of these names.

        Raises:
            OutOfMemory: The picture does not fit.
            Failure: Something else is wrong.
        """
        ...


@dataclass(frozen=True)
class ComputeOptions:
    """With what the networks are computed."""

    provider: ProviderChoice = "auto"
    """auto takes the first of these that runs here."""
    threads: int = 0
    """Processor threads; 0 is one for each physical core."""
    card_memory: int = 0
    """Bytes that ONNX Runtime may take on a graphics card; 0 sets no limit."""


@dataclass(frozen=True)
class Provider:
    """A way to compute that runs here."""

    name: ProviderName
    options: ComputeOptions
    skipped: Mapping[ProviderName, str]
    """Those that would have come first, and why they cannot."""

    def open(self, model: bytes) -> Network:
        """A network of an ONNX model.

        Raises:
            Failure: The model is broken.
        """
        with _failures():
            network = _OPENERS[self.name](self.options, model)

        def compute(wanted: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
            with _failures():
                return network(wanted, feeds)

        return compute

    @property
    def on_card(self) -> bool:
        """Whether sizes that were not seen before cost time, so that they are best rounded."""
        return self.name in ("cuda", "directml")


def choose_provider(options: ComputeOptions = ComputeOptions()) -> Provider:
    """The provider that is asked for, or the first that runs.

    Raises:
        ConfigError: The one that is asked for does not run here.
    """
    skipped: dict[ProviderName, str] = {}
    for name in PROVIDERS if options.provider == "auto" else (options.provider,):
        if reason := why_not(name):
            skipped[name] = reason
            logger.info("%s is not used: %s", name, reason)
        else:
            return Provider(name, options, skipped)
    raise ConfigError(f"{options.provider} cannot be used: {skipped[options.provider]}; leave it to auto")  # type: ignore[index]


def why_not(name: ProviderName) -> str:
    """Why a provider does not run here; nothing where it does."""
    if name == "cpu":
        return ""
    if name == "openvino":
        return "" if importlib.util.find_spec("openvino") else "the package openvino is not installed"
    if _ONNXRUNTIME_NAMES[name] not in onnxruntime.get_available_providers():
        return "this build of ONNX Runtime is without it"
    if name == "cuda" and not _has_cuda_card():
        return "there is no NVIDIA card, or no driver"
    return _tried_apart(name)


@functools.cache
def _tried_apart(name: str) -> str:
    """What went wrong when another process computed a convolution; nothing where it did not."""
    try:
        trial = subprocess.run(
            [sys.executable, "-m", "serve.providers", name], capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {TIMEOUT_S} s"
    if trial.returncode == 0:
        return ""
    said = (trial.stdout.strip() or trial.stderr.strip()).splitlines()
    return said[-1] if said else f"its trial ended with exit code {trial.returncode}"


def _has_cuda_card() -> bool:
    """Whether the driver knows of a card; takes a millisecond where there is none."""
    for library in ("libcuda.so.1", "nvcuda.dll"):
        with contextlib.suppress(OSError, AttributeError):
            driver, count = ctypes.CDLL(library), ctypes.c_int(0)
            if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
                return count.value > 0
    return False


def _preload_cuda_libraries() -> None:
    """Loads what ONNX Runtime's CUDA provider links to from the nvidia packages, where these are installed.

    ONNX Runtime has `preload_dlls` for it from 1.21 on; before, the loader would not find them.
    """
    spec = importlib.util.find_spec("nvidia")
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    for package in ("cuda_runtime", "cublas", "cuda_nvrtc", "cufft", "curand", "cudnn"):
        for folder in folders:
            for library in sorted((folder / package / "lib").glob("*.so.*")):
                with contextlib.suppress(OSError):  # of those that are not needed, some lack what they link to
                    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """What the libraries raise has no base of its own."""
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory("not enough memory") from error
    except Exception as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        lacks_memory = re.search("alloc|out of memory", str(error), re.IGNORECASE)
        raise (OutOfMemory if lacks_memory else Failure)(first) from error


class _OnnxRuntimeNetwork:
    """A session of ONNX Runtime."""

    def __init__(self, name: ProviderName, settings: Mapping[str, Any], threads: int, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = QUIET
        # Threads that wait for work by spinning gain nothing, and take the processor from whatever else is at work.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if name == "directml":  # what DirectML asks for
            options.enable_mem_pattern = False
            options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        self._session = onnxruntime.InferenceSession(model, options, [(_ONNXRUNTIME_NAMES[name], dict(settings))])
        self._run_options = onnxruntime.RunOptions()
        # Else each network would keep, for as long as it is ready, what its largest picture took.
        shrunk = "gpu:0" if name == "cuda" else "cpu:0"
        self._run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", shrunk)

    def __call__(self, wanted: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return self._session.run(list(wanted), dict(feeds), self._run_options)


class _OpenVinoNetwork:
    """A model compiled by OpenVINO, in bfloat16 where the processor computes in it: 58 dB from float32, and faster."""

    def __init__(self, threads: int, model: bytes) -> None:
        core = _openvino_core()
        half = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._compiled = core.compile_model(core.read_model(model), "CPU", settings)
        self._idle: list[Any] = []
        self._lock = threading.Lock()

    def __call__(self, wanted: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        with self._lock:
            request = self._idle.pop() if self._idle else None
        request = request or self._compiled.create_infer_request()
        found = request.infer(dict(feeds), share_inputs=True)
        outputs = [np.array(found[self._compiled.output(name)]) for name in wanted]
        if all(values.size <= LARGE_VALUES for values in feeds.values()):
            with self._lock:
                self._idle.append(request)
        else:
            del request, found
            with contextlib.suppress(RuntimeError):  # another thread computes with it; its own large picture comes last
                self._compiled.release_memory()
        return outputs


@functools.cache
def _openvino_core() -> Any:
    import openvino

    return openvino.Core()


def _threads(options: ComputeOptions) -> int:
    return options.threads or psutil.cpu_count(logical=False) or 1


def _open_cuda(options: ComputeOptions, model: bytes) -> Network:
    _preload_cuda_libraries()
    # The exhaustive search can take gigabytes beside the limit (microsoft/onnxruntime#7612), and repeats for each size.
    settings = {
        "cudnn_conv_algo_search": "HEURISTIC",
        "cudnn_conv_use_max_workspace": "0",
        "arena_extend_strategy": "kSameAsRequested",
    }
    if options.card_memory:
        settings["gpu_mem_limit"] = str(options.card_memory)
    return _OnnxRuntimeNetwork("cuda", settings, _threads(options), model)


def _open_directml(options: ComputeOptions, model: bytes) -> Network:
    return _OnnxRuntimeNetwork("directml", {}, _threads(options), model)


def _open_openvino(options: ComputeOptions, model: bytes) -> Network:
    return _OpenVinoNetwork(_threads(options), model)


def _open_cpu(options: ComputeOptions, model: bytes) -> Network:
    return _OnnxRuntimeNetwork("cpu", {}, _threads(options), model)


_OPENERS: Mapping[ProviderName, Callable[[ComputeOptions, bytes], Network]] = {
    "cuda": _open_cuda,
    "directml": _open_directml,
    "openvino": _open_openvino,
    "cpu": _open_cpu,
}


def convolution_model() -> bytes:
    """An ONNX model of one convolution, y = Conv(x, w), without padding or bias, for trying a provider.

    Source: onnx.proto3 for the fields' numbers.
    """

    def tensor(field: int, name: bytes, *shape: int) -> bytes:
        dims = b"".join(block(1, integer(1, size)) for size in shape)
        float_tensor = integer(1, 1) + block(2, dims)  # elem_type: FLOAT, shape
        return block(field, block(1, name) + block(2, block(1, float_tensor)))

    node = block(1, b"x") + block(1, b"w") + block(2, b"y") + block(4, b"Conv")
    inputs = tensor(11, b"x", 1, 3, 8, 8) + tensor(11, b"w", 4, 3, 3, 3)
    graph = block(1, node) + block(2, b"g") + inputs + tensor(12, b"y", 1, 4, 6, 6)
    return integer(1, 8) + block(7, graph) + block(8, integer(2, 17))  # ir_version, graph, opset_import


def try_here(name: ProviderName) -> None:
    """Computes a convolution in this process.

    Raises:
        Exception: Whatever the provider raises; RuntimeError where the result is wrong.
    """
    onnxruntime.set_default_logger_severity(QUIET)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its own account of a failure
        network = _OPENERS[name](ComputeOptions(), convolution_model())
    if isinstance(network, _OnnxRuntimeNetwork):  # it quietly falls back to the CPU
        used = network._session.get_providers()[0]
        if used != _ONNXRUNTIME_NAMES[name]:
            raise RuntimeError(f"ONNX Runtime falls back to {used}; run with -v to see why")
    ones = {"x": np.ones((1, 3, 8, 8), np.float32), "w": np.ones((4, 3, 3, 3), np.float32)}
    (y,) = network(["y"], ones)
    if not np.allclose(y, 27.0):
        raise RuntimeError("computes wrong results")


if __name__ == "__main__":
    try:
        chosen = sys.argv[1]
        if chosen not in PROVIDERS:
            raise ValueError(f"there is no provider {chosen}")
        try_here(chosen)
    except Exception as error:
        print(" ".join(str(error).split()))  # noqa: T201 - read by the process that tries it
        sys.exit(1)
