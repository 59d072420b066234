"""Draws `enlarged.jpg`: a corner of a picture painted at 500 px and enlarged four times, and of one painted so large.

python examples/draw_enlarged.py examples/enlarged.jpg

Each is shown pixel for pixel. The photos are those that scikit-image brings along.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import skimage.data
from contact_sheet import LARGEST_CELL_PX, contact_sheet

from models.catalog import find_style
from nst_core.picture import Picture, write_picture
from serve.engine import Engine
from serve.paint_options import PaintOptions
from studio.upscale.enlarge import open_enlarger

SMALL_PX, FACTOR = 500, 4
CORNERS = {("astronaut", "udnie"): (110, 190), ("chelsea", "starry_night"): (110, 120)}
"""Photo and style, and where to look: pixels from the top and from the left of the small picture."""


def main() -> None:
    """Writes the sheet."""
    engine, side = Engine(), LARGEST_CELL_PX
    with tempfile.TemporaryDirectory() as folder:
        crops = []
        for (photo, style), (top, left) in CORNERS.items():
            picture = Picture(getattr(skimage.data, photo)())
            sizes = {"small": SMALL_PX, "painted at 2,000 px": SMALL_PX * FACTOR}
            painted = {
                name: engine.stylize(picture, find_style(style), PaintOptions(size=size))
                for name, size in sizes.items()
            }
            small = painted.pop("small")
            shown = {
                "by Lanczos": open_enlarger(FACTOR, "lanczos").enlarge(small),
                "by Waifu2x": open_enlarger(FACTOR, "waifu2x").enlarge(small),
                **painted,
            }
            for name, large in shown.items():
                part = large.pixels[top * FACTOR :, left * FACTOR :][:side, :side]
                crops.append(Path(folder) / style / f"{style}, {name}.png")
                write_picture(Picture(np.ascontiguousarray(part)), crops[-1])
        contact_sheet(crops, 3).save(sys.argv[1], quality=90)


if __name__ == "__main__":
    main()
