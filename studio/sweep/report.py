"""What a sweep has brought: contact sheets, and a page that needs nothing around it."""

import functools
import hashlib
import io
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from nst_core.errors import ImageError
from nst_core.files import atomic_path
from nst_core.ledger import Ledger
from studio.sweep.choice import Proof, best_first, choose, painted, wish
from studio.sweep.contact import Contact
from studio.sweep.finals import final_stem
from studio.sweep.job import PROOFS
from studio.sweep.report_page import DIGEST, Group, Report, Shown, parts
from studio.sweep.sheets import SHEETS, small_picture, stamp, write_pages
from studio.sweep.survey import survey

REPORT = "report.html"
"""In the sweep's folder."""
QUALITY = 80
"""Of the small pictures, JPEG."""
SHOWN = 1500
"""Small pictures in the page, at most; of more, the best are there. So many are kept while the report is made."""
BEST = 12
"""That are shown first."""


@dataclass(frozen=True)
class Step:
    """A part of the report is there."""

    done: int
    total: int


def write_report(folder: Path, ledger: Ledger, ratings: Mapping[str, str]) -> Generator[Step, None, None]:
    """Writes the contact sheets and `report.html`, each file whole or not at all; what has not changed is left.

    Args:
        folder: of the sweep.
        ledger: its jobs.
        ratings: what the artist thinks, by file below the folder.

    Raises:
        NstError: The folder cannot be written to.
    """
    proofs = painted(ledger)
    contact = Contact(folder, proofs, ratings)
    pages = {sheet.name: sheet.pages() for sheet in contact.sheets()}
    everything = [page for some in pages.values() for page in some]
    total = len(everything) + 1
    small = functools.lru_cache(SHOWN)(_small_jpeg)
    yield Step(0, total)
    written = write_pages(folder / SHEETS, everything, lambda path: Image.open(io.BytesIO(small(path))))
    for number, _ in enumerate(written, 1):
        yield Step(number, total)
    sheets = {
        path: [f"{SHEETS}/{page.file}" for page in pages.get(contact.name_of_photo(path), ())]
        for path in contact.photos
    }
    _write_page(folder / REPORT, _report(folder, ledger, proofs, contact.photos, sheets, ratings), small)
    yield Step(total, total)


def _report(
    folder: Path,
    ledger: Ledger,
    proofs: Sequence[Proof],
    photos: Mapping[str, Sequence[Proof]],
    sheets: Mapping[str, Sequence[str]],
    ratings: Mapping[str, str],
) -> Report:
    """What the page tells."""
    order = best_first(ratings)
    picked = sum(wish(proof, ratings) > 0 for proof in proofs)
    first = choose(proofs, ratings, "all")[: min(SHOWN, max(BEST, picked))]
    here = {proof.out for proof in sorted(proofs, key=order)[:SHOWN]}
    finals: dict[str, list[str]] = {final_stem(out): [] for out in [*here, *first]}
    for (name,) in ledger.values(["name"], "done", unlike=f"{PROOFS}/*"):
        if (stem := final_stem(name)) in finals:
            finals[stem].append(name)

    def shown(proof: Proof) -> Shown:
        return Shown(proof, ratings.get(proof.out, "unrated"), finals[final_stem(proof.out)])

    places = {out: place for place, out in enumerate(first)}
    groups = [
        Group(path, [shown(proof) for proof in sorted(some, key=order) if proof.out in here], sheets[path])
        for path, some in photos.items()
    ]
    return Report(
        folder,
        survey(ledger),
        [shown(proof) for proof in sorted((p for p in proofs if p.out in places), key=lambda p: places[p.out])],
        picked > 0,
        [group for group in groups if group.proofs or group.sheets],
        len(proofs) - len(here),
    )


def _write_page(path: Path, report: Report, small: Callable[[Path], bytes]) -> None:
    """Writes the page, unless it is there as it would become."""
    digest = hashlib.sha256()
    for part in parts(report, lambda picture: repr(stamp(picture)).encode()):  # all but the pictures themselves
        digest.update(part.encode())
    mark = DIGEST.format(digest.hexdigest())
    if path.is_file() and _ends_with(path, mark):
        return
    shown = [shown for some in (report.first, *(group.proofs for group in report.groups)) for shown in some]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda one: _tried(small, report.folder / one.proof.out), shown))
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{part}\n" for part in parts(report, small))
        file.write(mark)


def _ends_with(path: Path, text: str) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - len(text)))
        return file.read() == text.encode()


def _tried(small: Callable[[Path], bytes], path: Path) -> None:
    """Has a small picture ready; where there is none, the page says so."""
    try:
        small(path)
    except ImageError:
        return


def _small_jpeg(path: Path) -> bytes:
    """A small picture.

    Raises:
        ImageError: It cannot be read.
    """
    data = io.BytesIO()
    small_picture(path).save(data, "JPEG", quality=QUALITY)
    return data.getvalue()
