"""All pictures of a comparison as one, each with its name below."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from nst_core.picture import Picture
from studio.compare.report_pictures import Shown, seconds_text

SIDE_PX = 320
"""Long side of a picture."""
ROW = 5
"""Pictures in a row; more of them make two rows."""
GAP_PX, CAPTION_PX, FONT_PX = 12, 30, 16


def draw_strip(pictures: Sequence[Shown]) -> Picture:
    """In a row or two, none larger than `SIDE_PX`, so that the strip can be sent around."""
    font = ImageFont.load_default(FONT_PX)
    first = pictures[0].picture
    scale = SIDE_PX / max(first.width, first.height)
    captions = [_caption(shown) for shown in pictures]
    width = max(round(first.width * scale), *(math.ceil(font.getlength(caption)) for caption in captions))
    height = round(first.height * scale)
    columns = len(pictures) if len(pictures) <= ROW else math.ceil(len(pictures) / 2)
    rows = math.ceil(len(pictures) / columns)
    across, down = width + GAP_PX, height + CAPTION_PX + GAP_PX
    strip = Image.new("RGB", (GAP_PX + columns * across, GAP_PX + rows * down), "white")
    draw = ImageDraw.Draw(strip)
    for place, (shown, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = GAP_PX + place % columns * across, GAP_PX + place // columns * down
        small = ImageOps.contain(Image.fromarray(shown.picture.pixels), (width, height), Image.Resampling.LANCZOS)
        strip.paste(small, (left, top + height - small.height))
        draw.text((left, top + height + 6), caption, "black", font)
    return Picture(np.asarray(strip))


def _caption(shown: Shown) -> str:
    """Short, and in letters that Pillow's own font has."""
    name = shown.key.capitalize()
    return name if shown.seconds is None else f"{name}, {seconds_text(shown.seconds)}"
