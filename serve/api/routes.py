"""The routes of the HTTP API."""

import json
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from serve.api.answers import METRICS, PICTURE, PNG, WORK_PROBLEMS, Event, Health, InspectAnswer, StylesAnswer
from serve.api.forms import Image, StyleName, StyleNames, Wish, read_wish
from serve.api.problems import problems, refusal
from serve.api.service import Served
from serve.api.stream import Download, EventStream, Told
from serve.api.style_list import describe_catalog

LARGEST_PREVIEW_PX = 4096

watch_routes = APIRouter(tags=["watch"])
style_routes = APIRouter(prefix="/api/v1", tags=["styles"])
work_routes = APIRouter(prefix="/api/v1", tags=["paint"])

Wished = Annotated[Wish, Depends(read_wish)]


@watch_routes.get("/healthz", responses=problems())
async def health() -> Health:
    """That the server lives, whatever it has to do; one that does not answer is best started anew."""
    return Health(status="ok")


@watch_routes.get("/readyz", responses=problems(503))
async def ready(service: Served) -> Health:
    """Whether work should be sent here; 503 says why not: no styles or no engine, full, or shutting down."""
    if reason := await service.readiness.reason():
        raise refusal(503, reason)
    return Health(status="ok")


@watch_routes.get("/metrics", responses=METRICS | problems(), response_class=Response)
async def metrics(service: Served) -> Response:
    """Figures of the server, as Prometheus reads them."""
    return service.metrics.response(ready=not await service.readiness.reason())


@style_routes.get("/styles", responses=problems(), response_model=StylesAnswer)
async def list_styles(service: Served) -> object:
    """All styles that can be painted with now, and the files that are broken."""
    return await run_in_threadpool(lambda: describe_catalog(service.styles.catalog()))


@style_routes.get("/styles/{name}/thumbnail", responses=PNG | problems(404, 422, 503), response_class=Response)
async def thumbnail(
    request: Request,
    service: Served,
    name: Annotated[str, Path(max_length=255)],
    v: Annotated[
        str, Query(max_length=64, description="As in the style's `thumbnail`; lets the picture be kept.")
    ] = "",
) -> Response:
    """What a photo looks like in a style."""
    found = await service.thumbnail(name)
    keep = "max-age=31536000, immutable" if v == found.tag else "no-cache"
    headers = {"ETag": f'"{found.tag}"', "Cache-Control": f"private, {keep}"}
    if f'"{found.tag}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.data, headers=headers, media_type="image/png")


@work_routes.post("/paint", responses=PICTURE | WORK_PROBLEMS, response_class=Response)
async def paint(service: Served, image: Image, style: StyleName, wish: Wished) -> Response:
    """Paints a photo in a style."""
    photo, (found,) = await service.prepare(image, [style], wish)
    painted = await service.paint(photo, found, wish)
    headers = {
        "Content-Disposition": attachment(wish.filename(photo, found)),
        "Cache-Control": "no-store",
        "X-Impasto-Seconds": f"{painted.seconds:.3f}",
        "X-Impasto-Size": f"{painted.width}x{painted.height}",
    }
    return Download(painted.data, headers=headers, media_type=wish.media_type)


@work_routes.post(
    "/paint/stream",
    status_code=200,
    response_class=EventStream,
    response_model=Event,
    response_description="Events, one JSON object a line; the last is `end`.",
    responses=WORK_PROBLEMS,
)
async def paint_stream(service: Served, image: Image, style: StyleNames, wish: Wished) -> Response:
    """Paints a photo in one or more styles, and tells how it goes; the work ends when the client leaves."""
    photo, found = await service.prepare(image, style, wish)

    async def produce(stream: EventStream) -> None:
        for each in found:
            try:
                painted = await service.paint(photo, each, wish, Told(stream, each.name))
            except HTTPException as error:
                await stream.tell("failed", style=each.name, reason=error.detail)
            else:
                await stream.tell_picture(each.name, wish.media_type, wish.filename(photo, each), painted)
        await stream.tell("end")

    return EventStream(produce)


@work_routes.post("/inspect", responses=WORK_PROBLEMS, response_model=InspectAnswer)
async def inspect(
    service: Served,
    image: Image,
    preview: Annotated[
        int, Form(ge=0, le=LARGEST_PREVIEW_PX, description="Long side of the preview, pixels; 0 for none.")
    ] = 0,
) -> Response:
    """What is in a file: the settings that Impasto wrote there, and a preview for what browsers cannot show."""
    found = await service.inspect(image, preview)
    return Response(json.dumps(found), media_type="application/json")  # ASCII: settings may hold what UTF-8 cannot


def attachment(filename: str) -> str:
    """Names a file in a header, for old programs in ASCII."""
    plain = "".join(letter if letter.isascii() and letter not in '"\\%' else "_" for letter in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
