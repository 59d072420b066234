"""Styles on fixed photos: small pictures, each painted once and kept, and all of them as one sheet."""

from __future__ import annotations

import functools
import hashlib
import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from models.catalog import Style
from nst_core.errors import BudgetError, ConfigError, ImageError, ModelError
from nst_core.files import write_bytes
from nst_core.lettering import Font, fitted, font
from nst_core.picture import Picture, fit_long_side, read_picture
from serve.engine import Engine
from serve.paint_options import PaintOptions

LONG_SIDE_PX = 384
"""Of a small picture."""
QUALITY = 82
"""Of its JPEG."""
CELL_PX, SMALL_CELL_PX = (384, 256), (192, 128)
"""What a picture fits into on a sheet, width and height; the small one where there are many rows."""
MANY_ROWS = 30
GAP_PX, TITLE_PX, FONT_PX = 12, 34, 20


@dataclass(frozen=True)
class Cell:
    """A small picture, or why there is none."""

    caption: str
    jpeg: bytes | None
    missing: str = ""


@dataclass(frozen=True)
class Row:
    """A painting, and the photos in its style."""

    title: str
    cells: tuple[Cell, ...]


class Thumbnails:
    """Small pictures as JPEG, kept in a folder; a file that changes gets a new one.

    Args:
        folder: for nothing else; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._engine = functools.cache(Engine)  # only where something is to be painted
        self._small = functools.lru_cache(8)(_small)

    def picture(self, path: Path, caption: str) -> Cell:
        """A picture itself."""
        return self._cell(caption, lambda: _identity(path), lambda: self._small(path))

    def painted(self, photo: Path, style: Style, painting: int, caption: str) -> Cell:
        """A photo in one of a style's paintings."""
        count = len(style.card.paintings)
        weights = tuple(float(i == painting) for i in range(count)) if count > 1 else ()
        return self._cell(
            caption,
            lambda: f"{style.sha256} {painting} {_identity(photo)}",
            lambda: self._engine().stylize(self._small(photo), style, PaintOptions(weights=weights)),
        )

    def _cell(self, caption: str, identity: Callable[[], str], make: Callable[[], Picture]) -> Cell:
        """The small picture of an identity, made where it is not kept yet.

        Raises:
            NstError: it cannot be written.
        """
        try:
            key = hashlib.sha256(f"{LONG_SIDE_PX} {QUALITY} {identity()}".encode()).hexdigest()[:24]
            kept = self.folder / f"{key}.jpg"
            if kept.is_file():
                return Cell(caption, kept.read_bytes())
            picture = make()
        except (ImageError, ModelError, ConfigError, BudgetError) as error:
            return Cell(caption, None, str(error))
        except OSError as error:
            return Cell(caption, None, f"{error.filename} cannot be read: {error.strerror}")
        jpeg = io.BytesIO()
        Image.fromarray(picture.pixels).save(jpeg, "JPEG", quality=QUALITY)
        write_bytes(kept, jpeg.getvalue())
        return Cell(caption, jpeg.getvalue())


def _identity(path: Path) -> str:
    """Tells a large file from another, without reading it."""
    found = path.stat()
    return f"{path.resolve()} {found.st_size} {found.st_mtime_ns}"


def _small(path: Path) -> Picture:
    """A picture, opaque, 8 bits, reduced where it is larger than a small one."""
    picture = read_picture(path)
    side = min(LONG_SIDE_PX, max(picture.width, picture.height))
    small = picture.resized(*fit_long_side(picture.width, picture.height, side)).with_bits(8)
    return Picture(small.pixels, name=small.name)


def contact_sheet(rows: Sequence[Row]) -> np.ndarray:
    """All rows below each other, each with its title above, (H, W, 3) uint8.

    Args:
        rows: with as many cells each.
    """
    box = CELL_PX if len(rows) <= MANY_ROWS else SMALL_CELL_PX
    letters = font(FONT_PX)
    pictures = [[_drawn(cell, box, letters) for cell in row.cells] for row in rows]
    widths = [max(picture.width for picture in column) for column in zip(*pictures, strict=True)]
    lefts = [GAP_PX + sum(widths[:x]) + GAP_PX * x for x in range(len(widths))]
    step = TITLE_PX + box[1] + GAP_PX
    sheet = Image.new("RGB", (GAP_PX + sum(widths) + GAP_PX * len(widths), GAP_PX + len(rows) * step), "white")
    draw = ImageDraw.Draw(sheet)
    for y, row in enumerate(rows):
        top = GAP_PX + y * step
        draw.text((GAP_PX, top), fitted(row.title, letters, sheet.width - 2 * GAP_PX), "black", letters)
        for left, picture in zip(lefts, pictures[y], strict=True):
            sheet.paste(picture, (left, top + TITLE_PX))
    return np.asarray(sheet)


def _drawn(cell: Cell, box: tuple[int, int], letters: Font) -> Image.Image:
    """A cell's picture as large as the box lets it be, or a box that says why there is none."""
    if cell.jpeg is not None:
        with Image.open(io.BytesIO(cell.jpeg)) as picture:
            return ImageOps.contain(picture.convert("RGB"), box)
    blank = Image.new("RGB", box, "#e4e4e4" if cell.missing else "white")
    lines = textwrap.wrap(cell.missing, round(1.5 * box[0] / FONT_PX))[: box[1] // FONT_PX - 2]
    ImageDraw.Draw(blank).multiline_text((8, 8), "\n".join(lines), "#505050", letters)
    return blank
