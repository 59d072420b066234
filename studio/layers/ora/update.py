"""Renders added to an OpenRaster file, whose other layers stay as they are."""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from nst_core.errors import ImageError
from nst_core.files import atomic_path
from studio.layers.composite import composite
from studio.layers.ora.write import BLENDS, MIMETYPE, ORIGIN, elements_of, png, samples, write_overview
from studio.layers.stack import Blend, Group, Layer, Progress, Stack

_OVERVIEW = ("stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png")
_MODES: dict[str, Blend] = {name: blend for blend, name in BLENDS.items()}


def ora_size(path: Path) -> tuple[int, int]:
    """Width and height of an OpenRaster file.

    Raises:
        ImageError: It cannot be read.
    """
    with _open(path) as archive:
        return _size(_image(archive, path.name))


def update_ora(path: Path, renders: Sequence[Layer], group: str, progress: Progress | None = None) -> list[str]:
    """Adds those renders to an OpenRaster file that it does not hold yet; gives their names.

    They come in at the top of the group, at the size of the document; the files of all other layers are copied. The
    picture that they show is made anew; a blend mode that is not one of ours counts as normal in it.

    Args:
        path: the file, replaced when the new one is complete.
        renders: bottom to top.
        group: the name of the group; made at the top of the document where there is none.
        progress: called with the layers done and in all.

    Raises:
        ImageError: The file cannot be read.
        NstError: It cannot be written, or the disk is full.
    """
    with _open(path) as archive:
        image = _image(archive, path.name)
        width, height = _size(image)
        new = [layer for layer in (render.resized(width, height) for render in renders)
               if not _is_there(layer, archive, image)]  # fmt: skip
        if not new:
            return []
        files: dict[str, Layer] = {}
        _put_in(image, new, group, set(archive.namelist()), files)
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as target:
            for entry in archive.infolist():
                if entry.filename not in _OVERVIEW:
                    target.writestr(entry, archive.read(entry))
            for done, (name, layer) in enumerate(files.items(), start=1):
                target.writestr(name, png(samples(layer)))
                if progress:
                    progress(done, len(files))
            write_overview(target, image, composite(_stack(image, archive, files)))
    return [layer.name for layer in new]


def _put_in(
    image: ElementTree.Element, new: Sequence[Layer], group: str, taken: set[str], files: dict[str, Layer]
) -> None:
    root = image.find("stack")
    assert root is not None  # or it would not have been read
    found = next((stack for stack in root.iter("stack") if stack.get("name") == group), None)
    names = (name for index in itertools.count() if (name := f"data/render-{index:03d}.png") not in taken)
    children = new if found is not None else [Group(group, new)]
    for index, element in enumerate(elements_of(children, names, files)):
        (root if found is None else found).insert(index, element)


def _is_there(render: Layer, archive: zipfile.ZipFile, image: ElementTree.Element) -> bool:
    """Whether the document holds a render: a layer of that origin, or, where a program has lost it, one alike."""
    for element in image.iter("layer"):
        origin = element.get(ORIGIN)
        if origin and origin == render.origin:
            return True
        if not origin and element.get("name") == render.name:
            pixels = _read_png(archive, element.get("src", ""))[..., :3]
            if np.array_equal(pixels, render.pixels):
                return True
    return False


def _stack(image: ElementTree.Element, archive: zipfile.ZipFile, files: dict[str, Layer]) -> Stack:
    """The document, its new layers as they are in `files`."""
    width, height = _size(image)

    def read(parent: ElementTree.Element) -> list[Layer | Group]:
        children: list[Layer | Group] = []
        for element in reversed(parent):
            blend = _MODES.get(element.get("composite-op", ""), "normal")
            opacity, visible = float(element.get("opacity", "1")), element.get("visibility") != "hidden"
            name, source = element.get("name", ""), element.get("src", "")
            if element.tag == "stack":
                passes = blend == "normal" and element.get("isolation") == "auto"
                children.append(Group(name, read(element), opacity, "pass_through" if passes else blend, visible))
            elif source in files:
                children.append(files[source])
            elif element.tag == "layer" and visible:
                left, top = int(element.get("x", "0")), int(element.get("y", "0"))
                pixels = _at(_read_png(archive, source), left, top, width, height)
                children.append(Layer(name, pixels[..., :3], pixels[..., 3], opacity=opacity, blend=blend))
        return children

    root = image.find("stack")
    assert root is not None
    return Stack(width, height, read(root))


def _at(pixels: np.ndarray, left: int, top: int, width: int, height: int) -> np.ndarray:
    """Pixels (h, w, 4) at their place on a clear canvas (height, width, 4)."""
    if (left, top, *pixels.shape[:2]) == (0, 0, height, width):
        return pixels
    canvas = Image.new("RGBA", (width, height))
    canvas.paste(Image.fromarray(pixels), (left, top))
    return np.asarray(canvas)


def _read_png(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(archive.read(name))) as picture:
            return np.asarray(picture.convert("RGBA"))
    except OSError as error:
        raise ImageError(f"{archive.filename} holds a layer that is no PNG picture: {name}; rasterize it") from error


def _image(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """The XML, after a look at whether all is there that it speaks of."""
    try:
        if archive.read("mimetype").strip() != MIMETYPE.encode():
            raise ValueError
        image = ElementTree.fromstring(archive.read("stack.xml"))
        _size(image)
        missing = {layer.get("src", "") for layer in image.iter("layer")} - set(archive.namelist())
        if image.find("stack") is None or missing or archive.testzip():
            raise ValueError
    except (KeyError, ValueError, zipfile.BadZipFile, ElementTree.ParseError) as error:
        raise ImageError(f"{name} is a broken or no OpenRaster file; save it again from its program") from error
    return image


def _size(image: ElementTree.Element) -> tuple[int, int]:
    return int(image.get("w", "")), int(image.get("h", ""))


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}; check the name") from error
    except zipfile.BadZipFile as error:
        raise ImageError(f"{path.name} is a broken or no OpenRaster file; save it again from its program") from error
