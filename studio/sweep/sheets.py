"""Contact sheets: each photo in all styles, each style on all photos, labelled, in pages that can be read."""

import hashlib
import json
import math
import os
import textwrap
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from nst_core.errors import ImageError
from nst_core.lettering import fitted, font
from nst_core.picture import Picture, read_picture, read_settings, write_picture

COLUMNS, ROWS = 6, 6
"""Of a page."""
PER_PAGE = COLUMNS * ROWS
CELL_PX, GAP_PX, LABEL_PX, TITLE_PX = 256, 14, 24, 44
SHEETS = "sheets"
"""Folder in the sweep's."""

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

    def pages(self) -> "list[Page]":
        """It in pages; full pages and one with a single picture are no use."""
        count = count_pages(len(self.cells))
        each = math.ceil(len(self.cells) / count)
        if count == 1:
            return [Page(self.name, self.title, self.cells)]
        return [
            Page(
                f"{self.name}-{number + 1}",
                f"{self.title} (page {number + 1} of {count})",
                self.cells[number * each : (number + 1) * each],
            )
            for number in range(count)
        ]


@dataclass(frozen=True)
class Page:
    """As much of a sheet as can be read at once."""

    name: str
    """Of its file, without suffix."""
    title: str
    cells: Sequence[Cell]

    @property
    def file(self) -> str:
        return f"{self.name}.png"

    @property
    def digest(self) -> str:
        """Of what is on it."""
        told = [self.title, [(cell.label, *stamp(cell.path)) for cell in self.cells]]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def drawn(self, small: Small = small_picture) -> Image.Image:
        """Pictures in rows, each above its label, the rows as high as what is in them."""
        cells = [(cell.label, _shown(cell, small)) for cell in self.cells]
        letters, large = font(15), font(22)
        columns = min(COLUMNS, max(3, len(cells)))
        rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
        heights = [max((c.height for _, c in row if not isinstance(c, str)), default=CELL_PX // 2) for row in rows]
        width = GAP_PX + columns * (CELL_PX + GAP_PX)
        page = Image.new("RGB", (width, TITLE_PX + sum(heights) + len(rows) * (LABEL_PX + GAP_PX) + GAP_PX), "white")
        draw = ImageDraw.Draw(page)
        draw.text((GAP_PX, 10), fitted(self.title, large, width - 2 * GAP_PX), "black", large)
        top = TITLE_PX
        for row, height in zip(rows, heights, strict=True):
            for column, (label, shown) in enumerate(row):
                left = GAP_PX + column * (CELL_PX + GAP_PX)
                if isinstance(shown, str):
                    draw.rectangle((left, top, left + CELL_PX, top + height), "#e4e4e4")
                    lines = "\n".join(textwrap.wrap(shown, 30)[:5])
                    draw.multiline_text((left + 8, top + 8), lines, "#505050", letters)
                else:
                    page.paste(shown, (left + (CELL_PX - shown.width) // 2, top + height - shown.height))
                text = fitted(label, letters, CELL_PX)
                draw.text((left + (CELL_PX - letters.getlength(text)) // 2, top + height + 3), text, "black", letters)
            top += height + LABEL_PX + GAP_PX
        return page


def count_pages(cells: int) -> int:
    """Of a sheet with so many pictures."""
    return max(1, math.ceil(cells / PER_PAGE))


def stamp(path: Path) -> tuple[str, int, int]:
    """Tells a file from what it is when it has changed, and from none."""
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), found.st_mtime_ns, found.st_size


def write_pages(folder: Path, pages: Sequence[Page], small: Small = small_picture) -> Iterator[str]:
    """Writes pages, and removes all others; one that is there already is left. Gives each file's name once it is there.

    Args:
        folder: for nothing else.
        pages: with names that differ.
        small: gives the small pictures; called from several threads.

    Raises:
        NstError: The folder cannot be written to.
    """

    def write(page: Page) -> str:
        path, digest = folder / page.file, page.digest
        if _digest_in(path) != digest:
            write_picture(Picture(np.asarray(page.drawn(small))), path, settings={"sheet": digest}, fast=True)
        return page.file

    pool = ThreadPoolExecutor(os.cpu_count())  # no more than that, as each of them holds a page
    try:
        yield from pool.map(write, pages)
    finally:
        pool.shutdown(cancel_futures=True)
    for path in set(folder.glob("*.png")) - {folder / page.file for page in pages}:
        path.unlink(missing_ok=True)


def _digest_in(path: Path) -> str | None:
    """What a page holds, as it says itself; None where there is none."""
    try:
        return (read_settings(path).settings or {}).get("sheet")
    except ImageError:
        return None


def _shown(cell: Cell, small: Small) -> Image.Image | str:
    try:
        return small(cell.path)
    except ImageError as error:
        return str(error).replace(str(cell.path), cell.path.name)
