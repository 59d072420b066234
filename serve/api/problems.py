"""What is answered where a request cannot be met: one clear line, as problem JSON (RFC 9457)."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nst_core.errors import BudgetError, NstError
from nst_core.files import is_disk_full

MEDIA_TYPE = "application/problem+json"

_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what mends it, in one line."},
    },
}
_MEANINGS = {
    400: "The request is malformed.",
    401: "A token is needed.",
    403: "The Host or Origin is not one that is served.",
    404: "There is no such style.",
    408: "The upload took too long.",
    413: "The file, the photo or the result is too large.",
    415: "The file is not a picture that can be read.",
    422: "An option is missing or out of its range.",
    429: "Too many requests are waiting; see Retry-After.",
    503: "The server is shutting down or cannot work, or the time for the picture is up.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers with problem JSON, as the OpenAPI document lists them."""
    return {
        status: {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
        for status in (*statuses, 401, 403)
    }


def refusal(status: int, detail: str, retry_after_s: int | None = None) -> HTTPException:
    """An error that becomes a problem answer where it is raised in a route."""
    return HTTPException(status, detail, None if retry_after_s is None else {"Retry-After": str(retry_after_s)})


def answer(error: HTTPException) -> Response:
    """The problem answer of an error."""
    title = HTTPStatus(error.status_code).phrase
    found = {
        "type": "about:blank",
        "title": title,
        "status": error.status_code,
        "detail": " ".join(error.detail.split()),
    }
    return _response(found, error.headers)


def _response(found: Mapping[str, Any], headers: Mapping[str, str] | None) -> Response:
    # ASCII, since names that come from outside may hold what UTF-8 cannot.
    body = json.dumps(found).encode("ascii")
    return Response(body, found["status"], {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


@contextlib.contextmanager
def refused(status: int, said: Callable[[str], str] = str) -> Iterator[None]:
    """Turns what the user can mend into a refusal with this status, or with 413 or 503 where that says more.

    Args:
        status: of the answer.
        said: makes the answer's text of the error's.
    """
    try:
        yield
    except BudgetError as error:
        raise refusal(413, said(str(error))) from error
    except NstError as error:
        raise refusal(status, said(str(error))) from error
    except MemoryError as error:
        raise refusal(413, "the picture does not fit into the memory; choose a smaller size") from error
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise _disk_full() from error


def without_folder(text: str, path: Path) -> str:
    """A message without the folder of a file: where it lies is nobody's business but the server's."""
    return text.replace(str(path), path.name)


def _disk_full() -> HTTPException:
    return refusal(503, "the server's disk is full; try again when it has space", 60)


def answer_problems(app: FastAPI) -> None:
    """Makes an app answer every error as problem JSON."""

    async def refusals(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(_disk_full() if is_disk_full(error) else error)  # an upload that is laid down may find it so

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(refusal(422, "; ".join(map(_what_is_wrong, error.errors()))))

    async def faults(request: Request, error: Exception) -> Response:
        return answer(refusal(500, f"a fault of ours ({type(error).__name__}); the server's log says more"))

    app.add_exception_handler(HTTPException, refusals)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, faults)


def _what_is_wrong(error: Mapping[str, Any]) -> str:
    """`strength: input should be less than or equal to 1.5`."""
    field = ".".join(str(part) for part in error["loc"][1:])
    message = str(error["msg"])
    return f"{field}: {message[:1].lower()}{message[1:]}"
