"""Requests for work: each has a place among those in hand, and its work ends when its client has gone."""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.api.admission import Admission
from serve.api.problems import answer

PREFIX = "/api/v1/"
"""Where what is posted is work."""


class WorkRequests:
    """Gives each piece of work a place, and cancels it when its client has gone, or takes nothing of the answer."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self.app, self.admission = app, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.admission.leaving:
            send = _hanging_up(send)
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(PREFIX):
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


def _hanging_up(send: Send) -> Send:
    """Asks the client, a balancer perhaps, to send nothing more over its connection, which would meet its end."""

    async def speak(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Connection"] = "close"
        await send(message)

    return speak
