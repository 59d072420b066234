"""How good the styles are, by a judge that is not ours, beside well-known pretrained networks.

    impasto bench style_quality --photos DIR --paintings DIR --judge judge.py --anchors DIR

For each style (the shipped ones, unless --styles names others) whose painting lies in --paintings under the
style's name: the judge's style, content and J of all photos at strength 1, mean over them. `figures.json` in
--anchors holds the same for networks by others, for the same photos. The judge is run as a program:
`judge.py score PHOTO PAINTING OUT ...` prints one JSON object a line. The pictures are kept in --work, to be looked at.

Takes: a minute a style.
Needs: photos, paintings under the styles' names, a judge, and at will figures of others.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from harness import argument_parser, judge, record, run

from models.catalog import Style, find_style, styles
from nst_core.picture import find_pictures, fit_long_side, read_picture, write_picture
from serve.engine import Engine
from serve.providers import ComputeOptions

SIZE_PX = 512


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--photos", type=Path, required=True, nargs="+")
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--anchors", type=Path)
    parser.add_argument("--styles", nargs="*", default=[])
    parser.add_argument("--work", type=Path, default=Path("out/style_quality"))
    parser.add_argument("--name", default="style_quality", help="of the file of results")
    options = parser.parse_args()
    chosen = [find_style(name) for name in options.styles] or styles()
    known = {path.stem: path for path in find_pictures([options.paintings])}
    photos = find_pictures(options.photos)
    anchors = json.loads((options.anchors / "figures.json").read_text()) if options.anchors else {}
    by_painting = {anchor["painting"]: anchor["mean"]["J"] for anchor in anchors.values()}
    rows = {}
    for style in chosen:
        if style.name in known:
            rows[style.name] = row = mean_scores(style, known[style.name], photos, options.judge, options.work)
            row |= {"steps": style.card.steps, "seconds": style.card.seconds}
            if style.name in by_painting:
                row |= {"anchor_J": by_painting[style.name], "ratio": round(row["J"] / by_painting[style.name], 3)}
            print(style.name, row, flush=True)
    record(options.name, {"photos": len(photos), "size_px": SIZE_PX, "styles": rows})


def mean_scores(style: Style, painting: Path, photos: list[Path], script: Path, work: Path) -> dict[str, float]:
    """The judge's figures of all photos in a style, mean over them."""
    engine = Engine(ComputeOptions("cpu"))
    lines: list[dict[str, float]] = []
    for photo in photos:
        picture = read_picture(photo)
        out = work / style.name / f"{photo.stem}.png"
        sized = picture.resized(*fit_long_side(picture.width, picture.height, SIZE_PX))
        write_picture(engine.stylize(sized, style), out)
        lines += judge(script, "score", photo, painting, out, "--size", str(SIZE_PX))
    return {key: round(statistics.mean(line[key] for line in lines), 4) for key in ("style", "content", "J")}


if __name__ == "__main__":
    run(main)
