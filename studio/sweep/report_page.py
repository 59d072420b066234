"""The page of a sweep's report: all in one file, but for the pictures in full that it links to."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from nst_core.duration import duration
from nst_core.errors import ImageError
from nst_core.jobs import State
from studio.sweep.choice import Proof
from studio.sweep.finals import OPTIMIZED, final_stem
from studio.sweep.sheets import SHEETS
from studio.sweep.survey import Failure, Found

MARKS: Mapping[str, str] = {"starred": "★", "kept": "✓", "rejected": "✗"}
"""Of what the artist thinks, beside a name."""
DIGEST = "<!-- {} -->"
"""Ends the page: of all that it tells."""

STYLE = """
:root { color-scheme: light dark; --back: #faf9f6; --ink: #222; --faint: #8884; --red: #b3261e; --gold: #a86b00 }
@media (prefers-color-scheme: dark) { :root { --back: #191a1c; --ink: #ddd; --red: #f2847b; --gold: #e8b04a } }
body { background: var(--back); color: var(--ink); font: 16px/1.45 system-ui, sans-serif; max-width: 1280px;
  margin: 0 auto; padding: 1rem }
h1, h2, p, dl, table { margin: 0 0 .6rem; overflow-wrap: anywhere }
section { border-top: 1px solid var(--faint); margin-top: 1.5rem; padding-top: 1rem }
a { color: inherit }
th { text-align: left; font-weight: normal; padding-right: 1.2rem } td { text-align: right; padding-right: 1.2rem }
.failed dt { font-weight: bold; color: var(--red) } .failed dd { margin: 0 0 .5rem; overflow-wrap: anywhere }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: .8rem .6rem;
  align-items: end }
figure { margin: 0 }
img { width: 100%; height: auto; display: block }
figcaption { font-size: .85rem; overflow-wrap: anywhere }
.starred, .kept { color: var(--gold) } .rejected img { opacity: .35 }
.missing { background: var(--faint); padding: .6rem; min-height: 5rem; font-size: .85rem }
small, .note { font-size: .85rem; opacity: .8 }
"""

Small = Callable[[Path], bytes]
"""Gives a small picture of a file, JPEG.

Raises:
    ImageError: it cannot be read.
"""


@dataclass(frozen=True)
class Shown:
    """A proof in the page."""

    proof: Proof
    rating: str
    finals: Sequence[str]
    """The final pictures of it that are done, by their files."""


@dataclass(frozen=True)
class Group:
    """The proofs of a photo that are shown."""

    photo: str
    """Its file."""
    proofs: Sequence[Shown]
    sheets: Sequence[str]
    """Its contact sheets, as files below the folder."""


@dataclass(frozen=True)
class Report:
    """All that the page tells."""

    folder: Path
    """Of the sweep."""
    found: Found
    first: Sequence[Shown]
    """What would be finished first."""
    picked: bool
    """Whether the artist has picked some of these."""
    groups: Sequence[Group]
    rest: int
    """Proofs that are not shown."""


def parts(report: Report, small: Small) -> Iterator[str]:
    """The page, HTML, in parts, as it may be long; small pictures come from `small`."""
    name = report.folder.resolve().name
    yield f'<!doctype html>\n<html lang="en">\n<title>{_text(name)}: photos in styles</title>'
    yield '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{STYLE}</style>\n<h1>{_text(_title(report.found))}</h1>"
    yield from _summary(report.found)
    if report.found.failed:
        yield from _failures(report.found.failed)
    if report.groups:
        yield from _first(report, small)
        yield from _photos(report, small)
        yield _NOTE
    yield "</html>"


def _first(report: Report, small: Small) -> Iterator[str]:
    words = "Picked, and what promises most" if report.picked else "What promises most"
    yield f'<section><h2>{words}</h2><div class="pictures">'
    for shown in report.first:
        label = f"{Path(shown.proof.photo).stem}, {shown.proof.label}"
        yield _figure(report.folder, shown, label, small)
    yield "</div></section>"


def _photos(report: Report, small: Small) -> Iterator[str]:
    if report.rest:
        count = sum(len(group.proofs) for group in report.groups)
        yield (
            f"<p>Of the proofs the {count} best are shown below; contact sheets are in the folder {SHEETS}, and the "
            f"Gallery tab of impasto ui shows the other {report.rest}, too.</p>"
        )
    for group in report.groups:
        links = ", ".join(_link(sheet, sheet) for sheet in group.sheets)
        yield f"<section><h2>{_text(Path(group.photo).name)}</h2>"
        yield f"<p><small>Contact sheet: {links}</small></p>" if links else ""
        yield '<div class="pictures">'
        yield from (_figure(report.folder, shown, shown.proof.label, small) for shown in group.proofs)
        yield "</div></section>"


def _figure(folder: Path, shown: Shown, label: str, small: Small) -> str:
    """A small picture, a link to the one in full, and what is known of it."""
    proof = shown.proof
    try:
        data = base64.b64encode(small(folder / proof.out)).decode("ascii")
        inside = f'<img src="data:image/jpeg;base64,{data}" alt="{_text(label)}" loading="lazy">'
    except ImageError:
        inside = f'<p class="missing">{_text(Path(proof.out).name)} is not there any more</p>'
    target = shown.finals[0] if shown.finals else proof.out
    finals = " · ".join(_link(final, _kind(final, proof.out)) for final in shown.finals)
    mark = f'<b class="{shown.rating}">{MARKS[shown.rating]}</b> ' if shown.rating in MARKS else ""
    caption = f"{mark}{_text(label)} <small>{proof.promise:.2f}{' · ' + finals if finals else ''}</small>"
    picture = f'<a href="{quote(target)}">{inside}</a>'
    return f'<figure class="{shown.rating}">{picture}<figcaption>{caption}</figcaption></figure>'


_NOTE = """<section class="note"><p>The figure beside each name is the proof's promise, from 0 to 1: whether the photo's
forms can still be made out, whether the colors are the painting's, and whether there is as much contrast of light and
dark as in the painting, multiplied (their geometric mean). It orders the finals and tells nothing of beauty: what you
star and keep in the gallery goes first.</p></section>"""


def _title(found: Found) -> str:
    done = {name: counts["done"] for name, counts in found.counts.items() if counts["done"]}
    return (
        " and ".join(f"{count} {name}" for name, count in done.items()) + " painted" if done else "Nothing painted yet"
    )


def _summary(found: Found) -> Iterator[str]:
    states: tuple[State, ...] = ("done", "failed", "running", "waiting")
    used: list[State] = [state for state in states if any(counts[state] for counts in found.counts.values())]
    yield "<table><tr><th></th>" + "".join(f"<td>{state}</td>" for state in used) + "</tr>"
    for name, counts in found.counts.items():
        if sum(counts.values()):
            yield f"<tr><th>{name}</th>" + "".join(f"<td>{counts[state]}</td>" for state in used) + "</tr>"
    yield "</table>"
    times = [f"begun {_local(found.begun)}"] if found.begun else []
    times += [f"last ended {_local(found.ended)}"] if found.ended else []
    times += [f"{_seconds(seconds)} for each of the {name}, usually" for name, seconds in found.usual_seconds.items()]
    yield f"<p>{_text(', '.join(times))}</p>"


def _seconds(seconds: float) -> str:
    return duration(seconds) if seconds >= 10 else f"{seconds:.2g} s"


def _failures(failed: Sequence[Failure]) -> Iterator[str]:
    yield '<section class="failed"><h2>Failed</h2><dl>'
    for failure in failed:
        more = f" and {failure.count - len(failure.names)} more" if failure.count > len(failure.names) else ""
        yield f"<dt>{_text(failure.reason)}</dt><dd>{_text(', '.join(failure.names))}{more}</dd>"
    yield "</dl></section>"


def _kind(final: str, proof: str) -> str:
    """What a final is, by what its name has beside the proof's."""
    more = Path(final).stem.removeprefix(final_stem(proof)).replace("-", " ").strip()
    return more if more.startswith(OPTIMIZED.strip("-")) else f"final {more}".strip()


def _link(path: str, words: str) -> str:
    return f'<a href="{quote(path)}">{_text(words)}</a>'


def _text(value: object) -> str:
    """Safe in the page, in attributes too."""
    return html.escape(str(value))


def _local(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
