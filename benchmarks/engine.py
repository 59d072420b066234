"""What the engine adds to the bare network, and what pictures of any size take.

    impasto bench engine [--provider cpu]

The photo is a wall of those that scikit-image brings along, cut to each size. Each of the large pictures is painted in
a process of its own, for its peak memory; the baseline of 12 megapixels is Johnson's network of width 32, the whole
picture at once in ONNX Runtime. Tiles are compared with the whole picture painted at once, on the same provider in
float32: PSNR, and the error along the borders of tiles as a multiple of the mean error.

Takes: 10 minutes, and 12 GB of memory.
Needs: nothing.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import skimage.data
from harness import argument_parser, median_seconds, record, run, run_apart, seconds
from skimage.metrics import structural_similarity

from models.catalog import find_style
from models.onnx_graph import OnnxGraph
from nst_core.picture import Picture, write_picture
from nst_core.tiling import Tile, plan_tiles
from serve.engine import Engine
from serve.paint_options import PaintOptions
from serve.providers import ComputeOptions, choose_provider
from serve.tiled_network import HALO_PX, TiledNetwork

STYLES = ("starry_night", "udnie")
ROUNDS = 31
PICTURES = 1000


def scene(width: int, height: int) -> Picture:
    """A photo of that size, with detail down to the pixel."""
    photos = [getattr(skimage.data, name)() for name in ("coffee", "astronaut", "chelsea", "rocket")]
    cells = [Picture(photo).resized(600, 400).pixels for photo in photos]
    rows = [np.hstack([cells[(i + j) % 4] for j in range(-(-width // 600))]) for i in range(-(-height // 400))]
    return Picture(np.ascontiguousarray(np.vstack(rows)[:height, :width]), name="scene.png")


def overhead(provider: str) -> dict[str, float]:
    """Array to array at 512 px, beside the network alone; they take turns."""
    compute = ComputeOptions(provider)  # type: ignore[arg-type]
    engine, style, picture = Engine(compute), find_style(STYLES[0]), scene(512, 512)
    network = choose_provider(compute).open(style.path.read_bytes())
    feeds = {"photo": picture.as_float().transpose(2, 0, 1)[None].copy(), "strength": np.ones(1, np.float32)}
    ways = {"network": lambda: network(["painting"], feeds), "engine": lambda: engine.stylize(picture, style)}
    medians = median_seconds(ways, ROUNDS)
    figures = {way: round(median, 4) for way, median in medians.items()}
    return {**figures, "ratio": round(medians["engine"] / medians["network"], 2)}


def cold(provider: str) -> dict[str, float]:
    """From typing `impasto paint` to the file on disk, 512 px, start of the program included; median of five."""
    with tempfile.TemporaryDirectory() as folder:
        photo, out = Path(folder) / "photo.jpg", Path(folder) / "out.png"
        write_picture(scene(512, 512), photo)
        words = ["paint", photo, "--style", STYLES[0], "--provider", provider, "-o", out]
        command = [sys.executable, "-m", "impasto.main", *words]
        times = [seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(5)]
    return {"seconds": round(statistics.median(times), 2)}


def tiles(width: int, height: int) -> dict[str, Any]:
    """Tiles against the whole at the finest brush, in float32."""
    photo = scene(width, height).as_float()
    return {name: _tiles_of(name, photo) for name in STYLES}


def _tiles_of(name: str, photo: np.ndarray) -> dict[str, float]:
    provider, path = choose_provider(ComputeOptions("cpu")), find_style(name).path
    feeds, out = {"strength": np.ones(1, np.float32)}, np.empty_like(photo)
    tiled = TiledNetwork(OnnxGraph.read(path), provider.open, feeds)
    plan = plan_tiles(photo.shape[0], photo.shape[1], HALO_PX, tiled.layout.align, 1_000_000)

    def put(tile: Tile, core: np.ndarray) -> None:
        out[tile.top : tile.bottom, tile.left : tile.right] = core

    def crop(tile: Tile) -> np.ndarray:
        return photo[tile.crop_top : tile.crop_bottom, tile.crop_left : tile.crop_right]

    in_tiles = seconds(lambda: tiled.paint(plan, crop, feeds, put, lambda share: None))
    network, values = provider.open(path.read_bytes()), np.ascontiguousarray(photo.transpose(2, 0, 1)[None])
    began = time.perf_counter()
    (painting,) = network(["painting"], {"photo": values, **feeds})
    at_once = time.perf_counter() - began
    whole = painting[0].transpose(1, 2, 0)
    error = np.abs(out - whole).mean(2)
    borders = sorted({tile.left for tile in plan.tiles} - {0})
    along = np.mean([error[:, x - 1 : x + 1].mean() for x in borders])
    return {
        "tiles": len(plan.tiles),
        "psnr_db": round(10 * float(np.log10(1 / np.mean((out - whole) ** 2, dtype=np.float64))), 1),
        "border_error_ratio": round(float(along / error.mean()), 2),
        "seconds": round(in_tiles, 2),
        "whole_seconds": round(at_once, 2),
    }


def preview_and_print(provider: str) -> dict[str, float]:
    """Structural similarity of a preview of 500 px and a print of 4,000 px made as small."""
    engine, photo = Engine(ComputeOptions(provider)), scene(4000, 3000)  # type: ignore[arg-type]
    found = {}
    for name in STYLES:
        for brush in (0.5, 1.0, 2.0):
            preview = engine.stylize(photo, find_style(name), PaintOptions(size=500, brush_size=brush))
            large = engine.stylize(photo, find_style(name), PaintOptions(brush_size=brush)).resized(500, 375)
            similar = structural_similarity(preview.as_float(), large.as_float(), channel_axis=-1, data_range=1)
            found[f"{name}, brush {brush:g}"] = round(float(similar), 3)  # type: ignore[arg-type]
    return found


def large(provider: str, width: int, height: int, brush: float, memory_limit: int) -> dict[str, Any]:
    """One picture, in a process of its own."""
    return _apart("paint", provider, width, height, brush, memory_limit)


def johnson(width: int, height: int) -> dict[str, Any]:
    """The baseline: Johnson's network, the whole picture at once."""
    return _apart("johnson", "cpu", width, height, 1.0, 0)


def many(provider: str) -> dict[str, float]:
    """Memory over a thousand pictures of mixed sizes in all styles, in a process of its own."""
    return _apart("many", provider, 0, 0, 1.0, 0)


def _apart(what: str, *arguments: object) -> dict[str, Any]:
    done = run_apart(__file__, "--apart", what, *map(str, arguments))
    return {"peak_gb": round(done.peak_bytes / 1e9, 2), **json.loads(done.output.splitlines()[-1])}


def paint_here(provider: str, width: int, height: int, brush: float, memory_limit: int) -> Mapping[str, Any]:
    engine, photo = Engine(ComputeOptions(provider), memory_limit), scene(width, height)  # type: ignore[arg-type]
    style, options = find_style(STYLES[0]), PaintOptions(brush_size=brush)
    plan = engine.plan(photo, style, options)
    took = seconds(lambda: engine.stylize(photo, style, options))
    planned = {"levels": plan.levels, "planned_gb": round(plan.peak_bytes / 1e9, 2)}
    return {"seconds": round(took, 2), **planned}


def johnson_here(width: int, height: int) -> Mapping[str, Any]:
    import onnxruntime
    from apply import export

    with tempfile.TemporaryDirectory() as folder:
        model = export("johnson", Path(folder)).path.read_bytes()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    photo = np.ascontiguousarray(scene(width, height).as_float().transpose(2, 0, 1)[None])
    took = seconds(lambda: session.run(["painting"], {"photo": photo, "strength": np.ones(1, np.float32)}))
    return {"seconds": round(took, 2)}


def many_here(provider: str) -> Mapping[str, Any]:
    from models.catalog import styles

    engine, all_styles, process = Engine(ComputeOptions(provider)), styles(), psutil.Process()  # type: ignore[arg-type]
    random, memory = np.random.default_rng(0), []
    whole = scene(900, 900)
    for number in range(PICTURES):
        width, height = random.integers(64, 900, 2)
        photo = Picture(np.ascontiguousarray(whole.pixels[:height, :width]))
        engine.stylize(photo, all_styles[number % len(all_styles)])
        memory.append(process.memory_info().rss)
    second, last = (statistics.mean(memory[part]) / 1e9 for part in (slice(100, 200), slice(-100, None)))
    return {"second_hundred_gb": round(second, 3), "last_hundred_gb": round(last, 3), "ratio": round(last / second, 3)}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--provider", default="auto", choices=["auto", "openvino", "cpu"])
    parser.add_argument("--apart", nargs=6, metavar=("WHAT", "PROVIDER", "W", "H", "BRUSH", "BYTES"), help="for itself")
    options = parser.parse_args()
    if options.apart:
        what, provider, *numbers = options.apart
        width, height, brush, limit = int(numbers[0]), int(numbers[1]), float(numbers[2]), int(numbers[3])
        ways = {
            "paint": lambda: paint_here(provider, width, height, brush, limit),
            "johnson": lambda: johnson_here(width, height),
            "many": lambda: many_here(provider),
        }
        print(json.dumps(ways[what]()))
        return
    provider = choose_provider(ComputeOptions(options.provider)).name
    figures: dict[str, Any] = {"provider": provider}
    measures: dict[str, Callable[[], Any]] = {
        "512_px_warm": lambda: overhead(provider),
        "paint_command_cold": lambda: cold(provider),
        "tiles_4_mp": lambda: tiles(2309, 1732),
        "tiles_12_mp": lambda: tiles(4000, 3000),
        "preview_and_print_ssim": lambda: preview_and_print(provider),
        "12_mp": lambda: large(provider, 4000, 3000, 1.0, 1_500_000_000),
        "12_mp_finer_brush": lambda: large(provider, 4000, 3000, 0.25, 1_500_000_000),
        "12_mp_johnson_whole": lambda: johnson(4000, 3000),
        "100_mp": lambda: large(provider, 12_000, 8334, 1.0, 3_500_000_000),
        "thousand_pictures": lambda: many(provider),
    }
    for name, measure in measures.items():
        figures[name] = measure()
        print(name, figures[name], flush=True)
    record(f"engine_{provider}", figures)


if __name__ == "__main__":
    run(main)
