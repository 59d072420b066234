"""What a night has brought, as a page that needs nothing around it, and as one picture."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from models.card import StyleCard
from models.catalog import Style, read_style
from nst_core.duration import rough_duration
from nst_core.errors import ModelError
from nst_core.files import write_bytes
from nst_core.jobs import Job
from nst_core.picture import Picture, write_picture
from train.night.contact_sheet import Cell, Row, Thumbnails, contact_sheet
from train.night.loss_curve import draw_curve, read_curve
from train.photos.files import fixed_photos

REPORT, SHEET, THUMBNAILS = "report.html", "contact-sheet.png", "thumbnails"
"""In the run's folder."""

STYLE = """
:root { color-scheme: light dark; --back: #faf9f6; --ink: #222; --faint: #8884; --red: #b3261e; --blue: #2468b0;
  --green: #2e7d32 }
@media (prefers-color-scheme: dark) { :root { --back: #191a1c; --ink: #ddd; --red: #f2847b; --blue: #7ab4f0;
  --green: #86c98a } }
body { background: var(--back); color: var(--ink); font: 16px/1.45 system-ui, sans-serif; max-width: 1100px;
  margin: 0 auto; padding: 1rem }
h1, h2, h3, p, dl { margin: 0 0 .5rem; overflow-wrap: anywhere }
h3 { font-weight: normal; font-style: italic; font-size: 1rem }
article, section { border-top: 1px solid var(--faint); margin-top: 1.5rem; padding-top: 1rem }
.failed dt { font-weight: bold; color: var(--red) }
.failed dd { margin: 0 0 .5rem; overflow-wrap: anywhere }
.pictures { display: grid; grid-template-columns: repeat(2, 1fr); gap: .6rem }
@media (min-width: 640px) { .pictures { grid-template-columns: repeat(4, 1fr) } }
figure { margin: 0 }
img { width: 100%; height: auto; display: block }
figcaption, small, .below { font-size: .85rem }
.missing { background: var(--faint); padding: .6rem; margin: 0; min-height: 6rem; font-size: .85rem }
.below { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: start; margin-top: .8rem }
.curve { flex: 1 1 20rem; max-width: 30rem; font-size: 13px; fill: currentColor }
.curve polyline, .curve path { fill: none; stroke-width: 1.5 }
.curve .grid { stroke: var(--faint) }
polyline.loss { stroke: currentColor } polyline.content { stroke: var(--blue) } polyline.style { stroke: var(--green) }
tspan.content { fill: var(--blue) } tspan.style { fill: var(--green) }
th { text-align: left; font-weight: normal; padding-right: 1rem } td { text-align: right }
"""


@dataclass(frozen=True)
class Learned:
    """A finished style, as far as its file can be read."""

    job: Job
    card: StyleCard | None
    rows: tuple[Row, ...]
    """One for each of its paintings."""
    curve: str
    """SVG, or nothing."""


def write_report(folder: Path, jobs: Sequence[Job], photos: Sequence[Path] | None = None) -> tuple[Path, Path]:
    """Writes `report.html` and `contact-sheet.png`, each whole or not at all.

    What cannot be read or painted is said in its place. Pictures are painted once, and kept in the run's folder.

    Args:
        folder: of the run; in it lies a folder for each job.
        jobs: all of the run.
        photos: to show the styles on; None for those of `train.photos.files`.

    Returns:
        The page and the picture.

    Raises:
        NstError: the folder cannot be written to.
    """
    if photos is None:
        photos = fixed_photos()
    thumbnails = Thumbnails(folder / THUMBNAILS)
    plain = Row("the photos themselves", (Cell("", None), *(thumbnails.picture(photo, photo.stem) for photo in photos)))
    learned = [_learned(folder, job, photos, thumbnails) for job in jobs if job.state == "done"]
    sheet = contact_sheet([plain, *(row for style in learned for row in style.rows)])
    write_picture(Picture(sheet), folder / SHEET)
    write_bytes(folder / REPORT, "\n".join(_page(folder, jobs, plain, learned)).encode())
    return folder / REPORT, folder / SHEET


def _learned(folder: Path, job: Job, photos: Sequence[Path], thumbnails: Thumbnails) -> Learned:
    style, reason = _style(job)
    paintings = job.spec["paintings"]
    rows = []
    for number, painting in enumerate(paintings):
        title = painting["title"] if len(paintings) == 1 else f"{job.spec['title']}: {painting['title']}"
        cells = [thumbnails.picture(Path(painting["path"]), "the painting")]
        for photo in photos:
            painted = style and thumbnails.painted(photo, style, number, photo.stem)
            cells.append(painted or Cell(photo.stem, None, reason))
        rows.append(Row(f"{title}, {painting['artist']}", tuple(cells)))
    return Learned(job, style and style.card, tuple(rows), draw_curve(read_curve(folder / job.name / "metrics.csv")))


def _style(job: Job) -> tuple[Style | None, str]:
    """A done job's style, or why it cannot be read."""
    try:
        return read_style(Path((job.result or {})["style_path"])), ""
    except ModelError as error:
        return None, str(error)


def _page(folder: Path, jobs: Sequence[Job], plain: Row, learned: Sequence[Learned]) -> Iterator[str]:
    yield f'<!doctype html>\n<html lang="en">\n<title>{_text(folder.resolve().name)}: styles learned</title>'
    yield '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{STYLE}</style>\n<h1>Styles learned: {len(learned)} of {len(jobs)}</h1>"
    yield f"<p>{_text(_summary(jobs))}</p>"
    for state, words in (("running", "Being learned"), ("waiting", "Still waiting")):
        if names := [job.name for job in jobs if job.state == state]:
            yield f"<p>{words}: {_text(', '.join(names))}</p>"
    if failed := [job for job in jobs if job.state == "failed"]:
        yield '<section class="failed"><h2>Failed</h2><dl>'
        for job in failed:
            after = f"after {rough_duration(job.seconds)}"
            yield f"<dt>{_text(job.name)} <small>{after}</small></dt><dd>{_text(job.reason)}</dd>"
        yield "</dl></section>"
    yield f"<article><h2>{_text(plain.title.capitalize())}</h2>{_pictures(plain)}</article>"
    for style in learned:
        yield from _article(style)
    yield "</html>"


def _summary(jobs: Sequence[Job]) -> str:
    """How many are in each state, when, and how long it took."""
    states = [job.state for job in jobs]
    counts = [f"{states.count(state)} {state}" for state in ("done", "failed", "running", "waiting") if state in states]
    begun = min((job.begun for job in jobs if job.begun), default=None)
    ended = max((job.ended for job in jobs if job.ended), default=None)
    times = [f"begun {_local(begun)}"] if begun else []
    times += [f"last ended {_local(ended)}"] if ended else []
    return ", ".join([*counts, *times, f"{rough_duration(sum(job.seconds for job in jobs))} of work"])


def _article(style: Learned) -> Iterator[str]:
    """One style: its pictures, what is known about it, its curve."""
    job, card = style.job, style.card
    result = job.result or {}
    facts = [job.name, f"{result['steps']} steps", f"{result['seconds'] / 60:.1f} min of training"]
    if card:
        facts += [f"{card.network} through {card.loss_network}", f"{card.photos.count} photos"]
    yield f"<article><h2>{_text(style.rows[0].title if len(style.rows) == 1 else job.spec['title'])}</h2>"
    yield f"<p>{_text(', '.join(facts))}</p>"
    for row in style.rows:
        yield (f"<h3>{_text(row.title)}</h3>" if len(style.rows) > 1 else "") + _pictures(row)
    figures = _flat(card.figures if card else {}) | _flat(result["figures"])
    lines = "".join(f"<tr><th>{_text(name)}</th><td>{value:.4g}</td></tr>" for name, value in figures.items())
    yield f'<div class="below">{style.curve}<table>{lines}</table></div></article>'


def _pictures(row: Row) -> str:
    """A figure for each cell that shows or says something."""
    parts = []
    for cell in row.cells:
        if cell.jpeg is not None:
            data = base64.b64encode(cell.jpeg).decode("ascii")
            shown = f'<img src="data:image/jpeg;base64,{data}" alt="{_text(cell.caption)}">'
        elif cell.missing:
            shown = f'<p class="missing">{_text(cell.missing)}</p>'
        else:
            continue
        parts.append(f"<figure>{shown}<figcaption>{_text(cell.caption)}</figcaption></figure>")
    return f'<div class="pictures">{"".join(parts)}</div>'


def _flat(figures: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers among figures; of those inside others, the names are joined by dots."""
    found: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        elif isinstance(value, int | float):
            found[prefix + name] = value
    return found


def _text(value: object) -> str:
    """Safe in the page, in attributes too."""
    return html.escape(str(value))


def _local(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
