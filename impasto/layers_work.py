"""The work of `impasto layers`: from files to a file of layers."""

import os
import time
from pathlib import Path

from jsonargparse import Namespace

from impasto.progress import progress_bar
from impasto.results import check_writable, find_photos
from nst_core.errors import ConfigError
from nst_core.picture import read_picture
from studio.layers.build import RENDERS, build_stack, render_layers
from studio.layers.documents import check_name, document_size, update_document, write_stack
from studio.layers.options import LayersOptions

DONE = 0
BUILT_SHARE = 0.7
"""Of the work, after which the layers are there, and are written."""


def lay_out(options: Namespace) -> int:
    """Makes a file of layers, or adds to one; gives the exit code.

    Raises:
        NstError: What the artist can mend; what was there before is as it was.
    """
    update: str | None = options["update"]  # options.update is a method
    if bool(options.out) == bool(update):
        raise ConfigError("name a new file of layers with -o, or one to add to with --update")
    chosen = LayersOptions(options.masks, options.subject_model, options.size, options.upscale or 0)
    path = Path(update or options.out)
    check_name(path)
    renders = _renders(options, str(path))
    if update:
        return _update(options, path, renders, chosen)
    check_writable([path], [Path(options.photo), *renders])
    photo = read_picture(options.photo)
    start = time.perf_counter()
    with progress_bar() as bar:
        task = bar.add_task("layers", total=1.0)
        stack = build_stack(photo, renders, chosen, lambda share: bar.update(task, completed=BUILT_SHARE * share))
        del photo
        left = 1 - BUILT_SHARE
        write_stack(
            stack, path, lambda done, all_: bar.update(task, completed=BUILT_SHARE + left * done / max(all_, 1))
        )
    layers = sum(1 for _ in stack.layers())
    print(f"{path}: {layers} layers of {stack.width}x{stack.height} px, {time.perf_counter() - start:.1f} s")
    return DONE


def _renders(options: Namespace, out: str) -> list[Path]:
    """The renders in the order of the command line, none twice, without the photo and results among them."""
    photo = os.path.realpath(options.photo)
    found: dict[str, Path] = {}
    for given in options.render:
        for path in find_photos([given], out):
            if os.path.realpath(path) != photo:
                found.setdefault(os.path.realpath(path), path)
    if not found:
        raise ConfigError(f"{options.photo} is the photo; name renders of it, too")
    return list(found.values())


def _update(options: Namespace, path: Path, renders: list[Path], chosen: LayersOptions) -> int:
    if chosen.masks != "white" or chosen.subject_model or chosen.size:
        raise ConfigError(
            "--update adds renders with white masks, at the size of the file; leave out the other options"
        )
    width, height = document_size(path)
    with progress_bar() as bar:
        task = bar.add_task("layers", total=1.0)
        layers = render_layers(
            renders, options.photo, width, height, chosen, lambda share: bar.update(task, completed=BUILT_SHARE * share)
        )
        left = 1 - BUILT_SHARE
        added = update_document(
            path, layers, RENDERS,
            lambda done, all_: bar.update(task, completed=BUILT_SHARE + left * done / max(all_, 1)),
        )  # fmt: skip
    there = len(layers) - len(added)
    print(
        f"{path}: {', '.join(added) or 'nothing'} added"
        + (f"; {there} of {len(layers)} were there already" if there else "")
    )
    return DONE
