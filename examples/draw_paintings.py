"""Redraws the example paintings: eight manners, each drawn by the module of its name in draw/.

    python examples/draw_paintings.py
    python examples/draw_paintings.py -o out swirling_night ink_waves

The same seed and size give the same picture.
"""

import argparse
import zlib
from importlib import import_module
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

# PNG where flat areas keep it small, JPEG where the texture of the paint would not.
FILES = {
    "color_blocks": ".png",
    "cubist_facets": ".jpg",
    "ink_waves": ".png",
    "mosaic_garden": ".jpg",
    "stained_glass": ".png",
    "sunlit_points": ".jpg",
    "swirling_night": ".jpg",
    "woodcut_valley": ".jpg",
}
FOLDER = Path(__file__).parent / "paintings"
LONG_SIDE = 768


def draw(name: str, long_side: int = LONG_SIDE, seed: int = 0) -> Image.Image:
    """Draws one painting.

    Args:
        name: One of `FILES`.
        long_side: Pixels along the longer side.
        seed: Another seed gives another picture in the same manner.

    Returns:
        An RGB image.
    """
    rng = np.random.default_rng([zlib.crc32(name.encode()), seed])
    return import_module(f"draw.{name}").paint(long_side, rng)


def save(painting: Image.Image, path: Path) -> None:
    """Writes a painting as its suffix says, whole or not at all."""
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    painting.save(partial, quality=92, subsampling=0, optimize=True)
    partial.replace(path)


def main() -> None:
    """Draws the paintings named on the command line, or all."""
    parser = argparse.ArgumentParser(description="Redraws the example paintings.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(FILES)} (default: all)")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="folder (default: %(default)s)")
    parser.add_argument("--size", type=int, default=LONG_SIDE, help="pixels, long side (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another picture (default: 0)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(FILES):
        parser.error(f"no painting is called {', '.join(sorted(unknown))}; there are: {', '.join(FILES)}")
    if not 64 <= options.size <= 4096:
        parser.error(f"--size is {options.size}; it must be 64 to 4096 pixels")
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        for name in track(options.names or list(FILES), description="Painting"):
            save(draw(name, options.size, options.seed), options.output / f"{name}{FILES[name]}")
    except OSError as error:
        parser.error(f"cannot write to {options.output}: {error.strerror}; choose another folder with -o")


if __name__ == "__main__":
    main()
