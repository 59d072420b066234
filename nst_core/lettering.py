"""Words in drawn pictures: the letters, and as much of a text as a line has room for."""

import contextlib
import functools
import importlib.util
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@functools.cache
def font(size_px: int) -> Font:
    """DejaVu, which has the letters of most of Europe, from matplotlib; Pillow's own has hardly more than English."""
    found = importlib.util.find_spec("matplotlib")
    for folder in (found and found.submodule_search_locations) or ():
        with contextlib.suppress(OSError):
            return ImageFont.truetype(Path(folder, "mpl-data", "fonts", "ttf", "DejaVuSans.ttf"), size_px)
    return ImageFont.load_default(size_px)


def fitted(text: str, font: Font, width: float) -> str:
    """As much of a text as a line has room for."""
    line = " ".join(text.split())
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line + "…"
