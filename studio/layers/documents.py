"""Files of layers by their names: Photoshop's .psd and .psb, and OpenRaster's .ora."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from nst_core.errors import ConfigError, ImageError
from studio.layers.stack import Layer, Progress, Stack

PHOTOSHOP = (".psd", ".psb")


def write_stack(stack: Stack, path: Path, progress: Progress | None = None) -> None:
    """Writes a stack as the kind of file that the name says, whole or not at all.

    Raises:
        ImageError: The name says none that is written, or the format cannot hold as much.
        ConfigError: psd-tools is not installed.
        NstError: The folder cannot be written to, or the disk is full.
    """
    if check_name(path) in PHOTOSHOP:
        with _psd_tools():
            from studio.layers.psd.write import write_psd

            write_psd(stack, path, progress)
    else:
        from studio.layers.ora.write import write_ora

        write_ora(stack, path, progress)


def update_document(path: Path, renders: Sequence[Layer], group: str, progress: Progress | None = None) -> list[str]:
    """Adds those renders to a file of layers that it does not hold yet; gives their names.

    They come in at the top of the group, at the size of the document; all other layers stay as they are. The file is
    replaced when the new one is complete.

    Args:
        path: the file.
        renders: bottom to top.
        group: the name of the group; made at the top of the document where there is none.
        progress: called with the steps done and in all.

    Raises:
        ImageError: The file cannot be read, is not RGB with 8 bits a channel, or has no layers.
        ConfigError: psd-tools is not installed.
        NstError: It cannot be written, or the disk is full.
    """
    if check_name(path) in PHOTOSHOP:
        with _psd_tools():
            from studio.layers.psd.update import update_psd

            return update_psd(path, renders, group, progress)
    from studio.layers.ora.update import update_ora

    return update_ora(path, renders, group, progress)


def document_size(path: Path) -> tuple[int, int]:
    """Width and height of a file of layers that can be updated.

    Raises:
        ImageError: It cannot.
        ConfigError: psd-tools is not installed.
    """
    if check_name(path) in PHOTOSHOP:
        with _psd_tools():
            from studio.layers.psd.update import psd_size

            return psd_size(path)
    from studio.layers.ora.update import ora_size

    return ora_size(path)


def check_name(path: Path) -> str:
    """The suffix of a file of layers, in small letters.

    Raises:
        ImageError: It is none.
    """
    suffix = path.suffix.lower()
    if suffix not in (*PHOTOSHOP, ".ora"):
        raise ImageError(f"{path.name}: the name must end in .psd (Photoshop), .psb (the same, large) or .ora (Krita)")
    return suffix


@contextlib.contextmanager
def _psd_tools() -> Iterator[None]:
    """Sees that psd-tools is there, and keeps what it notes of files off the screen: what matters is an ImageError."""
    if importlib.util.find_spec("psd_tools") is None:
        raise ConfigError("this needs psd-tools; in the folder of Impasto, run: pip install '.[studio]'")
    logger = logging.getLogger("psd_tools")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
