"""A stack of layers as a Photoshop file: true layer masks, groups, blend modes, and the picture they show."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
from PIL import Image
from psd_tools.constants import ColorMode, Compression, Resource
from psd_tools.psd import PSD
from psd_tools.psd.header import FileHeader
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.image_resources import ImageResource, ImageResources, ResoulutionInfo, ThumbnailResource, VersionInfo
from psd_tools.psd.layer_and_mask import (
    ChannelImageData,
    GlobalLayerMaskInfo,
    LayerAndMaskInformation,
    LayerInfo,
    LayerRecords,
)
from psd_tools.psd.tagged_blocks import TaggedBlocks

from nst_core.errors import ImageError
from nst_core.files import atomic_path
from nst_core.picture_profile import srgb_profile
from studio.layers.composite import composite
from studio.layers.psd.records import records_of
from studio.layers.stack import RESOLUTION_DPI, Progress, Stack

LIMITS = {".psd": (1, 30_000, (1 << 31) - 1), ".psb": (2, 300_000, (1 << 62) - 1)}
"""By suffix: the version of the format, the most pixels a side, the most bytes."""

THUMBNAIL_PX = 160


def write_psd(stack: Stack, path: Path, progress: Progress | None = None) -> None:
    """Writes a stack as .psd, or as .psb, Photoshop's format for large documents, whole or not at all.

    Raises:
        ImageError: The name ends in neither, or the format cannot hold as much.
        NstError: The folder cannot be written to, or the disk is full.
    """
    version = _version(path, stack.width, stack.height)
    header = FileHeader(
        version=version, channels=3, height=stack.height, width=stack.width, depth=8, color_mode=ColorMode.RGB
    )
    with atomic_path(path) as temporary:
        layer_info = _layer_info(stack, version, progress)
        merged = composite(stack)
        document = PSD(
            header=header,
            image_resources=_resources(merged),
            layer_and_mask_information=LayerAndMaskInformation(layer_info, GlobalLayerMaskInfo(), TaggedBlocks()),
            image_data=merged_data(merged, header),
        )
        lists = layer_info.channel_image_data
        check_bytes(path, sum(len(channel.data) for channels in lists for channel in channels))
        with temporary.open("wb") as file:
            document.write(file)


def merged_data(merged: np.ndarray, header: FileHeader) -> ImageData:
    """The picture (H, W, 3) uint8 that a document shows, for readers that know no layers."""
    data = ImageData(Compression.RLE)
    data.set_data([merged[..., channel].tobytes() for channel in range(3)], header)
    return data


def _layer_info(stack: Stack, version: int, progress: Progress | None) -> LayerInfo:
    ids, layers = itertools.count(1), sum(1 for _ in stack.layers())
    records, data, done = LayerRecords(), ChannelImageData(), 0
    for record, channels in (pair for child in stack.children for pair in records_of(child, ids.__next__, version)):
        records.append(record)
        data.append(channels)
        if progress and record.bottom:  # the marks of groups have no size
            progress(done := done + 1, layers)
    return LayerInfo(len(records), records, data)


def _resources(merged: np.ndarray) -> ImageResources:
    dots = RESOLUTION_DPI << 16  # fixed point
    found = {
        Resource.RESOLUTION_INFO: ResoulutionInfo(dots, 1, 1, dots, 1, 1),  # dots per inch, sizes shown in inches
        Resource.THUMBNAIL_RESOURCE: thumbnail(merged),
        Resource.ICC_PROFILE: srgb_profile(),
        Resource.VERSION_INFO: VersionInfo(has_composite=True, writer="Impasto", reader="Impasto"),
    }
    return ImageResources([(key, ImageResource(key=key, data=data)) for key, data in found.items()])


def thumbnail(merged: np.ndarray) -> ThumbnailResource:
    """The small picture, a JPEG, by which folders show the file."""
    image = Image.fromarray(merged)
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=85)
    row = (image.width * 24 + 31) // 32 * 4
    return ThumbnailResource(1, image.width, image.height, row, row * image.height, 24, 1, jpeg.getvalue())


def _version(path: Path, width: int, height: int) -> int:
    if path.suffix.lower() not in LIMITS:
        raise ImageError(f"{path.name}: the name must end in .psd, or in .psb for large documents")
    version, most, _ = LIMITS[path.suffix.lower()]
    if max(width, height) > most:
        better = f"name it {path.stem}.psb" if version == 1 else "make it smaller"
        raise ImageError(f"{path.name}: the format holds {most} pixels a side, not {max(width, height)}; {better}")
    return version


def check_bytes(path: Path, size: int) -> None:
    """Sees that a Photoshop file is not larger than its readers take.

    Raises:
        ImageError: It is.
    """
    if size > LIMITS[path.suffix.lower()][2]:
        raise ImageError(f"{path.name} would be larger than the 2 GB that .psd holds; name it {path.stem}.psb")
