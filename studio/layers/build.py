"""From a photo and its renders to a stack of layers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nst_core.errors import ImageError
from nst_core.picture import Picture, fit_long_side, read_picture
from studio.layers.base import painterly
from studio.layers.detail import detail_mask, measured_detail
from studio.layers.finishing import calmed, edge_highlight, empty, eyes, subject_pop
from studio.layers.masks import render_masks
from studio.layers.options import LayersOptions, Masks
from studio.layers.sight import Sight, look
from studio.layers.stack import Group, Layer, Stack
from studio.subject.edges import enlarge_mask
from studio.subject.model import SubjectModel
from studio.upscale.enlarge import Enlarger, open_enlarger

log = logging.getLogger(__name__)

RENDERS = "Renders"
"""The name of the group of the renders, which an update adds to."""
SAME_PROPORTIONS = 0.02
DETAIL_EDGE_SHARE, SUBJECT_EDGE_SHARE, MASK_EDGE_SHARE = 0.004, 0.003, 0.003
"""Of the long side, within which the masks take to the photo's edges."""
MAIN_OPACITY, ABOVE_OPACITY = 0.85, 0.25
"""Of the render that is named first of those that share a place, and of those above it."""

Progress = Callable[[float], None]
"""Called with the share of the work that is done."""


def build_stack(
    photo: Picture,
    renders: Sequence[str | Path],
    options: LayersOptions,
    progress: Progress | None = None,
    sight: Sight | None = None,
) -> Stack:
    """The layers of a painting, bottom to top: the photo, a painterly base, the renders, finishing, empty details.

    Args:
        photo: that was painted.
        renders: files; the first is the main one, which shows most.
        options: how.
        progress: takes the share of the work that is done; what it raises ends the work.
        sight: what is seen of the photo at the size of the layers, where it is known.

    Raises:
        ImageError: A render cannot be read, or is not of the photo's proportions.
        ModelError: The model for the subject, or the one that enlarges, cannot be used.
        ConfigError: OpenCV is not installed.
    """
    tell = progress or (lambda share: None)
    model = SubjectModel(options.subject_model) if options.subject_model else None
    photo, pictures = _read(photo.with_bits(8), [Path(path) for path in renders], options, lambda s: tell(0.4 * s))
    sight = sight or look(photo, model)
    tell(0.5)
    kept = enlarge_mask(1 - detail_mask(sight), sight.image, photo, DETAIL_EDGE_SHARE)
    children: list[Layer | Group] = [
        Layer("Photo", photo.pixels, photo.alpha, origin=photo.sha256 or ""),
        Group("Base", [Layer("Painterly base", painterly(photo), mask=kept)]),
    ]
    tell(0.65)
    children.append(Group(RENDERS, _renders(pictures, photo, sight, options.masks)))
    tell(0.75)
    finishing = [calmed(children, photo, sight)]
    tell(0.9)
    if sight.has_subject:
        finishing += subject_pop(photo, enlarge_mask(sight.subject, sight.image, photo, SUBJECT_EDGE_SHARE))
    finishing += [edge_highlight(photo, sight), *eyes(photo, sight)]
    children += [Group("Finishing", finishing), empty("Details", photo.pixels.shape)]
    tell(1.0)
    return Stack(photo.width, photo.height, children)


def render_layers(
    renders: Sequence[str | Path], photo_name: str, width: int, height: int, options: LayersOptions, progress: Progress
) -> list[Layer]:
    """Renders as layers of a size, broad ones first, as an update adds them: with white masks, over what is there.

    Raises:
        ImageError: A render cannot be read, or is not of these proportions.
        ModelError: What enlarges cannot be used.
    """
    enlarger = _enlarger(options)
    pictures: list[Picture] = []
    for path in map(Path, renders):
        pictures.append(_read_render(path, width, height, enlarger).resized(width, height))
        progress(len(pictures) / len(renders))
    pictures.sort(key=measured_detail)
    white = np.broadcast_to(np.uint8(255), (height, width))
    return [
        Layer(name, picture.pixels, picture.alpha, white, origin=picture.sha256 or "")
        for name, picture in zip(_names(pictures, photo_name), pictures, strict=True)
    ]


def _read(
    photo: Picture, renders: Sequence[Path], options: LayersOptions, tell: Progress
) -> tuple[Picture, list[Picture]]:
    """The photo and the renders, all at the size of the layers."""
    enlarger = _enlarger(options)
    pictures: list[Picture] = []
    for path in renders:
        pictures.append(_read_render(path, photo.width, photo.height, enlarger))
        tell(len(pictures) / len(renders))
    width, height = photo.width, photo.height
    if options.size:
        width, height = fit_long_side(width, height, options.size)
    elif options.upscale and (largest := max(max(one.width, one.height) for one in pictures)) > max(width, height):
        width, height = fit_long_side(width, height, largest)
    for number, picture in enumerate(pictures):
        pictures[number] = picture.resized(width, height)
    return photo.resized(width, height), pictures


def _enlarger(options: LayersOptions) -> Enlarger | None:
    if not options.upscale:
        return None
    enlarger = open_enlarger(options.upscale)
    if enlarger.note:
        log.warning("%s", enlarger.note)
    return enlarger


def _read_render(path: Path, width: int, height: int, enlarger: Enlarger | None) -> Picture:
    """A render of a picture of these sides."""
    render = read_picture(path).with_bits(8)
    if abs(render.width * height / (render.height * width) - 1) > SAME_PROPORTIONS:
        raise ImageError(
            f"{path} is {render.width}x{render.height} px, not of the proportions of the photo "
            f"({width}x{height} px); name renders of this photo"
        )
    if enlarger is None:
        return render
    large = enlarger.enlarge(render)
    return replace(large.with_bits(8), sha256=render.sha256)


def _renders(pictures: Sequence[Picture], photo: Picture, sight: Sight, masks: Masks) -> list[Layer]:
    """The layers of renders, the broad ones low. Of those in one place, the one that is named first shows most."""
    order = sorted(range(len(pictures)), key=lambda index: measured_detail(pictures[index]))
    places = render_masks(masks, len(order), sight)
    names = _names(pictures, photo.name)
    white = np.broadcast_to(np.uint8(255), photo.pixels.shape[:2])
    layers: list[Layer] = []
    opacities: dict[int, float] = {}
    for index, (place, mask) in zip(order, places, strict=True):
        main = min(other for other, (there, _) in zip(order, places, strict=True) if there == place)
        # Those below the main one are as they are, as it covers them; those above let it through.
        opacity = MAIN_OPACITY if index == main else opacities.get(place, 1.0)
        opacities[place] = ABOVE_OPACITY if index == main else opacity
        shown = white if mask is None else enlarge_mask(mask, sight.image, photo, MASK_EDGE_SHARE)
        picture = pictures[index]
        layers.append(Layer(names[index], picture.pixels, picture.alpha, shown, opacity, origin=picture.sha256 or ""))
    return layers


def _names(pictures: Sequence[Picture], photo_name: str) -> list[str]:
    """What the artist knows the renders by: their files' names, without the photo's, which all begin with."""
    before = f"{Path(photo_name).stem}-"
    names: list[str] = []
    for picture in pictures:
        name = Path(picture.name).stem.removeprefix(before) or picture.name
        same = sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(f"{name} ({same + 1})" if same else name)
    return names
