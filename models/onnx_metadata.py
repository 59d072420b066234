"""The metadata of an ONNX file, without its graph: listing a hundred styles takes milliseconds."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from models.protobuf import blocks
from nst_core.errors import ModelError

MAX_METADATA_BYTES = 16_000_000
"""More than this no card needs."""

# Field numbers from onnx.proto3.
_GRAPH, _METADATA_PROPS, _KEY, _VALUE = 7, 14, 1, 2


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata properties of an ONNX file; the graph is passed over unread.

    Source: onnx.proto3, ModelProto and StringStringEntryProto.

    Raises:
        ModelError: The file cannot be read, or is no whole ONNX model; the message names it.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a named pipe would wait for ever
            raise ModelError(f"{path} is not a file; name a style (.onnx)")
        with path.open("rb") as file:
            return _read_model(file)
    except FileNotFoundError as error:
        raise ModelError(f"{path} does not exist; check the name") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ModelError(f"{path} is not a whole ONNX model ({error}); get or export it again") from error


def _read_model(file: BinaryIO) -> dict[str, str]:
    """The properties of a ModelProto.

    Raises:
        ValueError: The message is broken.
    """
    found: dict[str, str] = {}
    left_bytes, has_graph = MAX_METADATA_BYTES, False
    for number, length in blocks(file, os.fstat(file.fileno()).st_size):
        has_graph |= number == _GRAPH
        if number == _METADATA_PROPS:
            left_bytes -= length
            if left_bytes < 0:
                raise ValueError(f"more than {MAX_METADATA_BYTES / 1e6:.0f} MB of metadata")
            entry = {part: file.read(size) for part, size in blocks(file, file.tell() + length)}
            found[entry.get(_KEY, b"").decode()] = entry.get(_VALUE, b"").decode()
    if not has_graph:
        raise ValueError("it has no graph")
    return found
