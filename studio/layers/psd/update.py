"""Renders added to a Photoshop file that an artist has worked on, whose own layers stay as they are, byte for byte."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from psd_tools.constants import ChannelID, Resource, SectionDivider, Tag
from psd_tools.psd.layer_and_mask import ChannelDataList

from nst_core.errors import ImageError
from nst_core.files import atomic_path
from studio.layers.psd.layout import Layout, Place, read_layout
from studio.layers.psd.records import Record, origin_of, records_of
from studio.layers.psd.splice import recompose, splice
from studio.layers.psd.write import check_bytes
from studio.layers.stack import Group, Layer, Progress

BAND_PIXELS = 3_000_000
"""The document is composed by rows of about this size: psd-tools decodes each layer once a band."""

_GROUP_TOPS = (SectionDivider.OPEN_FOLDER, SectionDivider.CLOSED_FOLDER)


def psd_size(path: Path) -> tuple[int, int]:
    """Width and height of a Photoshop file that can be updated.

    Raises:
        ImageError: It cannot.
    """
    with _open(path) as file:
        header = read_layout(file, path.name).header
    return header.width, header.height


def update_psd(path: Path, renders: Sequence[Layer], group: str, progress: Progress | None = None) -> list[str]:
    """Adds those renders to a Photoshop file that it does not hold yet; gives their names.

    They come in at the top of the group, at the size of the document. The artist's layers, masks, and all that is not
    understood of the file are copied byte for byte. The picture for readers that know no layers is made anew, by
    psd-tools, which comes close to Photoshop but knows not all of its effects; Photoshop itself shows the layers.

    Args:
        path: the .psd or .psb, replaced when the new one is complete.
        renders: bottom to top; those that differ in size from the document are resized.
        group: the name of the group; made at the top of the document where there is none.
        progress: called with the steps done and in all.

    Raises:
        ImageError: The file cannot be read, is not RGB with 8 bits a channel, or has no layers.
        NstError: It cannot be written, or the disk is full.
    """
    with _open(path) as file:
        layout = read_layout(file, path.name)
        fitted = (render.resized(layout.header.width, layout.header.height) for render in renders)
        new = [render for render in fitted if not _is_there(render, layout, file)]
        if not new:
            return []
        bands = list(_bands(layout.header.height, layout.header.width))
        steps = itertools.count(1)

        def advance() -> None:
            if progress:
                progress(next(steps), len(new) + len(bands))

        index, records = _new_records(layout, new, group, advance)
        with atomic_path(path) as temporary:
            splice(file, temporary, layout, index, records, None)
            check_bytes(path, temporary.stat().st_size)
            merged = recompose(temporary, bands, advance)
            if merged is not None:
                splice(file, temporary, layout, index, records, merged)
    return [render.name for render in new]


def _new_records(
    layout: Layout, new: Sequence[Layer], group: str, advance: Callable[[], None]
) -> tuple[int, list[Record]]:
    """The records of new layers, and the index of the place that they come right below."""
    tops = [i for i, place in enumerate(layout.places) if place.divider in _GROUP_TOPS and place.name == group]
    index = tops[-1] if tops else len(layout.places)
    children: Sequence[Layer | Group] = new if tops else [Group(group, new)]
    # Above what was ever given, also to layers that are gone: other records may still speak of them.
    taken = [place.record.tagged_blocks.get_data(Tag.LAYER_ID, 0) for place in layout.places]
    taken += [getattr(found.data, "value", 0) for found, _ in layout.resources if found.key == Resource.IDS_SEED_NUMBER]
    ids = itertools.count(1 + max(taken))
    records = []
    for child in children:
        for record in records_of(child, ids.__next__, layout.header.version):
            records.append(record)
            if record[0].bottom:  # the marks of groups have no size
                advance()
    return index, records


def _is_there(render: Layer, layout: Layout, file: BinaryIO) -> bool:
    """Whether the document holds a render: a layer of that origin, or, where a program has lost it, one alike."""
    for place in layout.places:
        origin = origin_of(place.record)
        if origin and origin == render.origin:
            return True
        if not origin and place.name == render.name and _has_pixels(place, render, layout, file):
            return True
    return False


def _has_pixels(place: Place, render: Layer, layout: Layout, file: BinaryIO) -> bool:
    record, (height, width) = place.record, render.pixels.shape[:2]
    if (record.top, record.left, record.bottom, record.right) != (0, 0, height, width):
        return False
    file.seek(place.pixels.start)
    try:
        channels = ChannelDataList.read(file, record.channel_info)
        stored = {info.id: data for info, data in zip(record.channel_info, channels, strict=True)}
        planes = [stored[ChannelID(channel)].get_data(width, height, 8, layout.header.version) for channel in range(3)]
    except (KeyError, ValueError, OSError):  # a layer without colors, or one that cannot be read
        return False
    return all(plane == render.pixels[..., channel].tobytes() for channel, plane in enumerate(planes))


def _bands(height: int, width: int) -> Iterator[slice]:
    rows = max(1, BAND_PIXELS // width)
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}; check the name") from error
