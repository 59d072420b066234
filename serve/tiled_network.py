"""A network that paints a picture tile by tile, exactly as it would paint it whole, in a fraction of the memory.

Instance norms need the mean and variance of the whole picture, which no tile knows. They are found layer by layer: the
layers on the way down run over the tiles, one pass for each norm, and sum up what it sees. The trunk, the many layers
where the picture is smallest, then runs on the whole picture at once. The layers on the way up again take one pass
for each norm, and one more paints. As a pass runs only the layers that it needs, all of them together cost little more
than a single run over overlapping tiles.

Differs: URST (Chen et al. 2022, arXiv 2103.11784) takes the moments from a thumbnail, which shows as a drift of color
and contrast: 20 to 35 dB from the whole picture painted at once, where this is equal to it but for rounding.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from models.onnx_graph import OnnxGraph
from nst_core.tiling import Tile, TilePlan
from serve.providers import Network

HALO_PX = 32
"""Around a tile: more than the layers outside the trunk see of its surroundings."""
PROBE_PX = 64
"""Side of the picture that shows how the layers' sizes are related."""

Feeds = Mapping[str, np.ndarray]
Crop = Callable[[Tile], np.ndarray]
"""Gives the crop of a tile, (H, W, 3) float32 in [0, 1]."""
Put = Callable[[Tile, np.ndarray], None]
"""Takes the painted core of a tile, (h, w, 3) float32 in [0, 1]."""
Tell = Callable[[float], None]
"""Takes the share of the work that is done, 0 to 1."""


@dataclass(frozen=True)
class Norm:
    """An instance norm."""

    values: str
    """What it normalizes, (B, C, h, w)."""
    channels: slice
    """Its own among those of all norms."""
    stride: int
    """Pixels of the picture for one position."""


@dataclass(frozen=True)
class Layout:
    """What tiling needs to know of a network. What is not part of a trunk has an empty one."""

    norms: tuple[Norm, ...]
    trunk: range
    """The norms at the coarsest stride."""
    bridge: str
    """What the trunk gives to the layers after it."""
    align: int
    """Pixels that the sides of the padded picture are multiples of."""
    margin: int
    """Pixels that the network mirrors onto each side of the picture, beside what alignment takes."""

    @property
    def bytes_per_pixel(self) -> int:
        """Of the picture, that the trunk takes: some copies of what goes into it."""
        if not self.trunk:
            return 0
        first = self.norms[self.trunk.start]
        return -(-TRUNK_COPIES * 4 * (first.channels.stop - first.channels.start) // first.stride**2)


TRUNK_COPIES = 6
"""Of its input, float32, that a trunk holds at once; chosen from the swift network's peaks, with room."""


def lay_out(graph: OnnxGraph, probe: Callable[[bytes], Network], feeds: Feeds) -> Layout:
    """The layout of a style's graph.

    Args:
        graph: of a style file.
        probe: opens a part of it.
        feeds: strength and, of several paintings, weights.
    """
    averaged = (node.inputs[0] for node in graph.nodes if node.operator == "GlobalAveragePool")
    values = [name for name in averaged if (source := graph.producer(name)) and source.operator == "Conv"]
    if not values:
        return Layout((), range(0), "", 1, 0)
    photo = np.zeros((1, 3, PROBE_PX, PROBE_PX), np.float32)
    found = probe(graph.cut(values))(values, {"photo": photo, **feeds})
    heights = [array.shape[2] for array in found]
    align = 1 << math.ceil(math.log2(PROBE_PX / min(heights)))  # the padded picture is no smaller than the photo
    padded = min(heights) * align
    ends = list(itertools.accumulate((array.shape[1] for array in found), initial=0))
    norms = tuple(
        Norm(name, slice(*span), padded // height)
        for name, span, height in zip(values, itertools.pairwise(ends), heights, strict=True)
    )
    inside = [i for i, norm in enumerate(norms) if norm.stride == align]
    trunk = range(inside[0], inside[-1] + 1)
    last = next(i for i, node in enumerate(graph.nodes) if norms[trunk[-1]].values in node.outputs)
    bridge = next(node.inputs[0] for node in graph.nodes[last:] if node.operator == "Resize")
    return Layout(norms, trunk, bridge, align, (padded - PROBE_PX) // 2)


@dataclass(frozen=True)
class _Part:
    """A part of the network, and its work in comparison with others."""

    wanted: str
    inputs: frozenset[str]
    network: Network
    work: int
    """Its convolutions."""

    def __call__(self, feeds: Feeds) -> np.ndarray:
        return self.network([self.wanted], {name: feeds[name] for name in self.inputs & feeds.keys()})[0]


class TiledNetwork:
    """A style's network in parts, which are opened at once.

    Args:
        graph: of the style file.
        open: makes a network of a model.
        feeds: strength and, of several paintings, weights, of any value.
    """

    def __init__(self, graph: OnnxGraph, open: Callable[[bytes], Network], feeds: Feeds) -> None:
        self.layout = layout = lay_out(graph, open, feeds)
        moments = {"moments": 3, "moments_given": 1} if layout.norms else {}
        bridge = {layout.bridge: 4} if layout.trunk else {}

        def part(wanted: str, given: Mapping[str, int]) -> _Part:
            nodes = graph.needed([wanted], given)
            inputs = frozenset(name for node in nodes for name in node.inputs)
            work = max(1, sum(node.operator == "Conv" for node in nodes))
            return _Part(wanted, inputs, open(graph.cut([wanted], given)), work)

        into = layout.norms[layout.trunk.start].values if layout.trunk else ""
        self.down = [part(norm.values, moments) for norm in layout.norms[: layout.trunk.start + 1]]
        """What each norm on the way down sees; the last is what goes into the trunk."""
        self.trunk = part(layout.bridge, {into: 4}) if layout.trunk else None
        self.up = [part(norm.values, moments | bridge) for norm in layout.norms[layout.trunk.stop :]]
        self.last = part("painting", moments | bridge)

    def paint(self, plan: TilePlan, crop: Crop, feeds: Feeds, put: Put, tell: Tell) -> None:
        """Paints a picture.

        Args:
            plan: its tiles, with halos of at least `HALO_PX`, aligned to `layout.align`.
            crop: gives the photo.
            feeds: strength and, of several paintings, weights.
            put: takes the result.
            tell: called after each tile.
        """
        _Painting(self, plan, crop, feeds, tell).paint(put)


class _Painting:
    """One picture on its way through a network."""

    def __init__(self, network: TiledNetwork, plan: TilePlan, crop: Crop, feeds: Feeds, tell: Tell) -> None:
        self.network, self.layout, self.plan, self.crop, self.tell = network, network.layout, plan, crop, tell
        parts = [*network.down, *network.up, network.last, *([network.trunk] if network.trunk else [])]
        self.work, self.done = sum(part.work for part in parts), 0.0
        self.feeds = dict(feeds)
        if self.layout.norms:
            self.moments = np.zeros((1, 2, self.layout.norms[-1].channels.stop), np.float32)
            self.known = {"moments": self.moments, "moments_given": np.ones(1, np.float32)}
        else:
            self.known = {}
        self.bridge: np.ndarray | None = None

    def paint(self, put: Put) -> None:
        network, norms, trunk = self.network, self.layout.norms, self.layout.trunk
        for norm, part in zip(norms[: trunk.start], network.down, strict=False):
            self._measure(norm, part)
        if network.trunk:
            self.bridge = network.trunk(self.feeds | {network.down[-1].wanted: self._into_trunk()})
            self._tell(network.trunk.work)
        for norm, part in zip(norms[trunk.stop :], network.up, strict=True):
            self._measure(norm, part)
        for tile in self.plan.tiles:
            painting = self._compute(network.last, tile)
            rows, columns = tile.core(1)
            put(tile, painting[0, :, rows, columns].transpose(1, 2, 0))

    def _measure(self, norm: Norm, part: _Part) -> None:
        """The moments of what a norm sees, over all tiles."""
        count, mean, squares = 0, np.zeros(1), np.zeros(1)
        for tile in self.plan.tiles:
            (rows, columns), _ = self._core(tile, norm.stride)
            values = self._compute(part, tile)[0, :, rows, columns]
            more = values.shape[1] * values.shape[2]
            own = values.mean((1, 2), dtype=np.float64)
            spread = np.square(values - own.astype(np.float32)[:, None, None]).sum((1, 2), dtype=np.float64)
            # Two sets' squares of distances from their own means, about their common mean (Chan et al. 1983).
            squares = squares + spread + np.square(own - mean) * (count * more / (count + more))
            mean = mean + (own - mean) * (more / (count + more))
            count += more
        self.moments[0, :, norm.channels] = mean, squares / count

    def _into_trunk(self) -> np.ndarray:
        """What goes into the trunk, of the whole picture."""
        norm, part = self.layout.norms[self.layout.trunk.start], self.network.down[-1]
        height, width = (side // norm.stride for side in self._padded(self.plan.height, self.plan.width))
        whole = np.empty((1, norm.channels.stop - norm.channels.start, height, width), np.float32)
        for tile in self.plan.tiles:
            (rows, columns), (to_rows, to_columns) = self._core(tile, norm.stride)
            whole[0, :, to_rows, to_columns] = self._compute(part, tile)[0, :, rows, columns]
        return whole

    def _compute(self, part: _Part, tile: Tile) -> np.ndarray:
        """A value of a tile's crop."""
        photo = self.crop(tile)
        feeds = {**self.feeds, **self.known, "photo": np.ascontiguousarray(photo.transpose(2, 0, 1)[None])}
        if self.bridge is not None:
            stride = self.layout.align
            height, width = (side // stride for side in self._padded(*photo.shape[:2]))
            top, left = tile.crop_top // stride, tile.crop_left // stride
            feeds[self.layout.bridge] = self.bridge[:, :, top : top + height, left : left + width]
        values = part(feeds)
        share = (tile.bottom - tile.top) * (tile.right - tile.left) / (self.plan.height * self.plan.width)
        self._tell(part.work * share)
        return values

    def _tell(self, work: float) -> None:
        self.done += work
        self.tell(min(1.0, self.done / self.work))

    def _padded(self, height: int, width: int) -> tuple[int, int]:
        """Sides of a picture as the network pads it."""
        align, margins = self.layout.align, 2 * self.layout.margin
        return height + margins + -height % align, width + margins + -width % align

    def _core(self, tile: Tile, stride: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Where a tile's core, with what is mirrored onto it at the picture's border, is in a map of its crop, and
        where in that of the whole picture."""
        height, width = self._padded(self.plan.height, self.plan.width)
        inside, outside = [], []
        for start, end, crop, length, padded in (
            (tile.top, tile.bottom, tile.crop_top, self.plan.height, height),
            (tile.left, tile.right, tile.crop_left, self.plan.width, width),
        ):
            first = start + self.layout.margin if start else 0
            last = end + self.layout.margin if end < length else padded
            inside.append(slice((first - crop) // stride, (last - crop) // stride))
            outside.append(slice(first // stride, last // stride))
        return (inside[0], inside[1]), (outside[0], outside[1])
