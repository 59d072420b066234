"""Painting with finished styles: ONNX Runtime, numpy, and no torch."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.card import MIN_SIDE_PX
from models.catalog import Style
from nst_core.color_transfer import color_statistics, keep_luminance, palette_map
from nst_core.errors import BudgetError, ImageError, ModelError
from nst_core.memory import available_bytes
from nst_core.picture import Picture, fit_long_side
from nst_core.picture_samples import bands, to_bits, to_float
from serve.detail import refine
from serve.paint_options import PaintOptions
from serve.providers import ComputeOptions, choose_provider
from serve.style_network import StyleNetwork
from serve.work import Progress, Retouch, Work

NETWORKS_BYTES = 500_000_000
"""That networks which are kept ready may take together; at least one is kept."""
FREE_SHARE = 0.8
"""Of the memory that is free, how much is taken unless a limit is given."""
LESS = 0.9
"""By this factor detail is made smaller until it fits into the memory."""
THUMBNAIL_PX = 512
"""Long side at which the colors of a result are measured."""
OWN_BYTES = 550_000_000
"""Of the program itself with a few networks: chosen so that the peaks of benchmarks/engine.py are planned for."""
SAME = 1.05
"""A result that is larger by less than this is enlarged instead of given detail."""
PREVIEW_PX = 1024
"""Up to this long side a result has the very detail that a larger one has in it."""
LARGEST_PX = 2048
"""Long side up to which detail is painted in between: putting two pictures together takes memory by the smaller one."""
LEAST_STEP = 1.5
"""Between the sizes that detail is painted at, in the last step."""


Key = tuple[Path, int, int]
"""Of a network: its file, when that was changed, and its size."""


@dataclass(frozen=True)
class PaintPlan:
    """How a picture will be painted."""

    size: tuple[int, int]
    """Width and height of the result, pixels."""
    levels: tuple[tuple[int, int], ...]
    """Of the pictures that are painted: the strokes, then ever finer detail, each twice as large as the one before."""
    peak_bytes: int
    """The most memory that the program will take, estimated."""


class Engine:
    """Paints pictures; keeps the networks that were used last ready. May be shared among threads.

    Args:
        compute: with what.
        memory_limit: bytes that the program may take; 0 is most of what is free.
    """

    def __init__(self, compute: ComputeOptions = ComputeOptions(), memory_limit: int = 0) -> None:
        self.provider = choose_provider(compute)
        self.memory_limit = memory_limit
        self._networks: OrderedDict[Key, StyleNetwork] = OrderedDict()
        self._opening = threading.Lock()
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Memory that the networks take which are kept ready."""
        with self._lock:
            return self._held_bytes()

    def stylize(
        self,
        picture: Picture,
        style: Style,
        options: PaintOptions = PaintOptions(),
        progress: Progress | None = None,
        retouch: Retouch | None = None,
    ) -> Picture:
        """The picture in a style, with its own alpha, EXIF and bit depth.

        Args:
            picture: the photo.
            style: to paint it in.
            options: how.
            progress: takes the share of the work that is done.
            retouch: works on the strokes before the detail is painted.

        Raises:
            ConfigError: An option makes no sense for the style.
            ImageError: The picture is too small.
            ModelError: The style's file is missing or broken; the message names it.
            BudgetError: The picture is too large for the memory.
        """
        tell = progress or (lambda share: None)
        network, plan = self._planned(picture, style, options)
        photo = picture.resized(*plan.size)
        if options.strength == 0:
            tell(1.0)
            return Picture(photo.pixels.copy(), photo.alpha, photo.exif, photo.name)
        feeds = _feeds(style, options)
        sizes: list[float] = [width * height for width, height in plan.levels]
        if retouch:
            sizes.insert(1, sizes[0] * retouch.work)
        work = Work(sizes, tell)
        small = picture.resized(*plan.levels[0])
        painted = network.paint_picture(small, feeds, work.next())
        if retouch:
            painted = retouch(small, painted, work.next())
        for size in plan.levels[1:]:
            large = picture.resized(*size)
            finer = network.paint_picture(large, feeds, work.next())
            refine(painted.as_float(), small.as_float(), large, finer)
            small, painted = large, finer
        painted = painted.resized(*plan.size)
        _recolor(painted, photo, style, options)
        tell(1.0)
        return Picture(painted.pixels, photo.alpha, photo.exif, photo.name)

    def plan(self, picture: Picture, style: Style, options: PaintOptions = PaintOptions()) -> PaintPlan:
        """How `stylize` will paint a picture; it raises the same."""
        return self._planned(picture, style, options)[1]

    def rehearse(self, style: Style) -> None:
        """Paints the smallest picture there is, to know that a style can be painted with; its network is then ready.

        Raises:
            ModelError: It cannot.
            BudgetError: There is no memory for it.
        """
        self._network(style).paint(np.zeros((MIN_SIDE_PX, MIN_SIDE_PX, 3), np.float32), _feeds(style, PaintOptions()))

    def _planned(self, picture: Picture, style: Style, options: PaintOptions) -> tuple[StyleNetwork, PaintPlan]:
        options.check(style)
        long_side = options.size or max(picture.width, picture.height)
        width, height = fit_long_side(picture.width, picture.height, long_side)
        if min(width, height) < MIN_SIDE_PX:
            raise ImageError(
                f"{picture.name or 'the picture'} would be painted at {width}x{height} px; "
                f"each side needs {MIN_SIDE_PX} px, so take a larger picture or size"
            )
        strokes_px = style.card.size_px / options.brush_size
        strokes_px = max(strokes_px, MIN_SIDE_PX * long_side / min(width, height))
        levels = [fit_long_side(picture.width, picture.height, round(px)) for px in _levels(strokes_px, long_side)]
        network = self._network(style)
        return network, self._within_memory(network, picture, PaintPlan((width, height), tuple(levels), 0))

    def _within_memory(self, network: StyleNetwork, picture: Picture, plan: PaintPlan) -> PaintPlan:
        """The plan, with less detail where the memory asks for it.

        Raises:
            BudgetError: Not even then does it fit.
        """
        limit = self.memory_limit or int(available_bytes() * FREE_SHARE)
        bytes_per_pixel = picture.pixels.itemsize * (3 if picture.alpha is None else 4)
        pixels = plan.size[0] * plan.size[1]
        pictures = bytes_per_pixel * (picture.width * picture.height + 3 * pixels)
        while True:
            width, height = plan.levels[-1]
            peak = OWN_BYTES + pictures + network.bytes_for(width * height)
            if peak <= limit:
                return replace(plan, peak_bytes=peak)
            if min(width, height) * LESS < MIN_SIDE_PX or OWN_BYTES + pictures > limit:
                raise BudgetError(
                    f"{plan.size[0]}x{plan.size[1]} px take {(OWN_BYTES + pictures) / 1e9:.1f} GB at least, "
                    f"of {limit / 1e9:.1f} GB; choose a smaller size, or raise --memory-limit"
                )
            less = round(width * LESS), round(height * LESS)
            smaller = [level for level in plan.levels[:-1] if level[0] * LEAST_STEP <= less[0]]
            plan = replace(plan, levels=(*(smaller or plan.levels[:-1][:1]), less))

    def _network(self, style: Style) -> StyleNetwork:
        """The network of a style, loaded anew where its file has changed."""
        try:
            found = style.path.stat()
        except OSError as error:
            raise ModelError(f"{style.path} cannot be read: {error.strerror}") from error
        key = (style.path.resolve(), found.st_mtime_ns, found.st_size)
        with self._lock:
            if network := self._kept(key):
                return network
        with self._opening:  # one at a time, while others paint with theirs
            with self._lock:
                if network := self._kept(key):
                    return network
            network = StyleNetwork(style, self.provider)
            with self._lock:
                self._networks[key] = network
                while len(self._networks) > 1 and self._held_bytes() > NETWORKS_BYTES:
                    self._networks.popitem(last=False)
        return network

    def _kept(self, key: Key) -> StyleNetwork | None:
        """A network that is kept, the last one used from now on."""
        if key in self._networks:
            self._networks.move_to_end(key)
        return self._networks.get(key)

    def _held_bytes(self) -> int:
        return sum(network.held_bytes for network in self._networks.values())


def _levels(strokes_px: float, long_side: int) -> list[float]:
    """Long sides of the pictures that are painted: the strokes, and detail up to the result's size.

    Each is twice as large as the one before, so that detail of one size comes from the same picture, however large
    the result is; only the last one of a large result has that one's own size.
    """
    levels = [strokes_px]
    if long_side <= strokes_px * SAME:
        return levels
    while levels[-1] * 2 * LEAST_STEP <= long_side and levels[-1] < LARGEST_PX:
        levels.append(levels[-1] * 2)
    if long_side > PREVIEW_PX:
        return [*levels, long_side]
    while levels[-1] < long_side:
        levels.append(levels[-1] * 2)
    return levels


def _feeds(style: Style, options: PaintOptions) -> dict[str, np.ndarray]:
    """What the network is told beside the photo."""
    feeds = {"strength": np.array([options.strength], np.float32)}
    if len(style.card.paintings) > 1:
        feeds["weights"] = np.array(options.shares(style), np.float32)
    return feeds


def _recolor(painted: Picture, photo: Picture, style: Style, options: PaintOptions) -> None:
    """Gives a painted picture the colors that are asked for, in place."""
    if options.color == "painting":
        return
    matrix = offset = None
    if options.color == "palette":
        thumbnail = painted.resized(*fit_long_side(painted.width, painted.height, THUMBNAIL_PX))
        matrix, offset = palette_map(
            *color_statistics(thumbnail.as_float()), *style.card.palette(options.shares(style))
        )
    for band in bands(painted.height, painted.width):
        rows = to_float(painted.pixels[band])
        if matrix is not None:
            rows = rows @ matrix.T + offset
        else:
            rows = keep_luminance(rows, photo.rows(band.start, band.stop))
        painted.pixels[band] = to_bits(rows, painted.bit_depth)
