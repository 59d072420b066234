"""Answers that are sent piece by piece: events, each the moment it is known, and pictures as fast as they are taken."""

import base64
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serve.api.paint_job import Painted

MEDIA_TYPE = "application/x-ndjson"
CHUNK_BYTES = 3 << 18
"""Of a picture, sent at a time; a multiple of 3, so that the pieces in base64 make one text."""


class Download(Response):
    """A file, sent no faster than the client takes it: until then, its request keeps its place."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        data = memoryview(self.body)
        for start in range(0, len(data), CHUNK_BYTES):
            piece = bytes(data[start : start + CHUNK_BYTES])
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class EventStream(Response):
    """An answer that its producer writes line by line.

    Args:
        produce: is given the stream, and tells it what happens; when it returns, the answer is complete.
    """

    media_type = MEDIA_TYPE

    def __init__(self, produce: Callable[["EventStream"], Awaitable[None]]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._produce = produce

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._send = send
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._produce(self)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def tell(self, event: str, **fields: Any) -> None:
        """One event."""
        await self.write(json.dumps({"event": event, **fields}).encode("ascii") + b"\n")

    async def tell_picture(self, style: str, media_type: str, filename: str, painted: Painted) -> None:
        """The event `picture`, its data encoded piece by piece: a print is too large to be held twice."""
        fields = {
            "event": "picture",
            "style": style,
            "media_type": media_type,
            "filename": filename,
            "width": painted.width,
            "height": painted.height,
            "seconds": round(painted.seconds, 3),
        }
        await self.write(json.dumps(fields).encode("ascii")[:-1] + b', "data": "')
        data = memoryview(painted.data)
        for start in range(0, len(data), CHUNK_BYTES):
            await self.write(base64.b64encode(data[start : start + CHUNK_BYTES]))
        await self.write(b'"}\n')

    async def write(self, body: bytes) -> None:
        """Bytes of the answer, after the event that tells of them."""
        await self._send({"type": "http.response.body", "body": body, "more_body": True})


class Told:
    """Tells a stream how one style's work goes: only what is new.

    Args:
        stream: to tell.
        style: that is painted.
    """

    def __init__(self, stream: EventStream, style: str) -> None:
        self._stream, self._style = stream, style
        self._position, self._share = 0, 0.0
        self._start: float | None = None

    async def __call__(self, position: int, share: float) -> None:
        """As `Admission.run` reports."""
        if position:
            if position != self._position:
                self._position = position
                await self._stream.tell("waiting", position=position)
            return
        if self._start is None:
            self._start = time.perf_counter()
            await self._stream.tell("begun", style=self._style)
        if share > self._share:
            self._share = share
            left = (time.perf_counter() - self._start) * (1 - share) / share
            await self._stream.tell("progress", style=self._style, share=round(share, 4), seconds_left=round(left, 1))
