"""Where the parts of a Photoshop file lie, so that an update copies what it does not change, byte for byte."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from psd_tools.constants import ColorMode, SectionDivider, Tag
from psd_tools.psd.color_mode_data import ColorModeData
from psd_tools.psd.header import FileHeader
from psd_tools.psd.image_resources import ImageResource
from psd_tools.psd.layer_and_mask import LayerRecord

from nst_core.errors import ImageError

LENGTHS = {1: "I", 2: "Q"}
"""How .psd and .psb write the length of a section."""


@dataclass(frozen=True)
class Span:
    """Bytes of the file, the end excluded."""

    start: int
    end: int


@dataclass(frozen=True)
class Place:
    """A layer, or a mark where a group begins or ends, and where it lies."""

    record: LayerRecord
    header: Span
    pixels: Span

    @property
    def name(self) -> str:
        # Krita ends names with a null character.
        return self.record.tagged_blocks.get_data(Tag.UNICODE_LAYER_NAME, self.record.name).rstrip("\0")

    @property
    def divider(self) -> SectionDivider | None:
        """What kind of mark it is; None for a layer."""
        blocks = self.record.tagged_blocks
        setting = blocks.get_data(Tag.SECTION_DIVIDER_SETTING) or blocks.get_data(Tag.NESTED_SECTION_DIVIDER_SETTING)
        return None if setting is None or setting.kind is SectionDivider.OTHER else setting.kind


@dataclass(frozen=True)
class Layout:
    """A Photoshop file with layers."""

    header: FileHeader
    head: Span
    """The header and the color mode data."""
    resources: Sequence[tuple[ImageResource, Span]]
    places: Sequence[Place]
    """Bottom to top; what begins a group is its lowest."""
    has_merged_alpha: bool
    """Whether the merged picture has an alpha channel."""
    rest: Span
    """What follows the layers in their section: global masks, patterns, linked files."""
    merged: Span
    """The picture that the layers show."""


def read_layout(file: BinaryIO, name: str) -> Layout:
    """Reads where everything lies in an open file; the pixels are not read.

    Raises:
        ImageError: It is not a Photoshop file, broken, not RGB with 8 bits a channel, or has no layers.
    """
    if file.read(4) != b"8BPS":
        raise ImageError(f"{name} is not a Photoshop file; name a .psd or .psb")
    file.seek(0)
    try:
        return _read(file, name)
    except (OSError, EOFError, ValueError, struct.error) as error:
        raise ImageError(f"{name} is a broken or truncated Photoshop file; save it again from its program") from error


def _read(file: BinaryIO, name: str) -> Layout:
    header = FileHeader.read(file)
    if header.color_mode is not ColorMode.RGB:
        mode = header.color_mode.name.replace("_", " ")
        raise ImageError(f"{name} is in {mode}, not RGB; in Photoshop, choose Image > Mode > RGB Color and save it")
    if header.depth != 8:
        raise ImageError(
            f"{name} has {header.depth} bits a channel, not 8; in Photoshop, choose Image > Mode > 8 Bits/Channel "
            "and save it"
        )
    ColorModeData.read(file)
    head = Span(0, file.tell())
    resources = _read_resources(file)
    length = LENGTHS[header.version]
    section = _read_span(file, length)
    info = _read_span(file, length) if section.start < section.end else section
    count = _read_number(file, "h") if info.start < info.end else 0
    if not count:
        raise ImageError(f"{name} has no layers, only the flat picture; make a new file of layers instead")
    records = []
    for _ in range(abs(count)):
        start = file.tell()
        records.append((LayerRecord.read(file, "macroman", header.version), Span(start, file.tell())))
    places, end = [], file.tell()
    for record, where in records:
        start, end = end, end + sum(channel.length for channel in record.channel_info)
        places.append(Place(record, where, Span(start, end)))
    size = os.fstat(file.fileno()).st_size
    if not end <= info.end <= section.end < size:
        raise EOFError
    return Layout(header, head, resources, places, count < 0, Span(info.end, section.end), Span(section.end, size))


def _read_resources(file: BinaryIO) -> list[tuple[ImageResource, Span]]:
    section, found = _read_span(file, "I"), []
    while (start := file.tell()) < section.end:
        found.append((ImageResource.read(file), Span(start, file.tell())))
    file.seek(section.end)
    return found


def _read_span(file: BinaryIO, length: str) -> Span:
    """The span whose length is written before it."""
    size = _read_number(file, length)
    return Span(file.tell(), file.tell() + size)


def _read_number(file: BinaryIO, kind: str) -> int:
    return struct.unpack(f">{kind}", file.read(struct.calcsize(f">{kind}")))[0]
