"""What a comparison found, as a page that opens from disk without network, as JSON, and as one picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nst_core.files import write_bytes
from nst_core.picture import write_picture
from studio.comparison import Comparison
from studio.report_html import page_html
from studio.report_pictures import data_uri, shown_pictures
from studio.report_strip import draw_strip

PAGE, FIGURES, STRIP = "compare.html", "compare.json", "strip.png"
"""In the folder of a comparison."""


def write_report(comparison: Comparison, folder: Path) -> Path:
    """Writes `compare.html`, `compare.json` and `strip.png`, each whole or not at all.

    Returns:
        The page.

    Raises:
        NstError: The folder cannot be written to, or the disk is full.
    """
    pictures = list(shown_pictures(comparison))
    write_json(folder / FIGURES, comparison.to_json())
    write_picture(draw_strip(pictures), folder / STRIP)
    data = {
        **comparison.to_json(),
        "headline": headline(comparison),
        "notes": notes(comparison),
        "ratio": pictures[0].picture.width / pictures[0].picture.height,
        "pictures": [
            {"key": shown.key, "title": shown.title, "seconds": shown.seconds, "source": data_uri(shown.picture)}
            for shown in pictures
        ],
    }
    write_bytes(folder / PAGE, page_html("report", data).encode())
    return folder / PAGE


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes JSON that people can read, too.

    Raises:
        NstError: The folder cannot be written to, or the disk is full.
    """
    write_bytes(path, json.dumps(data, indent=1).encode() + b"\n")


def headline(comparison: Comparison) -> str:
    """Which iteration of the optimizer the fast picture equals, in which share of the time."""
    equal, speed_up = comparison.equal, comparison.speed_up
    if speed_up is None:
        return (
            "This network is not comparable with the optimizer on this picture: "
            "its loss is no lower than where the optimizer began."
        )
    less = "less than " if equal.standing == "beyond the curve" else ""
    return f"This network equals {equal} iterations of the optimizer on this picture, in {less}{share_text(speed_up)}."


def share_text(speed_up: float) -> str:
    """As `1/900 of the time`; where it is hardly faster, in percent."""
    return f"1/{speed_up:,.0f} of the time" if speed_up >= 2 else f"{100 / speed_up:,.0f} % of the time"


def notes(comparison: Comparison) -> list[str]:
    """What the headline was measured under, and what other loss networks say."""
    measured, trained = comparison.measured_under, comparison.trained_under
    others = {name: equal for name, equal in comparison.fast.equal.items() if name != measured}
    if measured != trained:
        said = [f"Measured under {measured}; the network was trained with {trained}."]
    elif others:
        said = [f"Measured under {measured}, the network it was trained with."]
    else:
        other = "vgg16" if trained == "vgg19" else "vgg19"
        said = [
            f"Measured under {measured}, the network it was trained with; "
            f"`impasto weights get {other}` and --painting add another view."
        ]
    for name, equal in others.items():
        said.append(
            f"Under {name} it is not comparable: its loss is no lower than where the optimizer began."
            if equal.iterations is None
            else f"Under {name} it equals {equal} iterations."
        )
    return said
