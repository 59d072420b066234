"""The curve of an optimization, drawn."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nst_core.files import write_bytes


def draw_curve(points: Sequence[Mapping[str, Any]], path: Path, title: str) -> None:
    """Draws the loss and its parts (logarithmic) against seconds, and where each scale begins.

    Args:
        points: of `nst_core.trace.Trace`.
        path: the file to write; its suffix tells the format.
        title: above the drawing.

    Raises:
        NstError: The folder cannot be written to, or the disk is full.
    """
    from matplotlib.figure import Figure  # seconds to import, and seldom wanted

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.add_subplot()
    seconds = [point["seconds"] for point in points]
    axes.plot(seconds, [point["loss"] for point in points], color="black", linewidth=2, label="loss")
    for part in points[-1]["parts"]:
        axes.plot(seconds, [point["parts"][part] for point in points], linewidth=1, label=part)
    for previous, point in zip([None, *points], points, strict=False):
        if previous is None or previous["scale"] != point["scale"]:
            began = previous["seconds"] if previous else 0.0
            axes.axvline(began, color="gray", linewidth=0.8, linestyle=":")
            place = axes.get_xaxis_transform()
            axes.text(began, 1.01, f" {max(point['width'], point['height'])} px", transform=place, color="gray")
    axes.set_yscale("log", nonpositive="mask")  # started from the photo, the content loss is 0 at first
    axes.set(xlabel="seconds", ylabel="loss", xlim=(0, None))
    axes.set_title(title, pad=20)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
    drawn = io.BytesIO()
    figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=120)
    write_bytes(path, drawn.getvalue())
