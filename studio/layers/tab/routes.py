"""What the Layers tab asks of the server. Nothing of a request outlives it: the pictures come again with each."""

import functools
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from serve.api.service import Served
from serve.api.stream import CHUNK_BYTES, EventStream, Told
from studio.layers.options import Masks
from studio.layers.tab.file import Format, make_file
from studio.layers.tab.forms import LONGEST_STACK, MOST_NODES, MOST_RENDERS, Pictures, pictures_of, read_stack
from studio.layers.tab.preview import make_preview

PREFIX = "/api/v1/layers"
"""Below that of the API, so that a request has a place in the line from its first byte on."""
_FORM_LIMITS: Any = {
    "max_files": 1 + MOST_RENDERS + MOST_NODES,
    "max_fields": MOST_RENDERS + 10,
    "max_part_size": LONGEST_STACK,
}


def layers_routes(gallery: Path) -> APIRouter:
    """The routes of the tab.

    Args:
        gallery: folder of the pictures that the Gallery tab sends here; it may come into being later.
    """
    router = APIRouter(prefix=PREFIX, include_in_schema=False, form_limits=_FORM_LIMITS)
    pictures_given = Depends(pictures_of(gallery))

    @router.post("/preview")
    async def preview(
        service: Served,
        pictures: Annotated[Pictures, pictures_given],
        masks: Annotated[Masks, Form()] = "white",
    ) -> Response:
        async def produce(stream: EventStream) -> None:
            work = functools.partial(make_preview, pictures, masks)
            for event, fields, data in await service.admission.run(pictures.pixels, work, Told(stream, "layers")):
                await stream.tell(event, **fields)
                if data is not None:
                    await stream.write(data)

        return EventStream(_telling(produce))

    @router.post("/file")
    async def file(
        service: Served,
        pictures: Annotated[Pictures, pictures_given],
        stack: Annotated[str, Form(max_length=LONGEST_STACK)],
        format: Annotated[Format, Form()] = "psd",
        masks: Annotated[Masks, Form()] = "white",
        painted: Annotated[list[UploadFile], File(max_length=MOST_NODES)] = [],  # noqa: B006
    ) -> Response:
        wish = read_stack(stack, len(painted))
        levels = [await mask.read() for mask in painted]

        async def produce(stream: EventStream) -> None:
            with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
                work = functools.partial(make_file, pictures, masks, wish, levels, format, Path(folder), service)
                made = await service.admission.run(pictures.pixels, work, Told(stream, "layers"))
                size = {"width": made.width, "height": made.height, "bytes": made.path.stat().st_size}
                await stream.tell("file", name=made.path.name, media_type=made.media_type, **size)
                with made.path.open("rb") as data:
                    while piece := data.read(CHUNK_BYTES):
                        await stream.write(piece)

        return EventStream(_telling(produce))

    return router


def _telling(produce: Any) -> Any:
    """Tells what goes wrong once the answer has begun, and its end."""

    async def told(stream: EventStream) -> None:
        try:
            await produce(stream)
        except HTTPException as error:
            await stream.tell("failed", reason=error.detail)
        await stream.tell("end")

    return told
