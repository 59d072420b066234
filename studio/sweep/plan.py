"""What a sweep is to paint: photos × styles × settings, each with a name of its own, in the order that is quickest."""

import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from models.catalog import Style
from nst_core.copies import origin
from nst_core.fetch import fetch
from nst_core.files import sha256
from nst_core.ledger import Ledger
from nst_core.storage_errors import Missing
from serve.paint_options import PaintOptions
from studio.sweep.job import PROOFS, PhotoFile, StyleFile, SweepJob

LEDGER = "sweep.sqlite"
"""In the sweep's folder."""
PROOF_PX = 512
"""Long side of a proof."""
PHOTOS_AT_ONCE = 500
"""So many photos are painted in all styles, then so many more: that many proofs' photos are kept in memory."""

_PROOF = ("name", "spec.photo.path", "spec.style.path", "spec.options")
_BITS = 24
"""Of the number of a file, and of a way to paint."""


@dataclass(frozen=True)
class Settings:
    """How all photos are painted in all styles: each strength with each brush size and each way to color."""

    strengths: tuple[float, ...] = (1.0,)
    brush_sizes: tuple[float, ...] = (1.0,)
    colors: tuple[str, ...] = ("painting",)

    def options(self) -> list[PaintOptions]:
        """Those of the proofs."""
        product = itertools.product(dict.fromkeys(self.strengths), dict.fromkeys(self.brush_sizes), self.colors)
        return [PaintOptions(PROOF_PX, s, b, color=c) for s, b, c in dict.fromkeys(product)]  # type: ignore[arg-type]


def photo_files(
    photos: Sequence[Path | str], tell: Callable[[int], None] = lambda count: None
) -> list[PhotoFile | str]:
    """The photos, read once to tell them from others; for one that cannot be read, why.

    Args:
        photos: their files, or their URLs.
        tell: takes how many have been read.
    """

    def look(path: Path | str) -> PhotoFile | str:
        try:
            if isinstance(path, str):
                return PhotoFile(path, sha256(fetch(path)))
            return PhotoFile(os.path.abspath(path), sha256(path))
        except Missing as error:
            return str(error)
        except OSError as error:
            return f"{path} cannot be read: {error.strerror}"

    found: list[PhotoFile | str] = []
    with ThreadPoolExecutor() as pool:
        for photo in pool.map(look, photos):
            found.append(photo)
            tell(len(found))
    return found


def style_files(styles: Iterable[Style]) -> list[StyleFile]:
    """The styles, each file once."""
    found = {os.path.realpath(style.path): style for style in styles}
    return [
        StyleFile(style.name, origin(style.path) or os.path.abspath(style.path), style.sha256)
        for style in found.values()
    ]


def plan_proofs(
    photos: Sequence[PhotoFile], styles: Sequence[StyleFile], options: Sequence[PaintOptions], ledger: Ledger
) -> Iterator[SweepJob]:
    """A proof of each photo in each style with each options, in the order of painting.

    What the ledger holds already keeps its name; others that would have an equal one are numbered. The ledger is read
    now, and not while proofs are given.
    """
    return _proofs(photos, styles, options, _Names(ledger))


def _proofs(
    photos: Sequence[PhotoFile], styles: Sequence[StyleFile], options: Sequence[PaintOptions], names: "_Names"
) -> Iterator[SweepJob]:
    keys = {chosen: json.dumps(vars(chosen), separators=(",", ":")) for chosen in options}
    endings = {chosen: suffix(chosen) for chosen in options}
    stems = {photo: Path(photo.path).stem for photo in photos}
    for start in range(0, len(photos), PHOTOS_AT_ONCE):
        for photo, style, chosen in _in_order(photos[start : start + PHOTOS_AT_ONCE], styles, options):
            wanted = f"{PROOFS}/{stems[photo]}-{style.name}{endings[chosen]}"
            out = names.take(wanted, photo.path, style.path, keys[chosen])
            yield SweepJob(out, "proof", "fast", photo, style, chosen)


def _in_order(
    photos: Sequence[PhotoFile], styles: Sequence[StyleFile], options: Sequence[PaintOptions]
) -> Iterator[tuple[PhotoFile, StyleFile, PaintOptions]]:
    """Each style on all photos, as its network is opened once; and in the middle of that the first one of the next
    style, whose network is opened while the others are painted.
    """
    held = None
    for style, following in itertools.zip_longest(styles, styles[1:]):
        turns = [(photo, style, chosen) for photo in photos for chosen in options]
        following = following and (photos[0], following, options[0])
        rest = turns[1:] if held else turns
        middle = len(rest) // 2
        yield from rest[:middle]
        if following:
            yield following
        yield from rest[middle:]
        held = following


def suffix(options: PaintOptions) -> str:
    """What is in a name of how a picture is painted: nothing of what is as usual, so that names stay as they are
    when more settings are added.
    """
    usual, parts = PaintOptions(), []
    if options.strength != usual.strength:
        parts.append(f"-strength{options.strength:g}")
    if options.brush_size != usual.brush_size:
        parts.append(f"-brush{options.brush_size:g}")
    if options.color != usual.color:
        parts.append(f"-{options.color}")
    return "".join(parts)


class _Names:
    """Names of proofs, which differ for file systems that know no upper and lower case; a proof keeps its own.

    Args:
        ledger: whose proofs have names already.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._numbers: dict[str, int] = {}
        self._holders: dict[str, int] = {}
        """Of each name, in lower case: the proof as a number, as there may be very many."""
        for name, *proof in ledger.values(_PROOF, like=f"{PROOFS}/*"):
            self._holders[name.lower()] = self._number(*proof)

    def take(self, wanted: str, *proof: str) -> str:
        """The file of a proof.

        Args:
            wanted: without suffix; numbered where another proof has it.
            proof: the files of photo and style, and how it is painted, JSON.
        """
        me, name, count = self._number(*proof), f"{wanted}.png", 1
        while self._holders.setdefault(name.lower(), me) != me:
            count += 1
            name = f"{wanted}_{count}.png"
        return name

    def _number(self, *proof: str) -> int:
        """Tells a proof from others."""
        found = 0
        for part in proof:
            found = found << _BITS | self._numbers.setdefault(part, len(self._numbers))
        return found
