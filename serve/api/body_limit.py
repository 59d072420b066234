"""Refuses requests whose body is too large, or too slow in coming."""

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.api.limits import Limits
from serve.api.problems import answer, refusal


class BodyLimit:
    """Refuses bodies that are too large, by what they say and by what arrives, or too slow."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > self.limits.upload_bytes:
            return await answer(self._too_large())(scope, receive, send)
        arrived, complete = 0, False
        deadline = asyncio.get_running_loop().time() + self.limits.timeout_s

        async def limited() -> Message:
            nonlocal arrived, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                raise refusal(408, f"the upload was not done within {self.limits.timeout_s:g} s") from error
            complete = not message.get("more_body", False)
            arrived += len(message.get("body", b""))
            if arrived > self.limits.upload_bytes:
                raise self._too_large()
            return message

        await self.app(scope, limited, send)

    def _too_large(self) -> HTTPException:
        megabytes = f"{self.limits.upload_bytes / 1e6:g} MB"
        return refusal(413, f"the upload is over the limit of {megabytes}; send a smaller file, or raise --max-upload")
