"""The losses of a training as a drawing (SVG) that needs nothing around it."""

from __future__ import annotations

import csv
import html
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

LINES = ("loss", "content", "style")
"""Columns that are drawn, where they are there; each has its class, for the color."""
POINTS = 200
"""Of a line; more are averaged."""
WIDTH, HEIGHT = 480, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 26, 24
"""Margins for the words."""

Curve = Mapping[str, Sequence[float]]


def read_curve(path: Path) -> Curve:
    """The columns `step` and `LINES` of a `metrics.csv`, as far as they are there; lines with gaps are left out."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return {}
    names = [name for name in ("step", *LINES) if rows and name in rows[0]]
    points = [point for row in rows if (point := _numbers(row, names))]
    return {name: [point[i] for point in points] for i, name in enumerate(names)}


def _numbers(row: Mapping[str, str | None], names: Sequence[str]) -> list[float] | None:
    try:
        numbers = [float(row[name] or "") for name in names]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def draw_curve(curve: Curve) -> str:
    """An `<svg>` with a line for each loss over the steps, the losses in a logarithm; empty where there are none.

    Colors are left to the page: classes `loss`, `content`, `style` and `grid`; words are in `currentColor`.
    """
    steps = _thinned(curve.get("step", ()))
    lines = {name: _thinned(curve[name]) for name in LINES if min(curve.get(name, ()), default=0) > 0}
    if not lines or len(steps) < 2:
        return ""
    low, high = min(map(min, lines.values())), max(map(max, lines.values()))
    low, high = low * 0.9, high * 1.1

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / steps[-1]

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * math.log(high / value) / math.log(high / low)

    parts = [f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="loss curve">']
    for tick in _ticks(low, high):
        parts.append(f'<path class="grid" d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(tick) + 5:.1f}" text-anchor="end">{tick:g}</text>')
    for name, values in lines.items():
        points = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in zip(steps, values, strict=True))
        parts.append(f'<polyline class="{name}" points="{points}"/>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 6}">0</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{curve["step"][-1]:g} steps</text>')
    legend = " ".join(
        f'<tspan class="{name}" dx="12">{html.escape(name)} {lines[name][-1]:.3g}</tspan>' for name in lines
    )
    parts.append(f'<text x="{LEFT - 12}" y="16">{legend}</text></svg>')
    return "".join(parts)


def _thinned(values: Sequence[float]) -> list[float]:
    """Means of neighbors, so that at most `POINTS` are left."""
    count = min(POINTS, len(values))
    ends = [i * len(values) // count for i in range(count + 1)] if count else []
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(ends)]


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two; fewer of them where there would be many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**decade for decade in decades for digit in digits if low <= digit * 10.0**decade <= high]
        if len(ticks) <= 6:
            break
    return ticks
