"""What several comparisons found together, as a page that opens from disk, and as JSON."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nst_core.evaluate import EqualIterations
from nst_core.files import write_bytes
from nst_core.picture import Picture, fit_long_side
from studio.compare.comparison import Comparison
from studio.compare.report import FIGURES, PAGE, write_json
from studio.compare.report_html import page_html
from studio.compare.report_pictures import data_uri, opaque
from studio.compare.report_words import headline, notes

THUMBNAIL_PX, THUMBNAIL_QUALITY = 256, 82


def write_summary(comparisons: Sequence[Comparison], folder: Path, links: Sequence[Path]) -> Path:
    """Writes `compare.html` and `compare.json`, each whole or not at all.

    Args:
        comparisons: of one style or several, under one loss network.
        folder: where to write.
        links: the report of each; the page links to it, relative to the folder.

    Returns:
        The page.

    Raises:
        NstError: The folder cannot be written to, or the disk is full.
    """
    first = comparisons[0]
    equal = median_equal([comparison.equal for comparison in comparisons])
    speed_up = median(comparison.speed_up for comparison in comparisons)
    others = {
        name: median_equal([comparison.fast.equal[name] for comparison in comparisons])
        for name in first.fast.equal
        if name != first.measured_under
    }
    figures = {
        "measured_under": first.measured_under,
        "median_equal_iterations": {"standing": equal.standing, "iterations": equal.iterations},
        "median_speed_up": speed_up,
        "comparisons": [comparison.to_json() for comparison in comparisons],
    }
    styles = len({comparison.style["sha256"] for comparison in comparisons})
    who = "this network" if styles == 1 else f"the median of {styles} networks"
    where = f"on {len(comparisons)} pictures" if styles > 1 else f"on the median of {len(comparisons)} pictures"
    data = {
        **figures,
        "headline": headline(first.measured_under, equal, speed_up, where, who),
        "notes": notes(first.measured_under, first.trained_under, others),
        "cards": [_card(each, styles > 1, folder, link) for each, link in zip(comparisons, links, strict=True)],
    }
    write_json(folder / FIGURES, figures)
    write_bytes(folder / PAGE, page_html("summary", data).encode())
    return folder / PAGE


def median(values: Iterable[float | None]) -> float | None:
    """The median, where what is not known counts as less than all else; None where that is the median."""
    found = statistics.median(float("-inf") if value is None else value for value in values)
    return None if found == float("-inf") else found


def median_equal(equals: Sequence[EqualIterations]) -> EqualIterations:
    """The median of several places on their curves; those beyond count with their curve's length, as the least."""
    middle = median(equal.iterations for equal in equals)
    if middle is None:
        return EqualIterations("not comparable", None)
    least = any(
        equal.standing == "beyond the curve" and equal.iterations is not None and equal.iterations <= middle
        for equal in equals
    )
    return EqualIterations("beyond the curve" if least else "on the curve", middle)


def _card(comparison: Comparison, with_style: bool, folder: Path, link: Path) -> dict[str, Any]:
    """Photo, fast picture and the optimizer's last, with the way to their report."""
    last = comparison.slow()[-1]
    pictures = {"Photo": comparison.photo, "Fast": comparison.fast.picture, last.title: last.picture}
    name = comparison.photo.name
    return {
        "name": f"{name}, {comparison.style['title']}" if with_style else name,
        "link": quote(Path(os.path.relpath(link, folder)).as_posix()),
        "pictures": [{"title": title, "source": _thumbnail(picture)} for title, picture in pictures.items()],
    }


def _thumbnail(picture: Picture) -> str:
    size = fit_long_side(picture.width, picture.height, THUMBNAIL_PX)
    return data_uri(opaque(picture.resized(*size)), THUMBNAIL_QUALITY)
