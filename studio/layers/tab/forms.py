"""What the Layers tab sends: the pictures that a stack is made of, and what has become of the stack."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from fastapi import File, Form, UploadFile
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.concurrency import run_in_threadpool

from nst_core.files import sha256
from nst_core.memory import available_bytes
from nst_core.picture import read_settings
from serve.api.forms import read_photo
from serve.api.limits import Limits
from serve.api.problems import refusal, refused, without_folder
from serve.api.service import Served
from serve.engine import FREE_SHARE
from studio.gallery.originals import Originals
from studio.gallery.store import Store
from studio.layers.stack import Blend, GroupBlend

MOST_RENDERS = 64
MOST_NODES = 300
DEEPEST = 10
"""Groups inside of each other; Photoshop has ten."""
LONGEST_STACK = 200_000
"""Letters of a description."""
PIXEL_BYTES, LAYER_BYTES = 3, 4
"""Of a picture that is read, and of a layer with its mask, for each pixel."""
OTHER_LAYERS = 8
"""That a stack has beside its renders, as far as they take memory."""
LONGEST_FILE = 60
"""Letters of a file's name, so that they are fewer than 255 bytes in any script."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00-\x1f\x7f]+$")]
Share = Annotated[float, Field(ge=0, le=1)]


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    opacity: Share
    visible: bool


class LayerWish(_Node):
    """A layer as the artist left it."""

    key: Annotated[str, StringConstraints(max_length=400)]
    """Of the layer that was made."""
    blend: Blend
    mask: Literal["made", "none"] | Annotated[int, Field(ge=0, lt=MOST_NODES)]
    """As it was made, none, or the number of one that was painted."""


class GroupWish(_Node):
    """A group as the artist left it."""

    blend: GroupBlend
    children: Annotated[list[LayerWish | GroupWish], Field(max_length=MOST_NODES)]
    """Bottom to top."""


class StackWish(BaseModel):
    """The stack as the artist left it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    children: Annotated[list[LayerWish | GroupWish], Field(min_length=1, max_length=MOST_NODES)]
    """Bottom to top."""

    def layers(self) -> Iterator[LayerWish]:
        """All layers, bottom to top."""
        return (node for node, _ in _nodes(self.children, 1) if isinstance(node, LayerWish))


def read_stack(text: str, masks: int) -> StackWish:
    """The description of a stack, as the page sends it.

    Args:
        text: JSON.
        masks: that were painted.

    Raises:
        HTTPException: 422, it makes no sense.
    """
    try:
        wish = StackWish.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise refusal(422, f"stack: {field + ': ' if field else ''}{first['msg']}; open the page anew") from error
    nodes = list(_nodes(wish.children, 1))
    if len(nodes) > MOST_NODES:
        raise refusal(422, f"stack: {len(nodes)} layers and groups; {MOST_NODES} can be saved")
    if max(depth for _, depth in nodes) > DEEPEST:
        raise refusal(422, f"stack: groups are more than {DEEPEST} deep; take some out of others")
    numbers = [layer.mask for layer in wish.layers() if isinstance(layer.mask, int)]
    if max(numbers, default=-1) >= masks:
        raise refusal(422, f"stack: names mask {max(numbers)} of {masks}; open the page anew")
    return wish


def _nodes(children: Sequence[LayerWish | GroupWish], depth: int) -> Iterator[tuple[LayerWish | GroupWish, int]]:
    for child in children:
        yield child, depth
        if isinstance(child, GroupWish):
            yield from _nodes(child.children, depth + 1)


@dataclass(frozen=True)
class Pictures:
    """A photo and its renders, as files for as long as a request lasts."""

    photo: Path
    renders: Sequence[Path]
    pixels: int
    """Of all of them together."""

    def said(self, text: str) -> str:
        """A message without the folders of the files."""
        for path in (self.photo, *self.renders):
            text = without_folder(text, path)
        return text


def pictures_of(gallery: Path) -> Callable[..., AsyncIterator[Pictures]]:
    """Makes what reads the pictures of a request: uploads, or renders of a gallery by their ids.

    Args:
        gallery: the folder.
    """
    store, originals = Store(gallery), Originals(gallery)

    def find(picks: Sequence[int], needs_photo: bool) -> list[Path]:
        """The photo of renders, where it is needed, and their files."""
        with refused(404):
            found = [store.render(id) for id in dict.fromkeys(picks)]
            files = [store.file(render.id) for render in found]
        if not needs_photo:
            return files
        if len({render.photo_sha256 for render in found}) > 1:
            names = ", ".join(sorted({render.photo for render in found}))
            raise refusal(422, f"the renders are of several photos: {names}; take those of one photo to the layers")
        photo = originals.find(found[0])
        if photo is None:
            name = found[0].photo
            raise refusal(
                404, f"the photo {name} is not where it was, or has changed; drop it here, beside its renders"
            )
        return [photo, *files]

    async def read(
        service: Served,
        photo: Annotated[UploadFile | None, File()] = None,
        renders: Annotated[list[UploadFile], File(max_length=MOST_RENDERS)] = [],  # noqa: B006
        picks: Annotated[list[int], Form(max_length=MOST_RENDERS)] = [],  # noqa: B006
    ) -> AsyncIterator[Pictures]:
        with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
            uploads = [photo] if photo else []
            paths = [await _lay_down(upload, Path(folder) / "photo", service.limits) for upload in uploads]
            if picks:
                paths += await run_in_threadpool(find, picks, photo is None)
            for number, upload in enumerate(renders):
                paths.append(await _lay_down(upload, Path(folder) / str(number), service.limits))
            paths = await run_in_threadpool(_distinct, paths)
            if len(paths) < 2 or (photo is None and not picks):
                raise refusal(422, "a stack takes a photo, and at least one painted version of it")
            sizes = await run_in_threadpool(lambda: [_pixels(path, service.limits) for path in paths])
            _check_memory(sizes, service.engine.memory_limit or int(available_bytes() * FREE_SHARE))
            yield Pictures(paths[0], paths[1:], sum(sizes))

    return read


async def _lay_down(upload: UploadFile, folder: Path, limits: Limits) -> Path:
    """Puts an upload into a folder of its own, under its own name."""
    photo = await read_photo(upload, limits)

    def copy() -> Path:
        folder.mkdir()
        path = folder / photo.name[-LONGEST_FILE:]
        photo.file.seek(0)
        with path.open("wb") as file:
            shutil.copyfileobj(photo.file, file)
        return path

    return await run_in_threadpool(copy)


def _distinct(paths: Sequence[Path]) -> list[Path]:
    """The files without those that hold the same as one before."""
    found: dict[str, Path] = {}
    for path in paths:
        found.setdefault(sha256(path), path)
    return [*found.values()]


def _pixels(path: Path, limits: Limits) -> int:
    """Of a picture, by its header."""
    with refused(415, lambda text: without_folder(text, path)):
        size = read_settings(path, max_pixels=limits.pixels)
    return size.width * size.height


def _check_memory(sizes: Sequence[int], limit_bytes: int) -> None:
    """Sees that a stack fits into the memory, given the pixels of the photo and of its renders.

    Raises:
        HTTPException: 413, it does not.
    """
    layers = len(sizes) - 1 + OTHER_LAYERS
    needed = PIXEL_BYTES * sum(sizes) + LAYER_BYTES * layers * sizes[0]
    if needed > limit_bytes:
        raise refusal(
            413,
            f"{len(sizes) - 1} renders over {sizes[0] / 1e6:.1f} megapixels take {needed / 1e9:.1f} GB, "
            f"of {limit_bytes / 1e9:.1f} GB; choose fewer renders, or a smaller photo",
        )
