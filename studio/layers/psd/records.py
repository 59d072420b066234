"""Layers and groups as records of a Photoshop file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from xml.sax.saxutils import quoteattr

import numpy as np
from psd_tools.constants import BlendMode, ChannelID, Compression, SectionDivider, Tag
from psd_tools.psd.descriptor import DescriptorBlock, String
from psd_tools.psd.layer_and_mask import (
    ChannelData,
    ChannelDataList,
    ChannelInfo,
    LayerFlags,
    LayerRecord,
    MaskData,
    MaskFlags,
)
from psd_tools.psd.tagged_blocks import MetadataSetting, TaggedBlocks

from studio.layers.stack import Group, GroupBlend, Layer

BLENDS: dict[GroupBlend, BlendMode] = {
    "pass_through": BlendMode.PASS_THROUGH,
    "normal": BlendMode.NORMAL,
    "multiply": BlendMode.MULTIPLY,
    "screen": BlendMode.SCREEN,
    "overlay": BlendMode.OVERLAY,
    "soft_light": BlendMode.SOFT_LIGHT,
    "luminosity": BlendMode.LUMINOSITY,
    "color": BlendMode.COLOR,
}

GROUP_END = "</Layer group>"
"""What Photoshop calls the record below a group's lowest layer."""

_NAMESPACE = "urn:impasto"
_ORIGIN = re.compile(r"impasto:origin=\"([0-9a-f]{64})\"")

Record = tuple[LayerRecord, ChannelDataList]


def records_of(child: Layer | Group, next_id: Callable[[], int], version: int) -> Iterator[Record]:
    """The records of a layer, or of a group and all in it, bottom to top.

    Args:
        child: the layer or group.
        next_id: gives a number that no other layer of the document has.
        version: 1 for .psd, 2 for .psb.
    """
    if isinstance(child, Layer):
        yield _layer_record(child, next_id(), version)
        return
    yield _divider(GROUP_END, SectionDivider.BOUNDING_SECTION_DIVIDER, next_id())
    for inner in child.children:
        yield from records_of(inner, next_id, version)
    record, channels = _divider(child.name, SectionDivider.OPEN_FOLDER, next_id(), BLENDS[child.blend])
    record.opacity, record.flags.visible = round(child.opacity * 255), child.visible
    yield record, channels


def _layer_record(layer: Layer, layer_id: int, version: int) -> Record:
    height, width = layer.pixels.shape[:2]
    record = _named(layer.name, layer_id)
    record.bottom, record.right = height, width
    record.opacity, record.blend_mode = round(layer.opacity * 255), BLENDS[layer.blend]
    record.flags = LayerFlags(visible=layer.visible)
    opaque = np.broadcast_to(np.uint8(255), (height, width))
    planes = [(ChannelID.TRANSPARENCY_MASK, opaque if layer.alpha is None else layer.alpha)]
    planes += [(ChannelID(channel), layer.pixels[..., channel]) for channel in range(3)]
    if layer.mask is not None:
        # White beyond the document: where the canvas is enlarged and painted on, it shows.
        record.mask_data = MaskData(bottom=height, right=width, background_color=255, flags=MaskFlags())
        planes.append((ChannelID.USER_LAYER_MASK, layer.mask))
    if layer.origin:
        record.tagged_blocks.set_data(Tag.METADATA_SETTING, [_origin_metadata(layer.origin)])
    channels = ChannelDataList()
    for channel_id, plane in planes:
        data = ChannelData(Compression.RLE)
        data.set_data(plane.tobytes(), width, height, 8, version)
        record.channel_info.append(ChannelInfo(channel_id, len(data.data) + 2))
        channels.append(data)
    return record, channels


def _divider(name: str, kind: SectionDivider, layer_id: int, blend: BlendMode = BlendMode.NORMAL) -> Record:
    record = _named(name, layer_id)
    record.blend_mode = BlendMode.NORMAL if blend is BlendMode.PASS_THROUGH else blend
    record.tagged_blocks.set_data(Tag.SECTION_DIVIDER_SETTING, kind, b"8BIM", blend)
    channels = ChannelDataList()
    for channel in range(-1, 3):
        record.channel_info.append(ChannelInfo(ChannelID(channel), 2))
        channels.append(ChannelData())
    return record, channels


def _named(name: str, layer_id: int) -> LayerRecord:
    """A record with its name in Unicode, and in Photoshop's old encoding as far as that goes."""
    name = name[:255]
    record = LayerRecord(name=name.encode("macroman", "replace").decode("macroman"))
    record.tagged_blocks = TaggedBlocks()
    record.tagged_blocks.set_data(Tag.UNICODE_LAYER_NAME, name)
    record.tagged_blocks.set_data(Tag.LAYER_ID, layer_id)
    return record


def _origin_metadata(origin: str) -> MetadataSetting:
    """The origin in the layer's XMP, which Photoshop keeps with the layer when it saves, moves and copies it."""
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:impasto={quoteattr(_NAMESPACE)} impasto:origin={quoteattr(origin)}/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    block = DescriptorBlock(classID=b"metadata")
    block[b"layerXMP"] = String(xmp)
    return MetadataSetting(key=b"cust", data=block)  # pyright: ignore[reportArgumentType]


def origin_of(record: LayerRecord) -> str:
    """The SHA-256 of the file that a layer was made of; empty where it is not known."""
    for setting in record.tagged_blocks.get_data(Tag.METADATA_SETTING, []):
        if setting.key == b"cust" and b"layerXMP" in setting.data:
            found = _ORIGIN.search(setting.data[b"layerXMP"].value)
            return found[1] if found else ""
    return ""
