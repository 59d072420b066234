"""Puts photos, paintings and what became of them side by side in one picture.

python examples/contact_sheet.py sheet.png  photo.png painting.png result.png  [three more ...]
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

CELL_PX = 384
MARGIN_PX = 16
CAPTION_PX = 24
COLUMNS = ("photo", "painting", "result")


def contact_sheet(rows: list[list[Path]]) -> Image.Image:
    """One row for each photo, painting and result, each with its file's name under it."""
    step_x, step_y = CELL_PX + MARGIN_PX, CELL_PX + CAPTION_PX + MARGIN_PX
    size = (MARGIN_PX + len(COLUMNS) * step_x, MARGIN_PX + len(rows) * step_y)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    for y, row in enumerate(rows):
        for x, (path, column) in enumerate(zip(row, COLUMNS, strict=True)):
            left, top = MARGIN_PX + x * step_x, MARGIN_PX + y * step_y
            with Image.open(path) as picture:
                cell = ImageOps.pad(picture.convert("RGB"), (CELL_PX, CELL_PX), color="white")
            sheet.paste(cell, (left, top))
            draw.text((left, top + CELL_PX + 4), f"{column}: {path.stem}", fill="black", font=font)
    return sheet


def main() -> None:
    """Writes the sheet that the command line asks for."""
    output, *pictures = map(Path, sys.argv[1:])
    columns = len(COLUMNS)
    contact_sheet([pictures[i : i + columns] for i in range(0, len(pictures), columns)]).save(output)


if __name__ == "__main__":
    main()
