"""Paints the thumbnail of each shipped style: a photo that scikit-image brings along, into checkpoints/samples/.

python examples/draw_samples.py
"""

from pathlib import Path

import skimage

from models.catalog import shipped_folder, styles
from nst_core.picture import fit_long_side, read_picture, write_picture
from serve.engine import Engine
from serve.providers import ComputeOptions

PHOTO = "chelsea.png"
SIZE_PX = 256


def main() -> None:
    """Paints them all."""
    photo = read_picture(Path(skimage.__file__).parent / "data" / PHOTO)
    photo = photo.resized(*fit_long_side(photo.width, photo.height, SIZE_PX))
    engine = Engine(ComputeOptions("cpu"))
    for style in styles():
        if style.path.parent == shipped_folder():
            write_picture(engine.stylize(photo, style), shipped_folder() / "samples" / f"{style.name}.png")


if __name__ == "__main__":
    main()
