"""Advice on many pictures as a page that opens from disk, with pictures of what was seen, and as JSON."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from nst_core.files import write_bytes
from nst_core.picture import write_picture
from studio.advise.advice import Advice, Looked
from studio.advise.crops import Box
from studio.advise.report_pictures import crop_pictures, data_uri, seen_pictures, with_crops

STYLE = Path(__file__).with_name("page") / "advise.css"
MAIN_PX = 560
"""Long side of the picture itself, in the page."""
TITLES = {"style": "What makes a good style", "content": "What makes a good photo to paint"}
INTRODUCTIONS = {
    "style": "A style works like a wallpaper: calm areas broken by sharp changes of value, then of hue, then of "
    "saturation, broad enough to survive at the size it is painted at.",
    "content": "A photo paints well that has one strong subject, set off from its ground, and clear large forms.",
}


def write_json(advices: Sequence[Advice], path: Path, skipped: Sequence[str]) -> None:
    """Writes all figures as JSON.

    Raises:
        NstError: The folder cannot be written to, or the disk is full.
    """
    data: dict[str, Any] = {"advice": [advice.to_json() for advice in advices], "skipped": list(skipped)}
    write_bytes(path, json.dumps(data, indent=1).encode() + b"\n")


def write_crops(looked: Looked, folder: Path, name: str) -> list[Path]:
    """Writes the suggested crops, of the picture's own pixels, as PNG.

    Raises:
        NstError: The folder cannot be written to, or the disk is full.
    """
    paths = []
    for number, crop in enumerate(looked.advice.crops, 1):
        paths.append(folder / f"{name}-crop{number}.png")
        write_picture(crop.box.of(looked.picture), paths[-1])
    return paths


def write_page(advices: Sequence[Advice], articles: Sequence[str], path: Path) -> None:
    """Writes the page, which needs nothing around it.

    Args:
        advices: in their order.
        articles: the `article` of each.
        path: the file.

    Raises:
        NstError: The folder cannot be written to, or the disk is full.
    """
    style = STYLE.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    purpose = advices[0].purpose
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<title>Impasto: advice on {purpose}</title><link rel="icon" href="data:,">',
        f"<style>{style}</style></head><body>",
        f'<header><p class="brand">Impasto</p><h1>{TITLES[purpose]}</h1><p>{INTRODUCTIONS[purpose]}</p>',
        f'<p class="quiet">{len(advices)} looked at, {advices[0].size} px wide or high.</p></header><main>',
    ]
    if len(advices) > 1:
        parts.append(f'<ol class="list">{"".join(map(_line, range(len(advices)), advices))}</ol>')
    parts += [f'<div id="p{number}">{article}</div>' for number, article in enumerate(articles)]
    parts.append("</main></body></html>\n")
    write_bytes(path, "\n".join(parts).encode())


def _class(advice: Advice) -> str:
    return advice.verdict.kind.replace(" ", "-")


def _line(number: int, advice: Advice) -> str:
    return (
        f'<li class="{_class(advice)}"><a href="#p{number}"><span class="score">{advice.score:.0f}</span>'
        f"<span><strong>{escape(advice.name)}</strong> {_verdict(advice)}</span></a></li>"
    )


def _verdict(advice: Advice) -> str:
    return f'<span class="kind">{advice.verdict.kind}</span>: {escape(advice.verdict.because)}'


def article(looked: Looked) -> str:
    """What the page shows of one picture."""
    advice, picture = looked.advice, looked.picture
    name = escape(advice.name)
    instead = f'<p class="verdict">Better as {escape(advice.verdict.instead)}.</p>' if advice.verdict.instead else ""
    seen = "".join(_figure(data_uri(shown), caption, f"{caption}: {name}") for caption, shown in seen_pictures(looked))
    crops = "".join(
        _figure(data_uri(shown), f"{crop.score:.0f}, {crop.verdict}; {_box(crop.box)}", f"Crop of {advice.name}")
        for crop, shown in zip(advice.crops, crop_pictures(looked), strict=True)
    )
    return (
        f'<article class="{_class(advice)}"><div class="head"><div class="score">{advice.score:.0f}</div>'
        f'<div><h2>{name}</h2><p class="verdict">{_verdict(advice)}</p>{instead}</div></div><div class="two">'
        + _figure(data_uri(with_crops(looked), MAIN_PX), f"{picture.width} × {picture.height} px", advice.name)
        + _reasons(advice)
        + f'</div><div class="seen">{seen}</div>'
        + (f'<h3>Crops that score better</h3><div class="seen">{crops}</div>' if crops else "")
        + "</article>"
    )


def _box(box: Box) -> str:
    return f"{box.right - box.left} × {box.bottom - box.top} px from {box.left}, {box.top}"


def _figure(source: str, caption: str, alternative: str) -> str:
    return (
        f'<figure><img src="{source}" alt="{escape(alternative)}"><figcaption>{escape(caption)}</figcaption></figure>'
    )


def _reasons(advice: Advice) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(reason.name)}</th><td class="figure">{reason.figure:.2f}</td>'
        f'<td class="bar"><meter value="{reason.good:.2f}">{reason.good:.0%}</meter></td>'
        f"<td>{escape(reason.text)}</td></tr>"
        for reason in advice.reasons
    )
    return (
        '<table><thead><tr><th scope="col">measured</th><th scope="col">figure</th><th scope="col">speaks for it</th>'
        f'<th scope="col"><span class="hidden">what it is</span></th></tr></thead><tbody>{rows}</tbody></table>'
    )
