"""Protobuf's wire format, as far as ONNX files need it: serving reads and cuts them without the `onnx` package.

Source: protobuf.dev, Encoding.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO

MAX_FIELDS = 100_000
"""Of one message; a style's graph has some hundreds."""

_VARINT, _BYTES = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}


def blocks(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Number and length in bytes of each text or message in a message that ends at byte `end`.

    While one is looked at, the file stands at its beginning; how much of it is read makes no difference.

    Raises:
        ValueError: It is broken, or ends before `end`.
    """
    return ((number, length) for number, kind, length in _fields(file, end) if kind == _BYTES)


def integers(message: bytes) -> dict[int, int]:
    """The numbers in a message, by field number.

    Raises:
        ValueError: It is broken.
    """
    found = _fields(io.BytesIO(message), len(message))
    return {number: value for number, kind, value in found if kind == _VARINT}


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int, int]]:
    """Number and wire type of each field; of numbers the value, of all else the length."""
    for _ in range(MAX_FIELDS):
        if file.tell() == end:
            return
        key = _read_varint(file)
        number, wire_type = key >> 3, key & 7
        if not number or wire_type not in (_VARINT, _BYTES, *_FIXED_BYTES):
            raise ValueError(f"field {number} of type {wire_type}")
        value = _FIXED_BYTES.get(wire_type) or _read_varint(file)
        after = file.tell() + (0 if wire_type == _VARINT else value)
        if after > end:
            raise ValueError("cut short")
        yield number, wire_type, value
        file.seek(after)
    raise ValueError(f"more than {MAX_FIELDS} fields")


def block(number: int, content: bytes) -> bytes:
    """A text or message as field `number` of another one."""
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def integer(number: int, value: int) -> bytes:
    """A number, not negative, as field `number` of a message."""
    return _varint(number << 3 | _VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


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
