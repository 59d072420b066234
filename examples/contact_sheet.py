"""Puts pictures side by side in one, each with its file's name under it.

python examples/contact_sheet.py sheet.png 3  photo.png painting.png result.png  [more rows of three ...]
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

WIDEST_PX = 1800
LARGEST_CELL_PX = 384
MARGIN_PX = 12
CAPTION_PX = 22


def contact_sheet(pictures: Sequence[Path], columns: int) -> Image.Image:
    """Rows of so many pictures, as large as the sheet allows."""
    cell = min(LARGEST_CELL_PX, WIDEST_PX // columns - MARGIN_PX)
    step_x, step_y = cell + MARGIN_PX, cell + CAPTION_PX + MARGIN_PX
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (MARGIN_PX + columns * step_x, MARGIN_PX + rows * step_y), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for number, path in enumerate(pictures):
        left, top = MARGIN_PX + number % columns * step_x, MARGIN_PX + number // columns * step_y
        with Image.open(path) as picture:
            sheet.paste(ImageOps.pad(picture.convert("RGB"), (cell, cell), color="white"), (left, top))
        draw.text((left, top + cell + 2), path.stem, fill="black", font=font)
    return sheet


def main() -> None:
    """Writes the sheet that the command line asks for."""
    output, columns, *pictures = sys.argv[1:]
    contact_sheet([Path(picture) for picture in pictures], int(columns)).save(output)


if __name__ == "__main__":
    main()
