"""Contact sheets: each photo in all styles, each style on all photos, labelled, in pages that can be read."""

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from nst_core.errors import ImageError
from nst_core.lettering import fitted, font
from nst_core.picture import Picture, read_picture, write_picture

COLUMNS, ROWS = 6, 6
"""Of a page."""
CELL_PX, GAP_PX, LABEL_PX, TITLE_PX = 256, 14, 24, 44
SHEETS = "sheets"
"""Folder in the sweep's."""


@dataclass(frozen=True)
class Cell:
    """A picture on a sheet."""

    label: str
    path: Path


@dataclass(frozen=True)
class Sheet:
    """Pictures that belong together."""

    name: str
    """Of its files, without page and suffix."""
    title: str
    cells: Sequence[Cell]


Small = Callable[[Path], Image.Image]
"""Gives a small picture of a file.

Raises:
    ImageError: it cannot be read.
"""


def small_picture(path: Path) -> Image.Image:
    """At most as large as a cell, opaque, 8 bits.

    Raises:
        ImageError: It cannot be read.
    """
    image = Image.fromarray(read_picture(path).with_bits(8).pixels)
    return ImageOps.contain(image, (CELL_PX, CELL_PX), Image.Resampling.BILINEAR)


def write_sheets(folder: Path, sheets: Sequence[Sheet], small: Small = small_picture) -> dict[str, list[Path]]:
    """Writes the pages of all sheets, those of an earlier time replaced; gives the files of each by its name.

    Args:
        folder: for nothing else.
        sheets: with names that differ.
        small: gives the small pictures.

    Raises:
        NstError: The folder cannot be written to.
    """
    written: dict[str, list[Path]] = {}
    for sheet in sheets:
        for name, page in pages(sheet, small):
            path = folder / f"{name}.png"
            write_picture(Picture(np.asarray(page)), path)
            written.setdefault(sheet.name, []).append(path)
    for path in set(folder.glob("*.png")) - {path for some in written.values() for path in some}:
        path.unlink(missing_ok=True)
    return written


def pages(sheet: Sheet, small: Small = small_picture) -> Iterator[tuple[str, Image.Image]]:
    """The name and the picture of each page of a sheet."""
    count = max(1, math.ceil(len(sheet.cells) / (COLUMNS * ROWS)))
    per_page = math.ceil(len(sheet.cells) / count)  # full pages and one with a single picture are no use
    for number in range(count):
        cells = sheet.cells[number * per_page : (number + 1) * per_page]
        title = sheet.title if count == 1 else f"{sheet.title} (page {number + 1} of {count})"
        name = sheet.name if count == 1 else f"{sheet.name}-{number + 1}"
        yield name, _page(title, [(cell.label, _shown(cell, small)) for cell in cells])


def _shown(cell: Cell, small: Small) -> Image.Image | str:
    try:
        return small(cell.path)
    except ImageError as error:
        return str(error).replace(str(cell.path), cell.path.name)


def _page(title: str, cells: Sequence[tuple[str, Image.Image | str]]) -> Image.Image:
    """Pictures in rows, each above its label, the rows as high as what is in them."""
    letters, large = font(15), font(22)
    columns = min(COLUMNS, max(3, len(cells)))
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    heights = [max((c.height for _, c in row if not isinstance(c, str)), default=CELL_PX // 2) for row in rows]
    width = GAP_PX + columns * (CELL_PX + GAP_PX)
    page = Image.new("RGB", (width, TITLE_PX + sum(heights) + len(rows) * (LABEL_PX + GAP_PX) + GAP_PX), "white")
    draw = ImageDraw.Draw(page)
    draw.text((GAP_PX, 10), fitted(title, large, width - 2 * GAP_PX), "black", large)
    top = TITLE_PX
    for row, height in zip(rows, heights, strict=True):
        for column, (label, shown) in enumerate(row):
            left = GAP_PX + column * (CELL_PX + GAP_PX)
            if isinstance(shown, str):
                draw.rectangle((left, top, left + CELL_PX, top + height), "#e4e4e4")
                draw.multiline_text((left + 8, top + 8), "\n".join(textwrap.wrap(shown, 30)[:5]), "#505050", letters)
            else:
                page.paste(shown, (left + (CELL_PX - shown.width) // 2, top + height - shown.height))
            text = fitted(label, letters, CELL_PX)
            draw.text((left + (CELL_PX - letters.getlength(text)) // 2, top + height + 3), text, "black", letters)
        top += height + LABEL_PX + GAP_PX
    return page
