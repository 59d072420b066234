"""Paints a photo over the HTTP API of `impasto ui`, and shows how it comes along.

python examples/api_client.py                                        lists the styles
python examples/api_client.py cat.jpg starry_night udnie             writes what the server calls the pictures
IMPASTO_TOKEN=... python examples/api_client.py --server http://studio.local:7860 cat.jpg udnie

It needs httpx and nothing of Impasto: copy it into a program of your own.
"""

import argparse
import base64
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

TIMEOUT = httpx.Timeout(30, read=900)
"""Seconds; a large picture may be long in coming."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Lists styles, or paints; gives the exit code."""
    parser = argparse.ArgumentParser(description="Paint a photo over the HTTP API of Impasto.")
    parser.add_argument("photo", nargs="?", type=Path)
    parser.add_argument("style", nargs="*")
    parser.add_argument("--server", default="http://127.0.0.1:7860")
    options = parser.parse_args(arguments)
    token = os.environ.get("IMPASTO_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=options.server, headers=headers, timeout=TIMEOUT) as client:
        if options.photo is None:
            for style in answer(client.get("/api/v1/styles")).json()["styles"]:
                print(f"{style['name']:24} {style['title']}, {style['artist']}")
            return 0
        failed = [show(event) for event in paint(client, options.photo, options.style, format="png")]
    return int(any(failed))


def paint(client: httpx.Client, photo: Path, styles: Sequence[str], **fields: Any) -> Iterator[dict[str, Any]]:
    """The events of painting a photo in each style; the fields are those of /openapi.json, like strength=0.6."""
    with photo.open("rb") as file:
        form = {"files": {"image": (photo.name, file)}, "data": {"style": list(styles), **fields}}
        with client.stream("POST", "/api/v1/paint/stream", **form) as response:
            for line in answer(response).iter_lines():
                yield json.loads(line)


def answer(response: httpx.Response) -> httpx.Response:
    """The response, if it is none of an error; what is wrong, its detail says."""
    if response.is_error:
        response.read()
        wait = response.headers.get("Retry-After")
        sys.exit(f"{response.json()['detail']}" + (f" (in {wait} s)" if wait else ""))
    return response


def show(event: dict[str, Any]) -> bool:
    """Tells of an event, and writes a finished picture here; gives whether something failed."""
    match event["event"]:
        case "waiting":
            print(f"waiting, number {event['position']} in the line")
        case "progress":
            print(f"{event['style']}: {event['share']:.0%}, {event['seconds_left']:.0f} s left")
        case "picture":
            Path(Path(event["filename"]).name).write_bytes(base64.b64decode(event["data"]))
            print(f"{event['filename']}: {event['width']}x{event['height']} px, {event['seconds']:.2f} s")
        case "failed":
            print(f"{event['style']}: {event['reason']}", file=sys.stderr)
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
