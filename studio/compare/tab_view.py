"""What the Compare tab says, as HTML: what can be chosen, both pictures, and which iteration the fast one equals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from models.catalog import Style
from nst_core.duration import duration
from nst_core.picture import Picture, fit_long_side
from serve.page import EXAMPLES, PREFIX
from serve.page_words import box, escaped
from studio.compare.comparison import CurveRecord, curve_json, seconds_at
from studio.compare.report_pictures import data_uri, opaque, seconds_text
from studio.compare.report_words import headline
from studio.compare.tab_match import OPTIONS, Match, Visitor

THUMBNAIL_PX = 320
"""Long side of the photo among the choices."""


def draw_photos(photo: Picture | None) -> str:
    """The example photos, and the one that is chosen."""
    shown = photo.name if photo else ""
    items = "".join(
        f'<button type="button" data-photo="{example}" aria-pressed="{_yes(shown == example)}">'
        f'<img src="{PREFIX}/examples/{PurePath(example).stem}" alt="{PurePath(example).stem}"></button>'
        for example in EXAMPLES
    )
    own = ""
    if photo is not None and photo.name not in EXAMPLES:
        size = fit_long_side(photo.width, photo.height, THUMBNAIL_PX)
        own = f'<img class="own" src="{data_uri(opaque(photo.resized(*size)))}" alt="{escaped(photo.name)}">'
    return f'<div class="examples"><span class="soft small">or</span>{items}</div>{own}'


def draw_styles(styles: Sequence[Style], chosen: Style | None) -> str:
    """All styles, each with its picture."""
    cards = "".join(
        f'<button type="button" data-style="{escaped(style.name)}" '
        f'aria-pressed="{_yes(chosen is not None and style.name == chosen.name)}">'
        f'<img src="api/v1/styles/{quote(style.name)}/thumbnail" alt="" loading="lazy">'
        f"<span>{escaped(style.card.title)}</span></button>"
        for style in styles
    )
    return f'<h3>Style</h3><div class="wall">{cards}</div>'


def _yes(is_so: bool) -> str:
    return "true" if is_so else "false"


def draw_pictures(visitor: Visitor) -> str:
    """The fast picture, and the slow one beside it."""
    match = visitor.match
    if match is None:
        missing = [what for what, chosen in (("a photo", visitor.photo), ("a style", visitor.style)) if chosen is None]
        return box(
            "The small network against the optimizer",
            f"Choose {' and '.join(missing or ['another photo or style'])}. The network paints at once; the optimizer "
            "that it was distilled from develops its picture beside it, and you see how long it takes to be as good.",
        )
    seconds = f", {seconds_text(match.race.fast_seconds)}" if match.race else ""
    fast = _figure(match.fast, "Fast", f"the network{seconds}")
    if match.slow is None or match.race is None:
        ratio = f"{match.fast.width} / {match.fast.height}"
        words = "waits for its turn" if match.running else "has not begun"
        slow = f'<div class="blank" style="aspect-ratio: {ratio}"></div><figcaption><b>Slow</b> {words}</figcaption>'
    else:
        iterations, picture = match.slow
        took = seconds_text(match.race.slow.points[iterations].seconds)
        slow = _figure(picture, "Slow", f"the optimizer, iteration {iterations}, {took}")
    return f'<div class="pictures"><figure>{fast}</figure><figure>{slow}</figure></div>'


def _figure(picture: Picture, name: str, words: str) -> str:
    image = f'<img src="{data_uri(opaque(picture))}" alt="{name}" width="{picture.width}" height="{picture.height}">'
    return f"{image}<figcaption><b>{name}</b> {words}</figcaption>"


def draw_standing(match: Match, before: int = 0) -> str:
    """Which iteration the fast picture equals, and how far the optimizer is.

    Args:
        match: what is compared.
        before: how many others have the machine before this one.
    """
    if match.race is None or not match.race.slow.points:
        return _queued(before) if match.running else ""
    points = match.race.slow.points
    iterations = match.race.slow.iterations
    losses = points[-1].losses
    figures = [f"{iterations} of {OPTIONS.iterations} iterations", f"loss under {losses.network} {losses.total:.3g}"]
    figures.append(f"{points[-1].seconds / max(1, iterations):.2f} s each")
    if match.running and not before:
        figures.append("stopping…" if match.stopping else f"{duration(match.seconds_left)} left")
    share = f"{iterations / OPTIONS.iterations:.1%}"
    spans = "".join(f"<span>{figure}</span>" for figure in figures)
    return (
        f'<section class="now"><h2 role="status">{standing(match)}</h2>{_queued(before)}'
        f'<div class="bar" role="progressbar" aria-label="Iterations of the optimizer" aria-valuemin="0" '
        f'aria-valuemax="{OPTIONS.iterations}" aria-valuenow="{iterations}"><i style="width:{share}"></i></div>'
        f'<p class="figures small">{spans}</p></section>'
    )


def _queued(before: int) -> str:
    if not before:
        return ""
    others = "another comparison is" if before == 1 else f"{before} other comparisons are"
    return f'<p role="status">You are number {before + 1} in line: {others} at work on this machine.</p>'


def standing(match: Match) -> str:
    """The fast picture against the curve so far, in a sentence."""
    race = match.race
    assert race is not None
    equal, fast = race.equal, race.fast_losses[OPTIONS.network].total
    if equal.standing == "beyond the curve" and not match.is_done:
        best = min(loss for _, loss in race.slow.losses())
        return f"The optimizer is not there yet: loss {best:.3g}, the fast picture’s is {fast:.3g}"
    speed_up = None
    if equal.iterations is not None:
        speed_up = seconds_at(race.slow.points, equal.iterations) / race.fast_seconds
    return headline(OPTIONS.network, equal, speed_up, "on this picture")


def curve_data(match: Match | None) -> dict[str, Any]:
    """What the script draws the curve from."""
    if match is None or match.race is None or not match.race.slow.points:
        return {}
    race = match.race
    return {
        "curves": [curve_json(CurveRecord("slow", OPTIONS.start, race.slow.points))],
        "fast": {"seconds": race.fast_seconds, "total": race.fast_losses[OPTIONS.network].total},
    }
