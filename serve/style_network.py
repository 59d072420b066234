"""A style's network, ready to paint pictures of any size: whole where they are small, in tiles where they are not."""

import functools
import threading
from collections.abc import Callable, Mapping

import numpy as np

from models.catalog import Style
from models.onnx_graph import OnnxGraph, read_model
from nst_core.errors import BudgetError, ModelError
from nst_core.memory import give_back
from nst_core.picture import Picture
from nst_core.picture_samples import to_bits
from nst_core.tiling import Tile, plan_tiles, smaller_tiles
from serve.providers import Failure, Network, OutOfMemory, Provider, ProviderName
from serve.tiled_network import HALO_PX, TiledNetwork

BYTES_PER_PIXEL = 110
"""That a network takes for a picture or tile: 90 with the swift network at 2048x2048, and some room."""
WHOLE_PIXELS = 2_000_000
"""Up to here a picture is painted at once; larger ones in tiles, to the same result."""
TILE_PIXELS = 1_000_000
BUCKET_PX = 64
"""On a graphics card, sides are rounded up to multiples of this, as a size not seen before takes long."""

HELD: Mapping[ProviderName, float] = {"cpu": 25, "openvino": 85, "cuda": 25, "directml": 25}
"""Memory that a network keeps, with its parts, as a multiple of its file; measured at 512 px for the first two, and
taken as the processor's for cards."""

Feeds = Mapping[str, np.ndarray]
Tell = Callable[[float], None]
"""Takes the share of the work that is done, 0 to 1."""


class StyleNetwork:
    """A style's network; may be shared among threads.

    Args:
        style: whose file is opened.
        provider: computes.

    Raises:
        ModelError: The file is broken, or its network is not what its card says.
    """

    def __init__(self, style: Style, provider: Provider) -> None:
        self._style, self._provider = style, provider
        content = read_model(style.path)
        self._graph = OnnxGraph.parse(content, style.path)
        self._lock = threading.Lock()
        self.held_bytes = round(len(content) * HELD[provider.name])
        """Memory that it keeps while nothing is painted."""
        count = len(style.card.paintings)
        wanted = {"photo", "strength"} | ({"weights"} if count > 1 else set())
        found = self._graph.inputs.keys() - self._graph.initializers.keys()
        if found != wanted or self._graph.producer("painting") is None:
            raise self._broken(f"its inputs are {', '.join(sorted(found))} for {count} paintings")
        try:
            self._whole: Network = provider.open(content)
        except Failure as error:
            raise self._broken(error) from error

    def paint(self, photo: np.ndarray, feeds: Feeds) -> np.ndarray:
        """A small picture at once, (H, W, 3) float32 in [0, 1] to the same.

        Args:
            photo: the picture.
            feeds: strength and, of several paintings, weights.

        Raises:
            BudgetError: It does not fit into the memory.
            ModelError: The network fails.
        """
        height, width = photo.shape[:2]
        if self._provider.on_card:
            photo = np.pad(photo, ((0, -height % BUCKET_PX), (0, -width % BUCKET_PX), (0, 0)), "symmetric")
        values = np.ascontiguousarray(photo.transpose(2, 0, 1)[None])  # (1, 3, H, W)
        try:
            (painting,) = self._whole(["painting"], {"photo": values, **feeds})
        except OutOfMemory as error:
            raise BudgetError(f"{width}x{height} px do not fit into the memory; choose a smaller size") from error
        except Failure as error:
            raise self._broken(error) from error
        if painting.shape != values.shape or not np.isfinite(painting).all():
            raise self._broken(f"it makes {painting.shape} of {values.shape}, or no numbers")
        return painting[0, :, :height, :width].transpose(1, 2, 0)

    def paint_picture(self, photo: Picture, feeds: Feeds, tell: Tell) -> Picture:
        """A picture of any size, at its own bit depth.

        Args:
            photo: the picture.
            feeds: strength and, of several paintings, weights.
            tell: called from time to time; what it raises ends the painting.

        Raises:
            BudgetError: It does not fit into the memory, not even in the smallest tiles.
            ModelError: The network fails.
        """
        if photo.width * photo.height <= WHOLE_PIXELS:
            painting = Picture.from_float(self.paint(photo.as_float(), feeds), like=photo, bits=photo.bit_depth)
            if photo.width * photo.height > TILE_PIXELS:
                give_back()
            tell(1.0)
            return painting
        pixels = np.empty_like(photo.pixels)

        def crop(tile: Tile) -> np.ndarray:
            return photo.crop(tile.crop_top, tile.crop_bottom, tile.crop_left, tile.crop_right)

        def put(tile: Tile, core: np.ndarray) -> None:
            pixels[tile.top : tile.bottom, tile.left : tile.right] = to_bits(core, photo.bit_depth)

        tiled = self._tiled
        align = tiled.layout.align
        plan = plan_tiles(photo.height, photo.width, HALO_PX, align, TILE_PIXELS)
        while True:
            try:
                tiled.paint(plan, crop, feeds, put, tell)
                return Picture(pixels, photo.alpha, photo.exif, photo.name)
            except OutOfMemory:
                plan = smaller_tiles(plan, HALO_PX, align)
            except Failure as error:
                raise self._broken(error) from error
            finally:
                self.__dict__.pop("_tiled_once", None)  # each part would keep what a tile took
                give_back()

    def bytes_for(self, pixels: int) -> int:
        """Memory that painting so many pixels takes, beside the photo and the result."""
        if pixels <= WHOLE_PIXELS:
            return pixels * BYTES_PER_PIXEL
        return TILE_PIXELS * BYTES_PER_PIXEL + pixels * self._tiled.layout.bytes_per_pixel

    @property
    def _tiled(self) -> TiledNetwork:
        with self._lock:
            return self._tiled_once

    @functools.cached_property
    def _tiled_once(self) -> TiledNetwork:
        paintings = len(self._style.card.paintings)
        feeds = {"strength": np.ones(1, np.float32), "weights": np.ones(paintings, np.float32)}
        used = {name: values for name, values in feeds.items() if name in self._graph.inputs}
        try:
            return TiledNetwork(self._graph, self._provider.open, used)
        except Failure as error:
            raise self._broken(error) from error

    def _broken(self, reason: object) -> ModelError:
        return ModelError(f"{self._style.path} cannot be painted with: {reason}; get or export it again")
