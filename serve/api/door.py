"""What a request passes on its way in: limits of its body, a place among those in hand, an eye on the client."""

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.api.admission import Admission
from serve.api.limits import Limits
from serve.api.problems import answer, refusal

WORK_PREFIX = "/api/v1/"
"""Where what is posted is work."""


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


class Door:
    """Gives each piece of work a place, and cancels it when its client has gone, or takes nothing of the answer."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self.app, self.admission = app, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(WORK_PREFIX):
            return await self.app(scope, receive, send)
        try:
            with self.admission.place():
                await self._while_connected(scope, receive, send)
        except HTTPException as error:  # from the place; those of the app are answered there
            await answer(error)(scope, receive, send)

    async def _while_connected(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None
        body_read, answered, gone = asyncio.Event(), False, False

        async def hear() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                body_read.set()
            return message

        async def speak(message: Message) -> None:
            nonlocal answered, gone
            answered = message["type"] == "http.response.body" and not message.get("more_body", False)
            try:
                async with asyncio.timeout(self.admission.limits.timeout_s):
                    await send(message)
            except TimeoutError as error:  # it is there, but takes nothing
                gone = True
                raise asyncio.CancelledError from error

        async def watch() -> None:
            nonlocal gone
            await body_read.wait()
            while (await receive())["type"] != "http.disconnect":
                pass
            if not answered:
                gone = True
                task.cancel()

        watcher = asyncio.create_task(watch())
        try:
            await self.app(scope, hear, speak)
        except asyncio.CancelledError:
            if not gone:
                raise
            task.uncancel()
        finally:
            watcher.cancel()
