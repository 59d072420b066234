"""Painting with finished styles: ONNX Runtime, numpy, and no torch."""

import threading
from collections import OrderedDict
from collections.abc import Callable
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

NETWORKS_BYTES = 500_000_000
"""That networks which are kept ready may take together; at least one is kept."""
FREE_SHARE = 0.8
"""Of the memory that is free, how much is taken unless a limit is given."""
LESS = 0.9
"""By this factor detail is made smaller until it fits into the memory."""
PAINTED_SHARE = 0.8
"""Of the work, that painting the detail is; the rest is to put it together."""
THUMBNAIL_PX = 512
"""Long side at which the colors of a result are measured."""
OWN_BYTES = 300_000_000
"""Of the program itself with a few networks; measured."""
FINEST = 2.0
"""Strokes are not made finer than for a picture so many times as large as the result: they could not be seen."""
SAME = 1.05
"""Sizes that differ by less are taken for the same."""

Progress = Callable[[float], None]
"""Takes the share of the work that is done, 0 to 1; what it raises ends the painting."""


@dataclass(frozen=True)
class PaintPlan:
    """How a picture will be painted."""

    size: tuple[int, int]
    """Width and height of the result, pixels."""
    strokes: tuple[int, int]
    """Of the picture in which the strokes are painted."""
    detail: tuple[int, int] | None
    """Of the one that the finest detail comes from; None where the strokes are as fine as the result."""
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
        self._networks: OrderedDict[tuple[Path, int, int], StyleNetwork] = OrderedDict()
        self._lock = threading.Lock()

    def stylize(
        self,
        picture: Picture,
        style: Style,
        options: PaintOptions = PaintOptions(),
        progress: Progress | None = None,
    ) -> Picture:
        """The picture in a style, with its own alpha, EXIF and bit depth.

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
        small = picture.resized(*plan.strokes)
        if plan.detail is None:
            painted = network.paint_picture(small, feeds, tell).resized(*plan.size)
        else:
            broad = network.paint_picture(small.with_bits(16), feeds, lambda share: None)
            large = photo.resized(*plan.detail)
            painted = network.paint_picture(large, feeds, lambda share: tell(share * PAINTED_SHARE)).resized(*plan.size)
            refine(broad.as_float(), small.as_float(), photo, painted)
        _recolor(painted, photo, style, options)
        tell(1.0)
        return Picture(painted.pixels, photo.alpha, photo.exif, photo.name)

    def plan(self, picture: Picture, style: Style, options: PaintOptions = PaintOptions()) -> PaintPlan:
        """How `stylize` will paint a picture; it raises the same."""
        return self._planned(picture, style, options)[1]

    def _planned(self, picture: Picture, style: Style, options: PaintOptions) -> tuple[StyleNetwork, PaintPlan]:
        options.check(style)
        long_side = options.size or max(picture.width, picture.height)
        width, height = fit_long_side(picture.width, picture.height, long_side)
        if min(width, height) < MIN_SIDE_PX:
            raise ImageError(
                f"{picture.name or 'the picture'} would be painted at {width}x{height} px; "
                f"each side needs {MIN_SIDE_PX} px, so take a larger picture or size"
            )
        strokes_px = min(style.card.size_px / options.brush_size, long_side * FINEST)
        strokes_px = max(strokes_px, MIN_SIDE_PX * long_side / min(width, height))
        network = self._network(style)
        if long_side / SAME <= strokes_px <= long_side * SAME:
            strokes, detail = (width, height), None
        else:
            strokes = fit_long_side(picture.width, picture.height, round(strokes_px))
            detail = (width, height) if strokes_px < long_side else None
        return network, self._within_memory(network, picture, PaintPlan((width, height), strokes, detail, 0))

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
            width, height = plan.detail or plan.strokes
            peak = OWN_BYTES + pictures + network.bytes_for(width * height)
            if peak <= limit:
                return replace(plan, peak_bytes=peak)
            if min(width, height) * LESS < MIN_SIDE_PX or OWN_BYTES + pictures > limit:
                raise BudgetError(
                    f"{plan.size[0]}x{plan.size[1]} px take {(OWN_BYTES + pictures) / 1e9:.1f} GB at least, "
                    f"of {limit / 1e9:.1f} GB; choose a smaller size, or raise --memory-limit"
                )
            less = round(width * LESS), round(height * LESS)
            plan = replace(plan, detail=less) if plan.detail else replace(plan, strokes=less)

    def _network(self, style: Style) -> StyleNetwork:
        """The network of a style, loaded anew where its file has changed."""
        try:
            found = style.path.stat()
        except OSError as error:
            raise ModelError(f"{style.path} cannot be read: {error.strerror}") from error
        key = (style.path.resolve(), found.st_mtime_ns, found.st_size)
        with self._lock:
            network = self._networks.pop(key, None) or StyleNetwork(style, self.provider)
            self._networks[key] = network  # the last one used is at the end
            while len(self._networks) > 1 and self._held_bytes() > NETWORKS_BYTES:
                self._networks.popitem(last=False)
        return network

    def _held_bytes(self) -> int:
        return sum(network.held_bytes for network in self._networks.values())


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
        matrix, offset = palette_map(*color_statistics(thumbnail.as_float()), *_palette(style, options))
    for band in bands(painted.height, painted.width):
        rows = to_float(painted.pixels[band])
        if matrix is not None:
            rows = rows @ matrix.T + offset
        else:
            rows = keep_luminance(rows, photo.rows(band.start, band.stop))
        painted.pixels[band] = to_bits(rows, painted.bit_depth)


def _palette(style: Style, options: PaintOptions) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the colors of the paintings together, each with its share."""
    shares = np.array(options.shares(style))
    means = np.array([painting.color_mean for painting in style.card.paintings])
    covariances = np.array([painting.color_covariance for painting in style.card.paintings])
    mean = shares @ means
    apart = means - mean
    return mean, np.tensordot(shares, covariances + apart[:, :, None] * apart[:, None, :], 1)
