"""What a painter does last: calms odd textures, pulls the subject forward, lights the edges and the eyes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from nst_core.color import luminance
from nst_core.picture import Picture
from nst_core.picture_samples import to_bits
from studio.layers.composite import composite
from studio.layers.sight import Sight, oval
from studio.layers.stack import Group, Layer, Stack
from studio.subject.edges import enlarge_mask
from studio.subject.opencv import load_opencv

CALM_SHARE = 0.008
"""Of the long side: how broad a texture may be to be smoothed."""
TEXTURE_TIMES, TEXTURE_MORE = 1.2, 0.008
"""A texture is odd where lightness varies so many times as much as in the photo, and by so much more besides."""
TEXTURE_SHARE = 0.008
"""Of the long side: the surroundings in which lightness varies."""
TEXTURE_SPAN = 0.03
"""By how much more besides it is calmed fully."""
DARK = (176, 184, 204)
"""What the background is multiplied with: a little darker, and cooler, as far things are."""
LIGHT = (255, 247, 226)
EDGE_GAIN, LIT = 3.0, 1.5
"""How much the edges' contrast is raised, and how much more so on their light side."""


def calmed(below: Sequence[Layer | Group], photo: Picture, sight: Sight) -> Layer:
    """What lies below without what the photo cannot explain, masked to where it has texture that the photo has not."""
    rows, columns = sight.edges.shape
    shown = Picture(composite(Stack(columns, rows, _shrunk(below, columns, rows)))).as_float()
    planes = [enlarge_mask(plane, sight.image, photo, CALM_SHARE) for plane in np.moveaxis(shown, 2, 0)]
    sigma = TEXTURE_SHARE * max(rows, columns)
    painted = _variation(luminance(shown), sigma)
    excess = painted - TEXTURE_TIMES * _variation(luminance(sight.image), sigma) - TEXTURE_MORE
    mask = np.clip(gaussian_filter(excess, sigma) / TEXTURE_SPAN, 0, 1) * (1 - sight.edges)
    smooth = np.dstack(planes)
    return Layer("Calm odd textures", smooth, mask=enlarge_mask(mask, sight.image, photo), opacity=0.5)


def _shrunk(children: Sequence[Layer | Group], width: int, height: int) -> list[Layer | Group]:
    """The visible layers at a smaller size, quickly: they are looked at, not kept."""
    cv2 = load_opencv()

    def small(plane: np.ndarray) -> np.ndarray:
        return cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)

    found: list[Layer | Group] = []
    for child in children:
        if not child.visible:
            continue
        if isinstance(child, Group):
            found.append(replace(child, children=_shrunk(child.children, width, height)))
        else:
            alpha, mask = (None if plane is None else small(plane) for plane in (child.alpha, child.mask))
            found.append(replace(child, pixels=small(child.pixels), alpha=alpha, mask=mask))
    return found


def _variation(light: np.ndarray, sigma: float) -> np.ndarray:
    """How much lightness varies around each place, trends apart."""
    fine = light - gaussian_filter(light, sigma)
    return np.sqrt(np.maximum(gaussian_filter(fine * fine, sigma), 0))


def subject_pop(photo: Picture, subject: np.ndarray) -> list[Layer]:
    """The background pushed back, and the subject pulled out by its own light and shade.

    Args:
        photo: at the size of the layers.
        subject: (H, W) uint8.
    """
    shape = photo.pixels.shape
    return [
        Layer("Background back", _all_of(DARK, shape), mask=255 - subject, opacity=0.55, blend="multiply"),
        Layer("Subject pop", photo.pixels, mask=subject, opacity=0.4, blend="soft_light"),
    ]


def edge_highlight(photo: Picture, sight: Sight) -> Layer:
    """The photo's edges, sharpened and lit, for what lies below to take on."""
    cv2 = load_opencv()
    light = cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2GRAY).astype(np.int16)
    blurred = cv2.GaussianBlur(photo.pixels, (0, 0), max(1.0, max(photo.pixels.shape) / 700))
    contrast = (light - cv2.cvtColor(blurred, cv2.COLOR_RGB2GRAY)).astype(np.float32)
    contrast *= np.where(contrast > 0, np.float32(EDGE_GAIN * LIT), np.float32(EDGE_GAIN))
    gray = np.clip(128 + contrast, 0, 255).astype(np.uint8)
    mask = enlarge_mask(np.clip(1.5 * gaussian_filter(sight.edges, 1.5), 0, 1), sight.image, photo)
    return Layer("Edge highlight", np.broadcast_to(gray[..., None], photo.pixels.shape), None, mask, 0.6, "overlay")


def eyes(photo: Picture, sight: Sight) -> list[Layer]:
    """The eyes of the photo, sharp, and a light on them; none where no eyes are found."""
    cv2 = load_opencv()
    found = [eye for face in sight.faces for eye in face.eyes]
    if not found:
        return []
    sharp = np.zeros_like(photo.pixels)
    light = np.zeros(sight.edges.shape, np.float32)
    for eye in found:
        x, y, radius = eye.x / sight.scale, eye.y / sight.scale, eye.radius / sight.scale
        reach = 2 * radius
        part = np.s_[max(0, round(y - reach)) : round(y + reach), max(0, round(x - reach)) : round(x + reach)]
        soft = cv2.GaussianBlur(photo.pixels[part], (0, 0), max(1.0, radius / 10))
        sharp[part] = cv2.addWeighted(photo.pixels[part], 1.8, soft, -0.8, 0)
        iris = oval(light.shape, eye.x, eye.y + 0.1 * eye.radius, 0.4 * eye.radius, 0.4 * eye.radius)
        light = np.maximum(light, iris)
    size = (photo.width, photo.height)
    masks = [cv2.resize(to_bits(gaussian_filter(mask, 1.0), 8), size) for mask in (sight.eye_ovals(), light)]
    lit = _all_of(LIGHT, photo.pixels.shape)
    return [
        Layer("Eye sharpening", sharp, mask=masks[0], opacity=0.85, blend="luminosity"),
        Layer("Eye light", lit, mask=masks[1], opacity=0.35, blend="soft_light"),
    ]


def empty(name: str, shape: tuple[int, ...]) -> Layer:
    """A layer that nothing is painted on yet."""
    return Layer(name, _all_of((0, 0, 0), shape), alpha=np.broadcast_to(np.uint8(0), shape[:2]))


def _all_of(color: tuple[int, int, int], shape: tuple[int, ...]) -> np.ndarray:
    """(H, W, 3) uint8 of one color, in no memory."""
    return np.broadcast_to(np.array(color, np.uint8), shape)
