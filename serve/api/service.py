"""What the routes of one app share, and the steps that they are made of."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from models.catalog import Style
from nst_core.errors import ModelError
from serve.api.admission import Admission, Report, silent
from serve.api.forms import Photo, Wish, read_photo
from serve.api.limits import Limits
from serve.api.metrics import Metrics
from serve.api.paint_job import Painted, inspect, paint
from serve.api.problems import refused, without_folder
from serve.api.readiness import Readiness
from serve.api.style_list import StyleList
from serve.api.thumbnails import Thumbnail, Thumbnails
from serve.engine import Engine


@dataclass(frozen=True)
class Service:
    """Painting for requests."""

    engine: Engine
    limits: Limits
    admission: Admission
    metrics: Metrics
    styles: StyleList
    thumbnails: Thumbnails
    readiness: Readiness

    async def prepare(self, image: UploadFile, names: Sequence[str], wish: Wish) -> tuple[Photo, list[Style]]:
        """The photo and the styles of a request, once all that can be known before the work is found right.

        Raises:
            HTTPException: something is wrong.
        """
        styles = [await run_in_threadpool(self.styles.style, name) for name in dict.fromkeys(names)]
        photo = await read_photo(image, self.limits)
        with refused(422):
            wish.check(photo, styles, self.limits)
        return photo, styles

    async def paint(self, photo: Photo, style: Style, wish: Wish, report: Report = silent) -> Painted:
        """Paints when the turn has come."""
        work = functools.partial(paint, self.engine, photo, style, wish, self.limits)
        try:
            painted = await self.admission.run(wish.pixels(photo), work, report)
        except HTTPException as error:
            if isinstance(error.__cause__, ModelError):
                self.readiness.doubt()
            raise
        self.metrics.pictures.labels(style.name).inc()
        return painted

    async def inspect(self, image: UploadFile, preview_px: int) -> dict[str, Any]:
        """What is in a file."""
        photo = await read_photo(image, self.limits)
        return await self.admission.run(photo.pixels, lambda progress: inspect(photo, preview_px, self.limits))

    async def thumbnail(self, name: str) -> Thumbnail:
        """A style's picture, which may have to be painted first."""
        style = await run_in_threadpool(self.styles.style, name)
        if (found := await run_in_threadpool(self.thumbnails.find, style)) is not None:
            return found

        def painted(progress: object) -> Thumbnail:
            with refused(422, lambda text: without_folder(text, style.path)):
                return self.thumbnails.paint(style)

        return await self.admission.run(0, painted)


def _service(request: Request) -> Service:
    return request.app.state.service


Served = Annotated[Service, Depends(_service)]
"""The service of the app that a route belongs to."""
