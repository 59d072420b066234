"""The metadata of an ONNX file, without its graph: listing a hundred styles takes milliseconds."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nst_core.errors import ModelError

MAX_METADATA_BYTES = 16_000_000
"""More than this no card needs."""
MAX_FIELDS = 1000
"""Of one message; the outermost of a style has a dozen."""

# Field numbers from onnx.proto3, and protobuf's wire types.
_GRAPH, _METADATA_PROPS, _KEY, _VALUE = 7, 14, 1, 2
_VARINT, _BYTES = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata properties of an ONNX file; the graph is passed over unread.

    Source: protobuf.dev, Encoding; onnx.proto3, ModelProto and StringStringEntryProto.

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
    for number, length in _fields(file, os.fstat(file.fileno()).st_size):
        has_graph |= number == _GRAPH
        if number == _METADATA_PROPS:
            left_bytes -= length
            if left_bytes < 0:
                raise ValueError(f"more than {MAX_METADATA_BYTES / 1e6:.0f} MB of metadata")
            entry = {part: file.read(size) for part, size in _fields(file, file.tell() + length)}
            found[entry.get(_KEY, b"").decode()] = entry.get(_VALUE, b"").decode()
    if not has_graph:
        raise ValueError("it has no graph")
    return found


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Number and length in bytes of each text or message in a message that ends at byte `end`.

    While one is looked at, the file stands at its beginning; how much of it is read makes no difference.

    Raises:
        ValueError: It is broken, or ends before `end`.
    """
    for _ in range(MAX_FIELDS):
        if file.tell() == end:
            return
        key = _read_varint(file)
        number, wire_type = key >> 3, key & 7
        if not number or wire_type not in (_VARINT, _BYTES, *_FIXED_BYTES):
            raise ValueError(f"field {number} of type {wire_type}")
        length = _FIXED_BYTES.get(wire_type) or _read_varint(file)
        after = file.tell() + (0 if wire_type == _VARINT else length)
        if after > end:
            raise ValueError("cut short")
        if wire_type == _BYTES:
            yield number, length
        file.seek(after)
    raise ValueError(f"more than {MAX_FIELDS} fields")


def _read_varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 64, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("cut short")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("a number is longer than 64 bits")
