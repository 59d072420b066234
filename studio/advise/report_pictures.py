"""What was seen in a picture, as pictures: its values, hues, edges, calm and busy areas, and what stands out."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from nst_core.color import lab_to_rgb
from nst_core.picture import Picture, fit_long_side, picture_bytes
from studio.advise.advice import Looked
from studio.advise.measures import HUES, STRONG_EDGE, hue_wheel
from studio.advise.seen import BUSY, CALM, Seen

SHOWN_PX, QUALITY = 280, 80
"""Long side of a picture in the page, and quality of its JPEG."""
CROP_COLORS = ((255, 255, 255), (255, 196, 0), (0, 210, 255))
CALM_COLOR, BUSY_COLOR = np.array([0.16, 0.47, 0.80]), np.array([0.90, 0.36, 0.10])


def seen_pictures(looked: Looked) -> Iterator[tuple[str, Picture]]:
    """Each with its caption."""
    seen = looked.seen
    yield "Value: light and dark alone", _gray(seen.value / 100)
    yield "What survives a high-pass", high_pass(seen)
    yield "Hues: area of each, by its color", hue_picture(seen)
    yield "Edges, the strong ones dark", edge_picture(seen)
    yield "Calm (blue) and busy (orange)", calm_picture(seen)
    yield "What stands out", _gray(looked.subject.map)


def with_crops(looked: Looked) -> Picture:
    """The picture at the size of the page, the suggested crops drawn on it with their scores."""
    pixels = (looked.seen.rgb * 255).round().clip(0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    scale = image.width / looked.picture.width
    for crop, color in zip(looked.advice.crops, CROP_COLORS, strict=False):
        box = tuple(side * scale for side in (crop.box.left, crop.box.top, crop.box.right - 1, crop.box.bottom - 1))
        draw.rectangle(box, outline="black", width=7)
        draw.rectangle([box[0] + 2, box[1] + 2, box[2] - 2, box[3] - 2], outline=color, width=3)
        text = f"{crop.score:.0f}"
        corner = (box[0] + 10, box[1] + 8)
        draw.rectangle(draw.textbbox(corner, text, font_size=22), fill="black", outline="black", width=4)
        draw.text(corner, text, color, font_size=22)
    return Picture(np.asarray(image))


def crop_pictures(looked: Looked) -> Iterator[Picture]:
    """Each suggested crop."""
    for crop in looked.advice.crops:
        yield crop.box.of(looked.picture).with_bits(8)


def high_pass(seen: Seen) -> Picture:
    """Values without what is broader than a stroke reaches, on gray."""
    left = seen.value - ndimage.gaussian_filter(seen.value, 16 * seen.size / 512)
    return _gray(0.5 + left / 100)


def edge_picture(seen: Seen) -> Picture:
    """Strong edges black, faint ones gray."""
    return _gray(1 - np.clip(seen.edges / (3 * STRONG_EDGE), 0, 1))


def calm_picture(seen: Seen) -> Picture:
    """Calm blocks in blue and busy ones in orange, over the values."""
    low, high = np.log(CALM / 2), np.log(BUSY * 2)
    share = np.clip((np.log(np.maximum(seen.block_slopes, 0.1)) - low) / (high - low), 0, 1)
    height, width = seen.value.shape
    map_ = np.asarray(Image.fromarray(share.astype(np.float32)).resize((width, height), Image.Resampling.NEAREST))
    far = np.abs(2 * map_ - 1)[..., None] * 0.7  # between calm and busy there is no color
    tint = np.where(map_[..., None] < 0.5, CALM_COLOR, BUSY_COLOR)
    gray = np.repeat(seen.value[..., None] / 100 * 0.8 + 0.1, 3, axis=-1)
    return Picture.from_float((gray * (1 - far) + tint * far).astype(np.float32))


def hue_picture(seen: Seen) -> Picture:
    """The hue wheel: each sector as long as its hue's share, the best pair of complements joined by a line."""
    wheel, half = hue_wheel(seen), SHOWN_PX // 2
    y, x = np.mgrid[half:-half:-1, -half:half]
    sector = ((np.arctan2(y, x) + np.pi) / (2 * np.pi) * HUES).astype(int) % HUES
    radius = np.hypot(x, y) / half
    reach = np.sqrt(wheel.weights / max(float(wheel.weights.max()), 1e-9)) * 0.84
    turns = (sector + 0.5) / HUES * 2 * np.pi - np.pi
    lab = np.stack([np.full(radius.shape, 65.0), 60 * np.cos(turns), 60 * np.sin(turns)], -1).astype(np.float32)
    colors = lab_to_rgb(lab)
    filled = (radius < reach[sector]) | ((radius > 0.9) & (radius < 0.98))
    rgb = np.where(filled[..., None], colors, 0.96).astype(np.float32)
    image = Image.fromarray((rgb * 255).astype(np.uint8))
    if wheel.complementarity >= 0.1:
        turn = (wheel.pair + 0.5) / HUES * 2 * np.pi - np.pi
        end = np.array([np.cos(turn), -np.sin(turn)]) * half * 0.88
        ImageDraw.Draw(image).line([*(half - end), *(half + end)], fill="black", width=2)
    return Picture(np.asarray(image))


def data_uri(picture: Picture, long_side: int = SHOWN_PX) -> str:
    """A picture as the address of itself, not larger than it is shown."""
    if max(picture.width, picture.height) > long_side:
        picture = picture.resized(*fit_long_side(picture.width, picture.height, long_side))
    jpeg = picture_bytes(picture, "picture.jpg", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _gray(plane: np.ndarray) -> Picture:
    return Picture.from_float(np.repeat(plane[..., None].astype(np.float32), 3, axis=-1))
