"""Painting with finished styles: ONNX Runtime, numpy, and no torch."""

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
import psutil

from models.card import MIN_SIDE_PX, STRENGTH_RANGE
from models.catalog import Style
from nst_core.color_transfer import keep_luminance
from nst_core.errors import BudgetError, ConfigError, ImageError, ModelError
from nst_core.picture import Picture, fit_long_side

SESSIONS_KEPT = 8
QUIET = 4
"""ONNX Runtime's level of what is fatal; all else it raises as well."""


@dataclass(frozen=True)
class PaintOptions:
    """How a photo is painted in a style."""

    size: int = 0
    """Long side of the result, pixels; 0 keeps the photo's own."""
    strength: float = 1.0
    """How much painting: 0 is the photo, 1 as trained, up to 1.5."""
    weights: tuple[float, ...] = ()
    """Share of each painting, where a style holds several; empty takes equal shares."""
    color: Literal["painting", "photo"] = "painting"
    """painting: its colors; photo: the photo's own, by luminance."""

    def check(self, style: Style) -> None:
        """Finds out whether a style can be painted so.

        Raises:
            ConfigError: It cannot; the message says which option is wrong.
        """
        low, high = STRENGTH_RANGE
        if not low <= self.strength <= high:
            raise ConfigError(f"strength must be from {low:g} to {high:g}, not {self.strength:g}")
        if self.size != 0 and self.size < MIN_SIDE_PX:
            raise ConfigError(f"size must be {MIN_SIDE_PX} px or more, or 0 for the photo's own, not {self.size}")
        names = [painting.name for painting in style.card.paintings]
        if self.weights and len(names) == 1:
            raise ConfigError(f"{style.name} holds one painting only; leave the weights out")
        if self.weights and len(self.weights) != len(names):
            count = len(self.weights)
            raise ConfigError(f"{style.name} holds {len(names)} paintings ({', '.join(names)}), not {count} weights")
        if self.weights and not (all(weight >= 0 for weight in self.weights) and 0 < sum(self.weights) < math.inf):
            raise ConfigError("weights must be 0 or more, and not all 0")


class Engine:
    """Paints pictures; keeps the networks that were used last ready. May be shared among threads.

    Args:
        threads: that one network uses; None is one for each physical core.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or psutil.cpu_count(logical=False) or 1
        self._sessions: OrderedDict[tuple[Path, int, int], onnxruntime.InferenceSession] = OrderedDict()
        self._lock = threading.Lock()

    def stylize(self, picture: Picture, style: Style, options: PaintOptions = PaintOptions()) -> Picture:
        """The picture in a style, with its own alpha, EXIF and bit depth.

        Raises:
            ConfigError: An option makes no sense for the style.
            ImageError: The picture is too small.
            ModelError: The style's file is missing or broken; the message names it.
            BudgetError: The picture is too large for the memory.
        """
        options.check(style)
        if options.size:
            picture = picture.resized(*fit_long_side(picture.width, picture.height, options.size))
        if min(picture.width, picture.height) < MIN_SIDE_PX:
            raise ImageError(
                f"{picture.name or 'the picture'} would be painted at {picture.width}x{picture.height} px; "
                f"each side needs {MIN_SIDE_PX} px, so take a larger picture or size"
            )
        photo = picture.as_float()
        painting = self._run(style, photo, options)
        if options.color == "photo":
            painting = keep_luminance(painting, photo)
        return Picture.from_float(painting, like=picture, bits=picture.bit_depth)

    def _run(self, style: Style, photo: np.ndarray, options: PaintOptions) -> np.ndarray:
        """What the network makes of a photo, both (H, W, 3) float32 in [0, 1]."""
        session = self._session(style)
        feeds = {
            "photo": np.ascontiguousarray(photo.transpose(2, 0, 1)[None]),  # (1, 3, H, W)
            "strength": np.array([options.strength], np.float32),
        }
        if len(style.card.paintings) > 1:
            feeds["weights"] = np.array(options.weights or [1.0] * len(style.card.paintings), np.float32)
        run_options = onnxruntime.RunOptions()
        # Else each network would keep, for as long as it is ready, what its largest picture took.
        run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        try:
            (painting,) = session.run(["painting"], feeds, run_options)
        except Exception as error:  # what it raises has no base of its own
            if "alloc" in str(error):
                height, width = photo.shape[:2]
                raise BudgetError(f"{width}x{height} px do not fit into the memory; choose a smaller size") from error
            raise _broken(style.path, error) from error
        if painting.shape != feeds["photo"].shape or not np.isfinite(painting).all():
            raise _broken(style.path, f"it makes {painting.shape} of {feeds['photo'].shape}, or no numbers")
        return painting[0].transpose(1, 2, 0)

    def _session(self, style: Style) -> onnxruntime.InferenceSession:
        """The network of a style, loaded anew where its file has changed."""
        try:
            found = style.path.stat()
        except OSError as error:
            raise ModelError(f"{style.path} cannot be read: {error.strerror}") from error
        key = (style.path.resolve(), found.st_mtime_ns, found.st_size)
        with self._lock:
            session = self._sessions.pop(key, None) or _open(style, self.threads)
            self._sessions[key] = session  # the last one used is at the end
            if len(self._sessions) > SESSIONS_KEPT:
                self._sessions.popitem(last=False)
        return session


def _open(style: Style, threads: int) -> onnxruntime.InferenceSession:
    """A session of ONNX Runtime with the inputs and the output that the style's card promises.

    Raises:
        ModelError: The file is broken, or its network is another.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_mem_pattern = True
    options.log_severity_level = QUIET
    try:
        session = onnxruntime.InferenceSession(style.path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # what it raises has no base of its own
        raise _broken(style.path, error) from error
    count = len(style.card.paintings)
    wanted = {"photo": 4, "strength": 1} | ({"weights": 1} if count > 1 else {})
    found = {entry.name: len(entry.shape) for entry in session.get_inputs()}
    if found != wanted or session.get_outputs()[0].name != "painting":
        raise _broken(style.path, f"its inputs are {', '.join(found)} for {count} paintings")
    return session


def _broken(path: Path, reason: object) -> ModelError:
    first = next(iter(str(reason).splitlines()), type(reason).__name__)
    return ModelError(f"{path} cannot be painted with: {first}; get or export it again")
