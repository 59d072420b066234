"""A stack at full size as the artist left it in the page, as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nst_core.errors import ImageError
from nst_core.picture import Picture, read_picture, read_picture_bytes, write_picture
from nst_core.picture_samples import bands, resize_floats, to_bits, to_float
from nst_core.provenance import provenance
from serve.api.problems import refusal, refused
from serve.api.service import Service
from serve.work import Progress
from studio.layers.build import build_stack
from studio.layers.composite import composite
from studio.layers.documents import write_stack
from studio.layers.options import LayersOptions, Masks
from studio.layers.stack import Group, Layer, Stack
from studio.layers.tab.blend import blend
from studio.layers.tab.forms import GroupWish, LayerWish, Pictures, StackWish
from studio.layers.tab.preview import keys_of, preview_size
from studio.subject.edges import enlarge_mask, follow_edges

Format = Literal["psd", "ora", "png", "blend"]
MEDIA_TYPES: Mapping[Format, str] = {
    "psd": "image/vnd.adobe.photoshop",
    "ora": "image/openraster",
    "png": "image/png",
    "blend": "image/png",
}
EDGE_SHARE = 0.003
"""Of the preview's long side, within which a painted mask takes to an edge of the photo."""
BUILT_SHARE, LAID_SHARE = 0.6, 0.7
"""Of the work, after which the stack is built, and laid out as the artist has it."""


@dataclass(frozen=True)
class MadeFile:
    """A file that waits to be sent."""

    path: Path
    width: int
    height: int
    media_type: str


def make_file(
    pictures: Pictures,
    masks: Masks,
    wish: StackWish,
    painted: Sequence[bytes],
    format: Format,
    folder: Path,
    service: Service,
    progress: Progress,
) -> MadeFile:
    """Makes a file of a stack.

    Args:
        pictures: that it is made of.
        masks: that the stack began with.
        wish: what the artist made of it.
        painted: masks that were painted, as picture files of the preview's size.
        format: what to make.
        folder: where to put the file.
        service: paints, where the parts are blended.
        progress: takes the share that is done.

    Raises:
        HTTPException: 413, 415 or 422, with what the artist can mend.
    """
    suffix = ".png" if format in ("png", "blend") else f".{format}"
    path = folder / f"{pictures.photo.stem}-{'blended' if format == 'blend' else 'layers'}{suffix}"
    with refused(422, pictures.said):
        photo = read_picture(pictures.photo, max_pixels=service.limits.pixels).with_bits(8)
        size = preview_size(photo.width, photo.height)
        levels = [_read_mask(data, number, size) for number, data in enumerate(painted)]
        if format == "blend":
            picture, settings = blend(pictures, masks, wish, levels, service, progress)
            write_picture(picture, path, settings=settings)
            return MadeFile(path, picture.width, picture.height, MEDIA_TYPES[format])
        stack = build_stack(photo, pictures.renders, LayersOptions(masks=masks), _part(progress, 0, BUILT_SHARE))
        small = photo.resized(*size)
        stack = laid_out(stack, wish, [enlarged(mask, small, photo) for mask in levels])
        progress(LAID_SHARE)
        if format == "png":
            write_picture(Picture(composite(stack), exif=photo.exif), path, settings=_settings(photo, stack))
        else:
            tell = _part(progress, LAID_SHARE, 1)
            write_stack(stack, path, lambda done, total: tell(done / max(1, total)))
    return MadeFile(path, stack.width, stack.height, MEDIA_TYPES[format])


def _settings(photo: Picture, stack: Stack) -> dict[str, Any]:
    """What a picture of all layers says of itself."""
    names = [layer.name for layer in stack.layers() if layer.visible]
    made_of = {"file": photo.name, "sha256": photo.sha256}
    return {"command": "layers", "photo": made_of, "layers": names, "versions": provenance()}


def laid_out(stack: Stack, wish: StackWish, painted: Sequence[np.ndarray]) -> Stack:
    """A stack as it was made, put in the order and with the masks, names and so on that the artist gave it.

    Args:
        stack: as it was made.
        wish: what the artist made of it.
        painted: (H, W) uint8, at the size of the stack.

    Raises:
        HTTPException: 422, a layer was not made.
    """
    made = {key: layer for layer, key in keys_of(stack).items()}

    def layer_of(child: LayerWish) -> Layer:
        if child.key not in made:
            raise refusal(422, f"stack: no layer {child.name} was made of these pictures; open the page anew")
        layer = made[child.key]
        mask = painted[child.mask] if isinstance(child.mask, int) else layer.mask if child.mask == "made" else None
        return replace(
            layer, name=child.name, mask=mask, opacity=child.opacity, blend=child.blend, visible=child.visible
        )

    def each(children: Sequence[LayerWish | GroupWish]) -> Iterator[Layer | Group]:
        for child in children:
            if isinstance(child, LayerWish):
                yield layer_of(child)
            else:
                yield Group(child.name, [*each(child.children)], child.opacity, child.blend, child.visible)

    return replace(stack, children=[*each(wish.children)])


def enlarged(mask: np.ndarray, small: Picture, photo: Picture) -> np.ndarray:
    """A mask that was painted on a small picture, at the full size: along the photo's edges where it follows them,
    smooth where it does not; made smaller, it is the painted one again.

    Args:
        mask: (h, w) uint8.
        small: the photo at its size.
        photo: the photo.

    Returns:
        (H, W) uint8.
    """
    if mask.shape == photo.pixels.shape[:2]:
        return mask
    levels, guide = to_float(mask), small.as_float()
    out = enlarge_mask(levels, guide, photo, share=EDGE_SHARE)
    left = (levels - follow_edges(levels, guide, guide, share=EDGE_SHARE))[..., None]
    for band in bands(photo.height, photo.width):
        more = resize_floats(left, photo.width, photo.height, band)[..., 0]
        out[band] = to_bits(to_float(out[band]) + more, 8)
    return out


def _read_mask(data: bytes, number: int, size: tuple[int, int]) -> np.ndarray:
    """Levels (h, w) uint8.

    Raises:
        ImageError: It is no picture, or of another size.
    """
    picture = read_picture_bytes(data, f"mask {number}", max_pixels=size[0] * size[1])
    if (picture.width, picture.height) != size:
        raise ImageError(
            f"mask {number} has {picture.width} × {picture.height} px, the picture {size[0]} × {size[1]}; "
            "open the page anew"
        )
    return np.ascontiguousarray(picture.with_bits(8).pixels[..., 0])


def _part(progress: Progress, start: float, end: float) -> Progress:
    """The progress of a part of the work."""
    return lambda share: progress(start + (end - start) * share)
