"""`impasto ui`: the page, and the HTTP API, on this machine."""

import ipaddress
import os
import re
import sys
import webbrowser
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from jsonargparse import ArgumentParser, Namespace

from impasto import values
from impasto.compute import add_compute
from nst_core.errors import ConfigError
from serve.api.app import build_app
from serve.api.guard import Access
from serve.api.limits import Limits
from serve.api.server import Server, bind, run_server
from serve.engine import Engine
from serve.profile import profile_names, read_profile
from serve.providers import ComputeOptions

EXAMPLES = """\
examples:
  impasto ui                                                open http://127.0.0.1:7860/ in a browser
  impasto ui --port 0 --open                                any port that is free; opens the browser itself
  impasto ui --gallery sweep                                with the pictures of a sweep in the Gallery tab
  IMPASTO_TOKEN=... impasto ui --host 0.0.0.0               for your network, to those who know the token
  impasto ui --profile gtx970                               on a GeForce GTX 970, within its memory
  impasto ui --host 192.168.1.5 --token-file token.txt --allow-host studio.local

Programs find the same under /api/v1/, described in /openapi.json. Ctrl-C lets running work finish, a second one ends
at once. Exit code: 0 ended, 2 something to mend, 130 stopped by Ctrl-C.
"""

TOKEN_VARIABLE = "IMPASTO_TOKEN"
LEAST_TOKEN = 16
"""Characters; fewer can be guessed."""
MAKE_TOKEN = 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe())"'
WILDCARDS = ("0.0.0.0", "::")
"""Hosts that stand for every address of the machine."""


def build_parser() -> ArgumentParser:
    """The command's options; the defaults of the limits come from `Limits`."""
    parser = ArgumentParser(
        prog="impasto ui", description="Paint in the browser, and serve the HTTP API.", epilog=EXAMPLES
    )
    add = parser.add_argument
    add(
        "--port", metavar="N", type=values.number("--port", 0, 65535, whole=True), default=7860,
        help="port; 0 takes any that is free (default: %(default)s)",
    )  # fmt: skip
    add("--open", action="store_true", help="open the page in the browser")
    add(
        "--gallery", metavar="FOLDER", type=str,
        help="painted pictures to be seen in the Gallery tab (default: sweep, in the current folder)",
    )  # fmt: skip
    _add_access(parser)
    _add_limits(parser)
    add_compute(parser)
    add(
        "--profile", choices=profile_names(), default=None,
        help="limits and settings of a kind of machine, see configs/profiles/",
    )  # fmt: skip
    return parser


def _add_access(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Who is served").add_argument
    add(
        "--host", metavar="ADDRESS", type=str, default="127.0.0.1",
        help="address to serve on; one that others reach needs a token (default: %(default)s)",
    )  # fmt: skip
    add("--token-file", metavar="FILE", type=str, help=f"file that holds the token (default: {TOKEN_VARIABLE}, if set)")
    add(
        "--allow-host", metavar="NAME", action="append", type=str, default=[],
        help="a name under which browsers ask for this server; may be given again",
    )  # fmt: skip
    add("--insecure", action="store_true", help="serve other machines without a token")


def _add_limits(parser: ArgumentParser) -> None:
    add = parser.add_argument_group("Limits").add_argument
    usual = Limits()
    add(
        "--max-upload", metavar="SIZE", type=_upload, default=usual.upload_bytes,
        help=f"refuse larger uploads (default: {usual.upload_bytes // 1_000_000}MB)",
    )  # fmt: skip
    add(
        "--max-megapixels", metavar="N", type=values.number("--max-megapixels", 0.001, 1e6), default=usual.pixels / 1e6,
        help="refuse larger photos and results (default: %(default)s)",
    )  # fmt: skip
    add(
        "--queue", metavar="N", type=values.number("--queue", 0, 10_000, whole=True), default=usual.waiting,
        help="requests that may wait (default: %(default)s)",
    )  # fmt: skip
    add(
        "--timeout", metavar="S", type=values.number("--timeout", 1, 86_400), default=usual.timeout_s,
        help="seconds that a picture may wait and be painted (default: %(default)s)",
    )  # fmt: skip


def _upload(value: Any) -> int:
    """`200MB` or `1GB` as bytes."""
    try:
        return values.memory(value) or 0
    except ConfigError as error:
        raise ConfigError(f"--max-upload must be a size like 200MB or 1GB, not {value}") from error


def run(options: Namespace) -> int:
    """Serves until a signal comes; gives the exit code.

    Raises:
        ConfigError: the address cannot be served on, or needs a token.
    """
    access = read_access(options)
    gallery = _gallery(options.gallery)
    limits = Limits(
        upload_bytes=options.max_upload,
        pixels=round(options.max_megapixels * 1e6),
        waiting=options.queue,
        timeout_s=options.timeout,
    )
    with bind(options.host.strip("[]"), options.port) as listener:
        address = _address(options.host, listener.getsockname()[1])
        app = build_app(_engine(options), limits, access)
        _mount_page(app, gallery)

        def ready() -> None:
            print(f"Impasto is at {address}{_how_to_enter(access)}; Ctrl-C ends it", flush=True)
            if options.open:
                webbrowser.open(address)

        def closing(count: int) -> None:
            print(f"impasto: {count} in hand to be finished; Ctrl-C again ends at once", file=sys.stderr, flush=True)

        run_server(Server(app, app.state.service.admission, ready, closing), listener)
    return 0


def _engine(options: Namespace) -> Engine:
    profile = read_profile(options.profile) if options.profile else None
    provider = options.provider if options.provider != "auto" or profile is None else profile.provider
    card_memory, memory_limit = (profile.card_memory, profile.memory_limit) if profile else (0, 0)
    return Engine(ComputeOptions(provider, card_memory=card_memory), options.memory_limit or memory_limit)


def _gallery(folder: str | None) -> Path | None:
    """The folder of the Gallery tab, None for the usual one.

    Raises:
        ConfigError: It is none.
    """
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError(f"--gallery {folder} is no folder; name one with pictures that Impasto painted")
    return None if folder is None else Path(folder)


def _mount_page(app: FastAPI, gallery: Path | None) -> None:
    # Gradio reads these when it is imported: nothing is told to anybody.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_OFFLINE"] = "1"
    from impasto.page import (
        GALLERY,
        mount_page,
    )  # Gradio takes seconds, and what is wrong with the options is said before

    mount_page(app, gallery or GALLERY)


def read_access(options: Namespace) -> Access:
    """Who is served, as the options say.

    Raises:
        ConfigError: other machines would be served without a token, or the token is none.
    """
    token = _read_token(options.token_file)
    host = options.host.lower().strip("[]")
    if not _is_loopback(host):
        if token is None and not options.insecure:
            raise ConfigError(
                f"--host {options.host} serves other machines too, which needs a token: set {TOKEN_VARIABLE} or give "
                f"--token-file ({MAKE_TOKEN}), or say --insecure to serve whoever comes"
            )
        if token is None:
            print(
                f"impasto: --insecure: whoever reaches {options.host} can paint here and use up this machine",
                file=sys.stderr,
            )
    hosts = {host, *(name.lower() for name in options.allow_host)}
    return Access(frozenset(hosts), any_address=host in WILDCARDS, token=token)


def _read_token(file: str | None) -> str | None:
    """The token of a file, or of the environment; None where there is none.

    Raises:
        ConfigError: the file cannot be read, or the token is too short.
    """
    if file is None:
        token, place = os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
        if not token:
            return None
    else:
        place = f"--token-file {file}"
        try:
            token = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{place} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not re.fullmatch(rf"[!-~]{{{LEAST_TOKEN},}}", token):
        raise ConfigError(f"{place}: a token is {LEAST_TOKEN} or more letters, digits and signs; {MAKE_TOKEN}")
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(host: str, port: int) -> str:
    """Where a browser on this machine finds the page."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host).strip("[]")
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def _how_to_enter(access: Access) -> str:
    return "" if access.token is None else " (in a browser, once with ?token= and the token)"
