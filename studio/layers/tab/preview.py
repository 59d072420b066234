"""The default stack of a photo and its renders, as the page composes it: small pictures, and what they are."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from nst_core.picture import fit_long_side, read_picture, read_settings
from nst_core.picture_samples import to_bits
from serve.api.problems import refused
from serve.work import Progress
from studio.layers.build import build_stack
from studio.layers.masks import render_masks
from studio.layers.options import LayersOptions, Masks
from studio.layers.sight import SIGHT_PX, Sight, look
from studio.layers.stack import Group, Layer, Stack
from studio.layers.tab.forms import Pictures

PREVIEW_PX = SIGHT_PX
"""Long side of what the page shows; that at which photos are looked at, so that no mask is enlarged."""
STARTS: tuple[Masks, ...] = ("subject", "edges", "saliency")
"""Masks that one layer may begin with."""

Event = tuple[str, Mapping[str, Any], bytes | None]
"""A name, fields, and the bytes of a file that follows."""


def small_stack(pictures: Pictures, masks: Masks, progress: Progress) -> tuple[Sight, Stack]:
    """What is seen of the photo, and the default stack, at the size of the preview.

    Raises:
        NstError: A picture cannot be read, or is not of the photo.
    """
    photo = read_picture(pictures.photo).with_bits(8)
    small = photo.resized(*preview_size(photo.width, photo.height))
    del photo
    sight = look(small)
    return sight, build_stack(small, pictures.renders, LayersOptions(masks=masks), progress, sight)


def preview_size(width: int, height: int) -> tuple[int, int]:
    """Of a photo; never larger than it is."""
    return fit_long_side(width, height, min(PREVIEW_PX, max(width, height)))


def make_preview(pictures: Pictures, masks: Masks, progress: Progress) -> list[Event]:
    """The default stack as events: what it is, the pixels and masks of its layers, and masks to begin with.

    Raises:
        HTTPException: 415 or 422, a picture cannot be read, or is not of the photo.
    """
    with refused(422, pictures.said):
        size = read_settings(pictures.photo)
        sight, stack = small_stack(pictures, masks, lambda share: progress(0.8 * share))
        keys = keys_of(stack)
        tree = [_describe(child, keys) for child in stack.children]
        renders = [key for layer, key in keys.items() if layer.origin and layer.mask is not None]
        shown = {"width": stack.width, "height": stack.height, "full": [size.width, size.height], "children": tree}
        events: list[Event] = [("stack", shown | {"chosen": renders[-1] if renders else None}, None)]
        for layer, key in keys.items():
            pixels = layer.pixels if layer.alpha is None else np.dstack([layer.pixels, layer.alpha])
            events.append(_picture("pixels", pixels, key=key))
            if layer.mask is not None:
                events.append(_picture("mask", layer.mask, key=key))
        progress(0.9)
        for kind in STARTS:
            ((_, mask),) = render_masks(kind, 1, sight)
            if mask is not None:
                events.append(_picture("start", to_bits(mask, 8), name=kind))
    return events


def keys_of(stack: Stack) -> dict[Layer, str]:
    """What the layers are called between the page and the server, the same at any size: the file they were made of,
    or their name."""
    seen: Counter[str] = Counter()
    keys = {}
    for layer in stack.layers():
        name = layer.origin or layer.name
        seen[name] += 1
        keys[layer] = name if seen[name] == 1 else f"{name} {seen[name]}"
    return keys


def _describe(child: Layer | Group, keys: Mapping[Layer, str]) -> dict[str, Any]:
    common = {"name": child.name, "opacity": child.opacity, "blend": child.blend, "visible": child.visible}
    if isinstance(child, Group):
        return common | {"children": [_describe(inside, keys) for inside in child.children]}
    return common | {"key": keys[child]}


def _picture(event: str, levels: np.ndarray, **fields: str) -> Event:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG", compress_level=1)
    data = file.getvalue()
    return event, {**fields, "media_type": "image/png", "bytes": len(data)}, data
