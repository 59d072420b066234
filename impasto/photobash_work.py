"""The work of `impasto photobash`: from the photo and its masks to the result."""

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jsonargparse import Namespace
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from impasto.results import check_writable, result_paths
from models.catalog import SUFFIX, Style, find_style
from nst_core.errors import ConfigError, ModelError
from nst_core.files import sha256
from nst_core.mask import read_mask, resize_mask
from nst_core.picture import Picture, fit_long_side, read_picture, read_settings, write_picture
from serve.engine import Engine
from serve.paint_options import PaintOptions
from serve.providers import ComputeOptions
from studio.photobash.assign import assign, regions_of
from studio.photobash.palette import Palette, picture_palette, style_palette
from studio.photobash.parts import Part, PhotobashOptions, check_parts, check_proportions
from studio.photobash.photobash import own_bytes, photobash
from studio.photobash.record import photobash_settings

DONE = 0
THE_REST = "-"
MASK_PX = 4096
"""Long side up to which masks are kept."""
LOOKED_AT_PX = 256
"""Sides at which masks are looked at for what they leave."""
SAID_FROM = 0.005
"""A share of the picture that masks leave, and that is worth telling."""


def paint(options: Namespace) -> int:
    """Paints; gives the exit code.

    Raises:
        NstError: What the user can mend.
    """
    styles = [find_style(name) for name in options.style]
    painting = PaintOptions(strength=options.strength, brush_size=options.brush_size)
    names = "_".join(style.name for style in styles)
    (out,) = result_paths(options.out, [f"{Path(options.photo).stem}-{names}"], options.bits)
    files = [Path(name) for name in (options.photo, options.palette, *options.style_mask)]
    check_writable([out], filter(Path.exists, files))
    photo = read_picture(options.photo, max_pixels=round(options.max_megapixels * 1e6))
    photo = photo.with_bits(options.bits or photo.bit_depth)
    parts = [replace(part, options=painting) for part in _parts(options, photo, styles)]
    chosen = PhotobashOptions(options.size, options.feather, _palette(options.palette, photo), options.palette_strength)
    check_parts(photo, parts)
    limit = options.memory_limit and max(1, options.memory_limit - own_bytes(photo, parts, chosen))
    engine = Engine(ComputeOptions(options.provider), limit or 0)
    work = photobash if options.how == "fast" else _optimizing(options)
    start = time.perf_counter()
    with _bar() as bar:
        tell = functools.partial(bar.update, bar.add_task("painting", total=1.0))
        picture = work(photo, parts, chosen, engine, lambda share: tell(completed=share))
    seconds = time.perf_counter() - start
    settings = photobash_settings(photo, parts, chosen, seconds, **_asked(options))
    write_picture(picture, out, settings=settings, quality=options.quality)
    print(f"{out}: {picture.width}x{picture.height} px, {seconds:.2f} s")
    return DONE


def _parts(options: Namespace, photo: Picture, styles: Sequence[Style]) -> list[Part]:
    """The styles with their masks, given or found.

    Raises:
        ConfigError: The masks are not one for each style, or are given and asked for.
        ImageError: A mask cannot be read, or is another photo's.
    """
    given = options.style_mask
    if not given:
        return assign(photo, styles, options.regions)
    if options.regions:
        raise ConfigError("--regions finds masks and --style-mask gives them; leave one out")
    if len(given) != len(styles):
        raise ConfigError(f"{len(given)} --style-mask for {len(styles)} --style; give one for each, - for what is left")
    if given.count(THE_REST) > 1:
        raise ConfigError("--style-mask - is what the other masks leave; only one style can take it")
    parts = [Part(style, _mask(name, photo)) for style, name in zip(styles, given, strict=True)]
    if THE_REST not in given and (left := _left(parts)) > SAID_FROM:
        print(f"the masks leave {left:.0%} of the picture: it is painted in {styles[0].name}, the first style")
    return parts


def _left(parts: Sequence[Part]) -> float:
    """The share of the picture that no mask takes."""
    masks = [resize_mask(part.mask, LOOKED_AT_PX, LOOKED_AT_PX) for part in parts if part.mask is not None]
    return float(np.prod([1 - mask for mask in masks], axis=0).mean())


def _mask(name: str, photo: Picture) -> np.ndarray | None:
    if name == THE_REST:
        return None
    size = read_settings(name)
    check_proportions(photo, size.width, size.height, name)
    width, height = fit_long_side(photo.width, photo.height, min(MASK_PX, max(photo.width, photo.height)))
    return read_mask(name, height, width)


def _palette(name: str, photo: Picture) -> Palette | Literal["first", "none"]:
    """What `--palette` asks for; a file goes before a style of the same name.

    Raises:
        ImageError: The picture cannot be read.
        ModelError: There is neither a picture nor a style of that name.
    """
    if name == "first" or name == "none":
        return name
    if name == "photo":
        return replace(picture_palette(photo), name=name)
    path = Path(name)
    if path.suffix != SUFFIX and (path.is_file() or len(path.parts) > 1):
        return picture_palette(read_picture(path))
    try:
        return style_palette(find_style(name))
    except ModelError as error:
        raise ModelError(f"--palette {name} is no file, and {error}") from error


def _optimizing(options: Namespace) -> Callable[..., Picture]:
    """As `photobash`, by the optimizer.

    Raises:
        ConfigError: There is no such device.
        WeightsError: The loss network is missing.
    """
    from impasto.memory import free_bytes  # what needs torch, which the fast networks do without
    from impasto.optimize_session import open_device
    from nst_core.features import load_network
    from studio.photobash.optimize import Optimizer, optimize_photobash

    device = open_device(options.provider if options.provider in ("auto", "cuda") else "cpu", options.memory_limit)
    limit_bytes = options.memory_limit or free_bytes(device)
    optimizer = Optimizer(load_network("compact", device), options.iterations, device, limit_bytes)

    def work(photo, parts, chosen, engine, progress):
        return optimize_photobash(photo, parts, chosen, engine, optimizer, progress)

    return work


def _asked(options: Namespace) -> dict[str, Any]:
    """What was asked for beside the parts and how they come together."""
    if options.style_mask:
        masks = [None if name == THE_REST else _named(Path(name)) for name in options.style_mask]
        found: dict[str, Any] = {"masks": masks}
    else:
        found = {"regions": regions_of(len(options.style), options.regions)}
    how = {"how": options.how} | ({"iterations": options.iterations} if options.how == "optimize" else {})
    return how | found


def _named(path: Path) -> dict[str, str]:
    return {"file": path.name, "sha256": sha256(path)}


def _bar() -> Progress:
    """A bar on stderr where it is a terminal, with the time left."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
