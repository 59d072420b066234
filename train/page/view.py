"""What the Train tab says, as HTML: how the trainings are, and what is about to be added."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from nst_core.duration import duration, rough_duration
from nst_core.errors import ImageError
from nst_core.jobs import Job
from serve.page_words import box, escaped, note
from train.night.loss_curve import draw_curve, read_curve
from train.page.pictures import sample, strip, thumbnail
from train.page.trainings import PAINTINGS, State
from train.page.words import clock, count_of
from train.photos.files import FIXED_STRENGTHS
from train.style.progress import Report

MOST_SHOWN = 24
"""Finished styles; the report has all of them."""


def draw_now(state: State, now: datetime) -> str:
    """The painting that is being learned, or what could be done."""
    job = state.current
    if job is None:
        return _idle(state)
    waiting = len(state.waiting)
    over = ["being learned", f"{waiting} more {'waits' if waiting == 1 else 'wait'}" if waiting else ""]
    over.append(f"all done about {clock(state.now.ends, now)}" if state.now and state.now.ends else "")
    report = state.report
    share = f"{report.share:.0%}" if report else "0%"
    figures = "".join(f"<span>{escaped(part)}</span>" for part in _figures(report))
    return (
        f'<section class="now"><p class="soft">{escaped(_joined(over))}</p><h2>{_title(job)}</h2>'
        f'<div class="bar" role="progressbar" aria-label="{escaped(job.spec["title"])}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{share[:-1]}"><i style="width:{share}"></i></div>'
        f'<p class="figures small">{figures}</p></section>'
    )


def _figures(report: Report | None) -> Iterator[str]:
    if report is None:
        yield "starting: the photos are read, the networks loaded"
        return
    yield f"{report.share:.0%}"
    yield f"step {report.step}" + (f" of {report.steps}" if report.steps else "")
    if report.share > 0.01:
        yield f"{duration(report.seconds * (1 - report.share) / report.share)} left"
    if "style" in report.figures:
        yield f"style error {report.figures['style']:.2f}"


def _idle(state: State) -> str:
    """What could be done, where nothing is being learned."""
    if state.at_work:
        return box("Starting", "The next painting is about to be learned.")
    if waiting := state.waiting:
        text, first = "Say how long it may take, and start.", waiting[0]
        if first.begun:
            share = (first.progress or {}).get("share", 0.0)
            text = (
                f"{first.spec['title']} was interrupted at about {share:.0%}. "
                "Start, and it goes on; a minute is lost at most."
            )
        fault = state.now.fault if state.now else None
        return box(
            f"{count_of(len(waiting), 'painting')} to be learned",
            text,
            note(f"The last night ended early: {fault}", wrong=True) if fault else "",
        )
    if any(job.state == "done" for job in state.jobs):
        return box("All is learned", "The styles that were learned are on the wall of the Paint tab.")
    return box(
        "Turn a painting into a style",
        "Drop one or more paintings, say how long each may take, and start. Learning goes on when this page, "
        "or its server, is closed.",
    )


def draw_strip(state: State, folder: Path) -> str:
    """What the painting that is being learned, or else the one learned last, makes of the fixed photos."""
    last = _done_last_first(state)[:1] if not state.at_work else []
    job = next(iter(last), state.current)
    address = job and strip(folder / job.name / "preview.png")
    if not job or not address:
        return ""
    heads = [f"strength {strength:g}" for strength in FIXED_STRENGTHS]
    if len(job.spec["paintings"]) > 1:
        heads = [painting["title"] for painting in job.spec["paintings"]]
    items = "".join(f"<li>{escaped(head)}</li>" for head in ["the photo", *heads])
    title = f"<h3>Learned last <span>{_title(job)}</span></h3>" if last else ""
    picture = f'<img src="{address}" alt="Three photos, and what they are in the style {escaped(job.spec["title"])}">'
    return f'<figure class="strip">{title}<ol class="small soft">{items}</ol>{picture}</figure>'


def draw_losses(state: State, folder: Path) -> str:
    """The losses of the painting that is being learned, over its steps."""
    job = state.current
    return draw_curve(read_curve(folder / job.name / "metrics.csv")) if job else ""


def draw_list(state: State, folder: Path) -> str:
    """What waits, has failed, and is done."""
    failed = [job for job in state.jobs if job.state == "failed"]
    done = _done_last_first(state)
    parts = []
    if waiting := state.waiting:
        parts.append(_head("To be learned", len(waiting)) + f"<ol>{''.join(map(_waiting, waiting))}</ol>")
    if failed:
        rows = "".join(_failed(job, folder) for job in failed)
        parts.append(_head("Failed", len(failed)) + f"<ul>{rows}</ul>")
    if done:
        cards = "".join(_done(job, folder) for job in done[:MOST_SHOWN])
        parts.append(_head("Learned", len(done)) + f'<ul class="cards">{cards}</ul>')
        if len(done) > MOST_SHOWN:
            parts.append(f'<p class="soft small">The report below has all {len(done)}.</p>')
    return "".join(parts)


def _done_last_first(state: State) -> list[Job]:
    done = (job for job in state.jobs if job.state == "done")
    return sorted(done, key=lambda job: (job.ended or "", job.id), reverse=True)


def _head(title: str, count: int) -> str:
    return f"<h3>{title} <span>{count}</span></h3>"


def _waiting(job: Job) -> str:
    share = (job.progress or {}).get("share", 0.0)
    note = f"goes on from about {share:.0%}" if job.begun else ""
    ask = f"Remove {job.spec['title']}, and what it has learned so far?" if job.begun else ""
    return _row(job, f'<p class="small soft">{note}</p>' if note else "", _button("remove", "Remove", job, ask))


def _failed(job: Job, folder: Path) -> str:
    reason = _without_folder(job.reason or "", folder)
    buttons = _button("retry", "Try again", job) + _button("remove", "Remove", job)
    return _row(job, f'<p class="small error">{escaped(reason)}</p>', buttons)


def _row(job: Job, note: str, buttons: str) -> str:
    return f"<li class='row'>{_painting(job)}<div><p>{_title(job)}</p>{note}</div><span>{buttons}</span></li>"


def _done(job: Job, folder: Path) -> str:
    """A finished style: a picture of it, and where to find it."""
    result = job.result or {}
    paintings = job.spec["paintings"]
    there = Path(result["style_path"]).is_file()
    where = "on the wall of the Paint tab" if there else "its file is no longer there"
    address = sample(folder / job.name / "preview.png", len(paintings))
    alt = f"A photo in the style {job.spec['title']}"
    picture = f'<img src="{address}" alt="{escaped(alt)}">' if address else '<div class="blank"></div>'
    ask = f"Take {job.spec['title']} off this list? The style stays on the wall; its training is deleted."
    return (
        f'<li>{picture}<p>{_title(job)}</p><p class="small soft">{rough_duration(job.seconds)}, '
        f"{result['steps']} steps; {where}</p>{_button('remove', 'Take off this list', job, ask)}</li>"
    )


def _button(wish: str, words: str, job: Job, ask: str = "") -> str:
    data = {"wish": wish, "name": job.name} | ({"ask": ask} if ask else {})
    attributes = "".join(f' data-{key}="{escaped(value)}"' for key, value in data.items())
    label = escaped(f"{words}: {job.spec['title']}")
    return f'<button type="button"{attributes} aria-label="{label}">{words}</button>'


def _painting(job: Job) -> str:
    try:
        return f'<img src="{thumbnail(Path(job.spec["paintings"][0]["path"]))}" alt="">'
    except ImageError:
        return '<div class="blank"></div>'


def _title(job: Job) -> str:
    """A style's title, and its artist where that is known."""
    artists = {painting["artist"] for painting in job.spec["paintings"]} - {"unknown"}
    artist = f' <span class="soft small">{escaped(", ".join(sorted(artists)))}</span>' if artists else ""
    return escaped(job.spec["title"]) + artist


def draw_new(about: Mapping[str, Mapping[str, str]]) -> str:
    """The paintings that were dropped, with fields for what their cards will say.

    Args:
        about: what the fields of each path hold: title, artist, license.
    """
    items = []
    for path, texts in about.items():
        painting, name = f'data-painting="{escaped(path)}"', escaped(Path(path).name)
        fields = "".join(
            f'<label>{key.capitalize()}<input type="text" maxlength="200" value="{escaped(value)}" '
            f'{painting} data-key="{key}" placeholder="{"" if key == "title" else "unknown"}"></label>'
            for key, value in texts.items()
        )
        leave = f'<button type="button" {painting} aria-label="Leave out: {name}">Leave out</button>'
        picture = f'<img src="{thumbnail(Path(path))}" alt="{name}">'
        items.append(f'<li class="new"><div>{picture}{leave}</div><div class="fields">{fields}</div></li>')
    return f"<ul>{''.join(items)}</ul>" if items else ""


def draw_report(path: Path) -> str:
    """The report of all styles, in a frame where nothing can run."""
    try:
        page = path.read_text(encoding="utf-8")
    except OSError:
        return note("There is no report yet: it is written when the first style is done.")
    page = escaped(_without_folder(page, path.parent))
    return f'<iframe sandbox="" title="Report of all that was learned" srcdoc="{page}"></iframe>'


def _without_folder(text: str, folder: Path) -> str:
    """What a visitor reads need not tell where on this machine the paintings are."""
    return text.replace(f"{folder / PAINTINGS}{os.sep}", "")


def _joined(parts: list[str]) -> str:
    return " · ".join(part for part in parts if part)
