"""A picture painted in tiles is the picture painted whole: the same moments, no seams."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from toy_style import toy_card, write_toy_style

from models.catalog import find_style
from models.onnx_graph import OnnxGraph
from models.registry import build
from nst_core.tiling import Tile, TilePlan, plan_tiles
from serve.providers import ComputeOptions, Network, Provider
from serve.tiled_network import HALO_PX, Feeds, TiledNetwork, lay_out
from train.style.export import export_style

CPU = Provider("cpu", ComputeOptions("cpu", threads=1), {})


FEEDS = {"strength": np.array([0.8], np.float32), "weights": np.array([0.3, 0.7], np.float32)}


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A style of two paintings with random weights, of each network."""
    folder = tmp_path_factory.mktemp("styles")
    for network, options in (("swift", None), ("johnson", {"width": 8, "blocks": 2})):
        torch.manual_seed(0)
        built = build(network, options, 2)
        built.table.data += 0.3 * torch.randn_like(built.table)
        export_style(built, toy_card(network, 2), folder / f"{network}.onnx")
    return {path.stem: path for path in folder.iterdir()}


def photo(height: int, width: int) -> np.ndarray:
    """A photo whose parts differ, so that no tile has the moments of the whole."""
    return np.ascontiguousarray(np.tile(skimage.data.coffee(), (2, 2, 1))[:height, :width] / np.float32(255))


def paint_tiled(network: TiledNetwork, picture: np.ndarray, feeds: Feeds, plan: TilePlan) -> np.ndarray:
    out = np.full_like(picture, np.nan)
    told: list[float] = []

    def crop(tile: Tile) -> np.ndarray:
        return picture[tile.crop_top : tile.crop_bottom, tile.crop_left : tile.crop_right]

    def put(tile: Tile, core: np.ndarray) -> None:
        out[tile.top : tile.bottom, tile.left : tile.right] = core

    network.paint(plan, crop, feeds, put, told.append)
    assert told == sorted(told) and told[-1] == pytest.approx(1)
    return out


def paint_whole(network: Network, picture: np.ndarray, feeds: Feeds) -> np.ndarray:
    (painting,) = network(["painting"], {"photo": np.ascontiguousarray(picture.transpose(2, 0, 1)[None]), **feeds})
    return painting[0].transpose(1, 2, 0)


@pytest.mark.parametrize("network", ["swift", "johnson"])
@pytest.mark.parametrize(("height", "width"), [(400, 600), (397, 603), (60, 700)])
def test_tiles_are_the_whole(styles: dict[str, Path], network: str, height: int, width: int):
    path = styles[network]
    tiled = TiledNetwork(OnnxGraph.read(path), CPU.open, FEEDS)
    plan = plan_tiles(height, width, HALO_PX, tiled.layout.align, 200 * 200)
    assert len(plan.tiles) >= 2
    picture = photo(height, width)
    found = paint_tiled(tiled, picture, FEEDS, plan)
    assert np.abs(found - paint_whole(CPU.open(path.read_bytes()), picture, FEEDS)).max() < 2e-4


def test_trained_style_in_tiles_and_with_moments_of_a_thumbnail():
    path, feeds = find_style("starry_night").path, {"strength": np.ones(1, np.float32)}
    whole, picture = CPU.open(path.read_bytes()), photo(640, 960)
    tiled = TiledNetwork(OnnxGraph.read(path), CPU.open, feeds)
    plan = plan_tiles(640, 960, HALO_PX, tiled.layout.align, 320 * 320)
    wanted = paint_whole(whole, picture, feeds)
    found = paint_tiled(tiled, picture, feeds, plan)
    assert 10 * np.log10(1 / np.mean((found - wanted) ** 2)) > 80
    # No seam: along the borders of tiles it differs no more than elsewhere.
    error = np.abs(found - wanted).mean(2)
    borders = sorted({tile.left for tile in plan.tiles} - {0})
    assert np.mean([error[:, x - 1 : x + 1].mean() for x in borders]) < 3 * error.mean()


def test_layout_of_both_networks(styles: dict[str, Path]):
    swift = lay_out(OnnxGraph.read(styles["swift"]), CPU.open, FEEDS)
    assert [norm.stride for norm in swift.norms] == [2, 4, *[8] * 9, 4, 2]
    assert (swift.trunk, swift.align, swift.margin) == (range(2, 11), 8, 8)
    johnson = lay_out(OnnxGraph.read(styles["johnson"]), CPU.open, FEEDS)
    assert [norm.stride for norm in johnson.norms] == [1, 2, *[4] * 5, 2, 1]
    assert (johnson.trunk, johnson.align, johnson.margin) == (range(2, 7), 4, 0)


def test_network_without_norms_is_tiled_too(tmp_path: Path):
    write_toy_style(tmp_path / "toy.onnx")
    feeds = {"strength": np.ones(1, np.float32)}
    tiled = TiledNetwork(OnnxGraph.read(tmp_path / "toy.onnx"), CPU.open, feeds)
    picture = photo(300, 300)
    found = paint_tiled(tiled, picture, feeds, plan_tiles(300, 300, HALO_PX, 8, 150 * 150))
    whole = CPU.open((tmp_path / "toy.onnx").read_bytes())
    assert np.array_equal(found, paint_whole(whole, picture, feeds))
