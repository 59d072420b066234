"""What a sweep is to paint: photos × styles × settings, each with a name of its own, in the order that is quickest."""

import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.catalog import Style
from nst_core.errors import ConfigError
from nst_core.files import sha256
from nst_core.ledger import Ledger
from serve.paint_options import PaintOptions
from studio.sweep.job import PROOFS, How, PhotoFile, StyleFile, SweepJob

LEDGER = "sweep.sqlite"
"""In the sweep's folder."""
OPTIMIZED = "-optimized"
"""Ends the names of the optimizer's finals."""
PROOF_PX = 512
"""Long side of a proof."""
PHOTOS_AT_ONCE = 500
"""So many photos are painted in all styles, then so many more: that many proofs' photos are kept in memory."""

Identity = tuple[str, str, str]
"""Of a proof: the paths of photo and style, and how it is painted, JSON."""


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


def photo_files(photos: Sequence[Path]) -> list[PhotoFile | str]:
    """The photos, read once to tell them from others; for one that cannot be read, why."""

    def look(path: Path) -> PhotoFile | str:
        try:
            return PhotoFile(os.path.abspath(path), sha256(path))
        except OSError as error:
            return f"{path} cannot be read: {error.strerror}"

    with ThreadPoolExecutor() as pool:
        return list(pool.map(look, photos))


def style_files(styles: Iterable[Style]) -> list[StyleFile]:
    """The styles, each file once."""
    found = {os.path.realpath(style.path): style for style in styles}
    return [StyleFile(style.name, os.path.abspath(style.path), sha256(style.path)) for style in found.values()]


def plan_proofs(
    photos: Sequence[PhotoFile], styles: Sequence[StyleFile], options: Sequence[PaintOptions], ledger: Ledger
) -> Iterator[SweepJob]:
    """A proof of each photo in each style with each options, in the order of painting.

    What the ledger holds already keeps its name; others that would have an equal one are numbered.
    """
    known = {_identity(row.spec): row.name for row in ledger.each(like=f"{PROOFS}/*")}
    names = _Names(known.values())
    keys = {chosen: json.dumps(vars(chosen)) for chosen in options}
    for start in range(0, len(photos), PHOTOS_AT_ONCE):
        for photo, style, chosen in _in_order(photos[start : start + PHOTOS_AT_ONCE], styles, options):
            out = known.get((photo.path, style.path, keys[chosen]))
            out = out or names.take(f"{PROOFS}/{Path(photo.path).stem}-{style.name}{suffix(chosen)}", ".png")
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


def final_of(proof: SweepJob, how: How, size: int, upscale: int) -> SweepJob:
    """The final picture that belongs to a proof."""
    stem = final_stem(proof.out)
    out = f"{stem}{OPTIMIZED}.png" if how == "optimize" else f"{stem}.png"
    options = replace(proof.options, size=size)
    return replace(proof, out=out, kind="final", how=how, options=options, upscale=upscale)


def final_stem(out: str) -> str:
    """What the names of a proof and of its finals have in common."""
    return out.removeprefix(f"{PROOFS}/").removesuffix(".png").removesuffix(OPTIMIZED)


def check_same(ledger: Ledger, jobs: Iterable[SweepJob]) -> None:
    """Finds out whether the ledger holds other pictures under the same names, which would be lost.

    A photo or style that has changed is painted anew; other options are a mistake.

    Raises:
        ConfigError: It does; the message says how they differ.
    """
    wanted = {job.out: job for job in jobs}
    finals = ledger.counts() != ledger.counts(f"{PROOFS}/*")
    for row in ledger.each() if finals else ():
        if row.name not in wanted:
            continue
        old, new = SweepJob.from_spec(row.spec), wanted[row.name]
        for option, a, b in (
            ("--size", old.options.size or "original", new.options.size or "original"),
            ("--upscale", old.upscale or "none", new.upscale or "none"),
        ):
            if a != b:
                folder = ledger.path.parent
                raise ConfigError(
                    f"{folder / row.name} is of a sweep with {option} {a}, not {b}; "
                    f"give that again, or another folder: -o FOLDER"
                )


def _identity(spec: Mapping[str, Any]) -> Identity:
    return spec["photo"]["path"], spec["style"]["path"], json.dumps(spec["options"])


class _Names:
    """Names that are free, as file systems see them which know no upper and lower case."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {name.lower() for name in taken}

    def take(self, wanted: str, ending: str) -> str:
        name = wanted + ending
        for number in itertools.count(2):
            if name.lower() not in self._taken:
                break
            name = f"{wanted}_{number}{ending}"
        self._taken.add(name.lower())
        return name
