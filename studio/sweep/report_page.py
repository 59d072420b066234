"""The page of a sweep's report: all in one file, but for the pictures in full that it links to."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from nst_core.duration import duration
from nst_core.errors import ImageError
from nst_core.jobs import State
from studio.sweep.finals import choose
from studio.sweep.plan import OPTIMIZED
from studio.sweep.survey import Found, Shown

SHOWN = 1500
"""Small pictures in the page, at most; of more, the best are there."""
BEST = 12
"""That are shown first."""
NAMED = 12
"""Of the files that failed for one reason."""

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


def page(folder: Path, found: Found, sheets: Mapping[str, Sequence[str]], small: Small) -> str:
    """The report, HTML.

    Args:
        folder: of the sweep.
        found: in its ledger.
        sheets: the contact sheets of each photo, by its path, as files below the folder.
        small: gives the small pictures.
    """
    return "\n".join(_Page(folder, found, sheets, small).parts())


class _Page:
    def __init__(self, folder: Path, found: Found, sheets: Mapping[str, Sequence[str]], small: Small) -> None:
        self._folder, self._found, self._sheets, self._small = folder, found, sheets, small
        self._best = sorted(found.proofs, key=lambda shown: (-shown.wish, -shown.promise, shown.job.out))

    def parts(self) -> Iterator[str]:
        found = self._found
        name = self._folder.resolve().name
        yield f'<!doctype html>\n<html lang="en">\n<title>{_text(name)}: photos in styles</title>'
        yield '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        yield f"<style>{STYLE}</style>\n<h1>{_text(_title(found))}</h1>"
        yield from _summary(found)
        if found.failed:
            yield from _failures(found.failed)
        if found.proofs:
            yield from self._first()
            yield from self._photos()
            yield _NOTE
        yield "</html>"

    def _first(self) -> Iterator[str]:
        """What would be finished first."""
        by_file = {shown.job.out: shown for shown in self._found.proofs}
        ratings = {shown.job.out: shown.rating for shown in self._found.proofs}
        order = choose((shown.candidate for shown in self._found.proofs), ratings, "all")
        picked = sum(shown.wish > 0 for shown in self._found.proofs)
        words = "Picked, and what promises most" if picked else "What promises most"
        yield f'<section><h2>{words}</h2><div class="pictures">'
        for shown in map(by_file.__getitem__, order[: min(SHOWN, max(BEST, picked))]):
            yield self._figure(shown, f"{Path(shown.photo).stem}, {shown.label}")
        yield "</div></section>"

    def _photos(self) -> Iterator[str]:
        shown_here = {shown.job.out for shown in self._best[:SHOWN]}
        if len(self._best) > SHOWN:
            rest = len(self._best) - SHOWN
            yield f"<p>Of the proofs the {SHOWN} best are shown below; the other {rest} are on the contact sheets.</p>"
        groups: dict[str, list[Shown]] = {}
        for shown in sorted(self._best, key=lambda shown: (shown.photo, shown.job.photo.path)):
            groups.setdefault(shown.job.photo.path, []).append(shown)
        for path, group in groups.items():
            links = ", ".join(_link(sheet, sheet) for sheet in self._sheets.get(path, ()))
            yield f"<section><h2>{_text(Path(path).name)}</h2><p><small>Contact sheet: {links}</small></p>"
            yield '<div class="pictures">'
            yield from (self._figure(shown, shown.label) for shown in group if shown.job.out in shown_here)
            yield "</div></section>"

    def _figure(self, shown: Shown, label: str) -> str:
        """A small picture, a link to the one in full, and what is known of it."""
        try:
            data = base64.b64encode(self._small(self._folder / shown.job.out)).decode("ascii")
            inside = f'<img src="data:image/jpeg;base64,{data}" alt="{_text(label)}" loading="lazy">'
        except ImageError:
            inside = f'<p class="missing">{_text(Path(shown.job.out).name)} is not there any more</p>'
        target = shown.finals[0] if shown.finals else shown.job.out
        finals = " · ".join(_link(final, _kind(final)) for final in shown.finals)
        mark = f'<b class="{shown.rating}">{shown.mark}</b> ' if shown.mark else ""
        caption = f"{mark}{_text(label)} <small>{shown.promise:.2f}{' · ' + finals if finals else ''}</small>"
        picture = f'<a href="{quote(target)}">{inside}</a>'
        return f'<figure class="{shown.rating}">{picture}<figcaption>{caption}</figcaption></figure>'


_NOTE = """<section class="note"><p>The figure beside each name is the proof's promise, from 0 to 1: whether the photo's
forms can still be made out, whether the colors are the painting's, and whether there is contrast of light and dark,
multiplied (their geometric mean). It orders the finals and tells nothing of beauty: what you star and keep in the
gallery goes first.</p></section>"""


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


def _failures(failed: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield '<section class="failed"><h2>Failed</h2><dl>'
    for reason, names in failed.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"<dt>{_text(reason)}</dt><dd>{_text(', '.join(names[:NAMED]))}{more}</dd>"
    yield "</dl></section>"


def _kind(final: str) -> str:
    return "optimized" if final.endswith(f"{OPTIMIZED}.png") else "final"


def _link(path: str, words: str) -> str:
    return f'<a href="{quote(path)}">{_text(words)}</a>'


def _text(value: object) -> str:
    """Safe in the page, in attributes too."""
    return html.escape(str(value))


def _local(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
