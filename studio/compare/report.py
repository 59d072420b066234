"""What a comparison found, as a page that opens from disk without network, as JSON, and as one picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nst_core.files import write_bytes
from nst_core.picture import write_picture
from studio.compare.comparison import Comparison
from studio.compare.report_html import page_html
from studio.compare.report_pictures import data_uri, shown_pictures
from studio.compare.report_strip import draw_strip
from studio.compare.report_words import headline, notes

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
    measured_under = comparison.measured_under
    others = {name: equal for name, equal in comparison.fast.equal.items() if name != measured_under}
    write_json(folder / FIGURES, comparison.to_json())
    write_picture(draw_strip(pictures), folder / STRIP)
    data = {
        **comparison.to_json(),
        "headline": headline(measured_under, comparison.equal, comparison.speed_up, "on this picture"),
        "notes": notes(measured_under, comparison.trained_under, others),
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
