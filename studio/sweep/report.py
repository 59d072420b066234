"""What a sweep has brought: contact sheets, and a page that needs nothing around it."""

import functools
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from nst_core.errors import ImageError
from nst_core.files import write_bytes
from nst_core.ledger import Ledger
from studio.sweep.report_page import page
from studio.sweep.sheets import SHEETS, Cell, Sheet, small_picture, write_sheets
from studio.sweep.survey import Shown, survey

REPORT = "report.html"
"""In the sweep's folder."""
QUALITY = 80
"""Of the small pictures, JPEG."""
REMEMBERED = 5000
"""Small pictures that are kept while the report is made."""


def write_report(folder: Path, ledger: Ledger, ratings: Mapping[str, str]) -> Path:
    """Writes the contact sheets and `report.html`, each file whole or not at all; gives the page.

    Args:
        folder: of the sweep.
        ledger: its jobs.
        ratings: what the artist thinks, by file below the folder.

    Raises:
        NstError: The folder cannot be written to.
    """
    found = survey(ledger, ratings)
    small = functools.lru_cache(REMEMBERED)(_small_jpeg)
    with ThreadPoolExecutor() as pool:  # reading them is most of the work, and goes on several cores
        list(pool.map(_tried(small), [folder / shown.job.out for shown in found.proofs[:REMEMBERED]]))
    photos = _by_photo(found.proofs)
    names = _names(photos)
    sheets = {path: _photo_sheet(folder, path, names[path], some) for path, some in photos.items()}
    styles = _style_sheets(folder, found.proofs, names)
    written = write_sheets(folder / SHEETS, [*sheets.values(), *styles], lambda path: _opened(small(path)))
    links = {path: [f"{SHEETS}/{file.name}" for file in written[sheet.name]] for path, sheet in sheets.items()}
    write_bytes(folder / REPORT, page(folder, found, links, small).encode())
    return folder / REPORT


def _by_photo(proofs: Iterable[Shown]) -> dict[str, list[Shown]]:
    """The proofs of each photo, by its path."""
    groups: dict[str, list[Shown]] = defaultdict(list)
    for shown in sorted(proofs, key=lambda shown: (shown.photo, shown.job.photo.path, shown.label)):
        groups[shown.job.photo.path].append(shown)
    return groups


def _photo_sheet(folder: Path, path: str, name: str, proofs: Sequence[Shown]) -> Sheet:
    cells = [Cell("the photo", Path(path)), *(_cell(folder, shown, shown.label) for shown in proofs)]
    return Sheet(f"photo-{name}", f"{Path(path).name}: {len(proofs)} proofs", cells)


def _style_sheets(folder: Path, proofs: Iterable[Shown], names: Mapping[str, str]) -> list[Sheet]:
    """One for each style and settings; those of files of one name are on one sheet."""
    groups: dict[str, list[Cell]] = defaultdict(list)
    for shown in sorted(proofs, key=lambda shown: (shown.label, names[shown.job.photo.path])):
        groups[shown.label].append(_cell(folder, shown, names[shown.job.photo.path]))
    return [
        Sheet(f"style-{label.replace(' ', '-')}", f"{label}: {len(cells)} photos", cells)
        for label, cells in groups.items()
    ]


def _cell(folder: Path, shown: Shown, label: str) -> Cell:
    return Cell(f"{label} {shown.mark}".strip(), folder / shown.job.out)


def _names(paths: Iterable[str]) -> dict[str, str]:
    """The name of each photo without its suffix, numbered where an earlier one is the same."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for path in paths:
        stem, number = Path(path).stem, 1
        name = stem
        while name.lower() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.lower())
        names[path] = name
    return names


def _small_jpeg(path: Path) -> bytes:
    """A small picture.

    Raises:
        ImageError: It cannot be read.
    """
    data = io.BytesIO()
    small_picture(path).save(data, "JPEG", quality=QUALITY)
    return data.getvalue()


def _opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


def _tried(small: Callable[[Path], bytes]) -> Callable[[Path], object]:
    def get(path: Path) -> bytes | None:
        try:
            return small(path)
        except ImageError:
            return None

    return get
