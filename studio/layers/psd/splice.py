"""A Photoshop file with records put in between, all else copied byte for byte; and the picture it then shows."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from psd_tools import PSDImage
from psd_tools.composite import composite
from psd_tools.constants import Compression, Resource
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.image_resources import ImageResource

from nst_core.errors import ImageError
from nst_core.files import CHUNK_BYTES
from nst_core.picture_samples import to_bits
from studio.layers.psd.layout import LENGTHS, Layout, Span
from studio.layers.psd.records import Record
from studio.layers.psd.write import thumbnail

log = logging.getLogger(__name__)

_PER_LAYER = {Resource.LAYER_GROUP_INFO: 0, Resource.LAYER_GROUPS_ENABLED_ID: 1}
"""Resources that hold a number for each layer, and what it is for a new one: not linked; enabled."""


def splice(
    source: BinaryIO, target: Path, layout: Layout, index: int, records: Sequence[Record], merged: np.ndarray | None
) -> None:
    """Writes a file anew with records put in.

    Args:
        source: the file, open, whose layout it is.
        target: what is written.
        layout: where everything lies in the source.
        index: of the place that the records come right below.
        records: what is put in.
        merged: (H, W, 4) uint8, what the new file shows and how much of it; None leaves that as it is.
    """
    with target.open("wb") as file:
        _copy(source, file, layout.head)
        _write_block(file, "I", lambda: _write_resources(source, file, layout, index, len(records), merged))
        length = LENGTHS[layout.header.version]

        def write_section() -> None:
            _write_block(file, length, lambda: _write_layers(source, file, layout, index, records))
            _copy(source, file, layout.rest)

        _write_block(file, length, write_section)
        if merged is None:
            _copy(source, file, layout.merged)
        else:
            _merged_data(source, layout, merged).write(file)


def _write_layers(source: BinaryIO, file: BinaryIO, layout: Layout, index: int, records: Sequence[Record]) -> None:
    below, above = layout.places[:index], layout.places[index:]
    start, count = file.tell(), len(layout.places) + len(records)
    file.write(struct.pack(">h", -count if layout.has_merged_alpha else count))
    _copy_all(source, file, [place.header for place in below])
    for record, _ in records:
        record.write(file, "macroman", layout.header.version)
    _copy_all(source, file, [place.header for place in above])
    _copy_all(source, file, [place.pixels for place in below])
    for _, channels in records:
        channels.write(file)
    _copy_all(source, file, [place.pixels for place in above])
    file.write(bytes((start - file.tell()) % 4))


def _write_resources(
    source: BinaryIO, file: BinaryIO, layout: Layout, index: int, added: int, merged: np.ndarray | None
) -> None:
    for resource, span in layout.resources:
        if resource.key in _PER_LAYER and len(resource.data) == len(layout.places):
            numbers = list(resource.data)
            numbers[index:index] = [_PER_LAYER[Resource(resource.key)]] * added
            _renewed(resource, type(resource.data)(numbers)).write(file)
        elif resource.key == Resource.THUMBNAIL_RESOURCE and merged is not None:
            _renewed(resource, thumbnail(_on_white(merged))).write(file)
        else:
            _copy(source, file, span)


def _renewed(resource: ImageResource, data: Any) -> ImageResource:
    return ImageResource(key=resource.key, name=resource.name, data=data)


def _merged_data(source: BinaryIO, layout: Layout, merged: np.ndarray) -> ImageData:
    """The merged picture; what channels it has beyond colors and alpha (saved selections) stay as they are."""
    planes = [plane.tobytes() for plane in np.moveaxis(_on_white(merged), 2, 0)]
    if layout.has_merged_alpha:
        planes.append(merged[..., 3].tobytes())
    if layout.header.channels > len(planes):
        source.seek(layout.merged.start)
        try:
            planes += ImageData.read(source).get_data(layout.header)[len(planes) :]
        except (ValueError, OSError) as error:
            raise ImageError(f"{source.name}: its saved selections cannot be read; save it again") from error
    data = ImageData(Compression.RLE)
    data.set_data(planes[: layout.header.channels], layout.header)
    return data


def _on_white(merged: np.ndarray) -> np.ndarray:
    cover = merged[..., 3:].astype(np.uint16)
    return ((merged[..., :3] * cover + 255 * (255 - cover) + 127) // 255).astype(np.uint8)


def recompose(path: Path, bands: Sequence[slice], advance: Callable[[], None]) -> np.ndarray | None:
    """What a Photoshop file shows, as psd-tools composes it by bands of rows.

    Returns:
        (H, W, 4) uint8, the last how much of it shows; None where psd-tools cannot compose it.
    """
    try:
        document = PSDImage.open(path)
        out = np.empty((document.height, document.width, 4), np.uint8)
        for rows in bands:
            color, _, alpha = composite(document, viewport=(0, rows.start, document.width, rows.stop))
            out[rows] = to_bits(np.concatenate([color, alpha], axis=2), 8)
            advance()
        return out
    except Exception as error:
        # An exotic effect that it fails on must not keep the renders from the artist.
        log.warning("%s: the preview inside the file is that of before (%s); Photoshop makes it anew", path.name, error)
        return None


def _write_block(file: BinaryIO, length: str, write: Callable[[], None]) -> None:
    """What `write` writes, its length before it."""
    start = file.tell()
    file.write(bytes(struct.calcsize(f">{length}")))
    begin = file.tell()
    write()
    end = file.tell()
    file.seek(start)
    file.write(struct.pack(f">{length}", end - begin))
    file.seek(end)


def _copy_all(source: BinaryIO, file: BinaryIO, spans: Sequence[Span]) -> None:
    for span in spans:
        _copy(source, file, span)


def _copy(source: BinaryIO, file: BinaryIO, span: Span) -> None:
    source.seek(span.start)
    left = span.end - span.start
    while left and (chunk := source.read(min(left, CHUNK_BYTES))):
        file.write(chunk)
        left -= len(chunk)
