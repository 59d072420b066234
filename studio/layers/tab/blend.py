"""The renders of a stack as one picture: their styles paint the photo anew, each where its mask says."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from models.catalog import Style
from nst_core.errors import ConfigError
from nst_core.files import sha256
from nst_core.picture import Picture, read_picture, read_settings
from nst_core.picture_samples import to_float
from serve.api.service import Service
from serve.paint_options import PaintOptions
from serve.work import Progress
from studio.layers.options import Masks
from studio.layers.tab.forms import GroupWish, LayerWish, Pictures, StackWish
from studio.layers.tab.preview import keys_of, small_stack
from studio.photobash.parts import Part, PhotobashOptions
from studio.photobash.photobash import photobash
from studio.photobash.record import photobash_settings

_OPTIONS = TypeAdapter(PaintOptions)
MADE_SHARE = 0.2
"""Of the work, that finding the masks is."""


def blend(
    pictures: Pictures,
    masks: Masks,
    wish: StackWish,
    painted: Sequence[np.ndarray],
    service: Service,
    progress: Progress,
) -> tuple[Picture, dict[str, Any]]:
    """The photo in the styles of the renders that are shown, at its full size, and the settings that made it.

    Args:
        pictures: that the stack is made of.
        masks: that it began with.
        wish: what the artist made of it.
        painted: (h, w) uint8, masks that were painted.
        service: paints.
        progress: takes the share that is done.

    Raises:
        ConfigError: A render cannot be painted anew, or fewer than two are shown.
    """
    renders = {sha256(path): path for path in pictures.renders}
    shown = [(layer, share) for layer, share in _shown(wish.children, 1.0) if layer.key in renders]
    styles = [_style_of(renders[layer.key], service) for layer, _ in shown]
    _, stack = small_stack(pictures, masks, lambda share: progress(MADE_SHARE * share))
    made = {key: layer.mask for layer, key in keys_of(stack).items()}
    parts = []
    for (layer, share), (style, options) in zip(shown, styles, strict=True):
        mask = painted[layer.mask] if isinstance(layer.mask, int) else made[layer.key] if layer.mask == "made" else None
        levels = np.ones((stack.height, stack.width), np.float32) if mask is None else to_float(mask)
        parts.append(Part(style, levels * np.float32(share), options))
    photo = read_picture(pictures.photo, max_pixels=service.limits.pixels)

    def tell(share: float) -> None:
        progress(MADE_SHARE + (1 - MADE_SHARE) * share)

    options, start = PhotobashOptions(), time.perf_counter()
    picture = photobash(photo, parts, options, service.engine, tell)
    return picture, photobash_settings(photo, parts, options, time.perf_counter() - start)


def _shown(children: Sequence[LayerWish | GroupWish], share: float) -> Iterator[tuple[LayerWish, float]]:
    """The layers that are shown, bottom to top, and how much of each."""
    for child in children:
        if not child.visible or child.opacity == 0:
            continue
        if isinstance(child, GroupWish):
            yield from _shown(child.children, share * child.opacity)
        else:
            yield child, share * child.opacity


def _style_of(path: Path, service: Service) -> tuple[Style, PaintOptions]:
    """The style and options of a render.

    Raises:
        ConfigError: It does not say, or was painted otherwise.
        HTTPException: 404, the style is not here.
    """
    settings = read_settings(path).settings or {}
    style = settings.get("style")
    try:
        options = _OPTIONS.validate_python(settings.get("options"))
    except ValidationError:
        options = None
    if not isinstance(style, Mapping) or options is None:
        raise ConfigError(f"{path.name} does not say how a style painted it; hide its layer to blend the others")
    return service.styles.style(str(style.get("name"))), replace(options, size=0)
