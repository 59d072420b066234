"""`impasto ui`: the page, and the HTTP API, on this machine."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from jsonargparse import ArgumentParser, Namespace

from impasto import values
from impasto.compute import add_compute
from impasto.ui_access import add_access, how_to_enter, page_address, read_access
from nst_core.errors import ConfigError
from serve.api.app import build_app
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
  impasto ui --paint-only --host 0.0.0.0 --token-file token.txt --public-url https://studio.example
                                                            one of several servers behind a balancer, see deploy/

Programs find the same under /api/v1/, described in /openapi.json. Ctrl-C and SIGTERM let work in hand
finish, a second one ends at once. Exit code: 0 ended, 2 something to mend, 130 stopped by Ctrl-C.
"""


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
    add(
        "--paint-only", action="store_true",
        help="the Paint tab and the HTTP API alone, which keep nothing: for several servers behind one address",
    )  # fmt: skip
    add_access(parser)
    _add_limits(parser)
    add_compute(parser)
    add(
        "--profile", choices=profile_names(), default=None,
        help="limits and settings of a kind of machine, see configs/profiles/",
    )  # fmt: skip
    return parser


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
    add(
        "--drain", metavar="S", type=values.number("--drain", 0, 3600), default=0.0,
        help="seconds after SIGTERM or Ctrl-C that work is still taken on while /readyz says no, for balancers that "
        "ask now and then (default: %(default)s)",
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
    gallery = _gallery(options.gallery, options.paint_only)
    limits = Limits(
        upload_bytes=options.max_upload,
        pixels=round(options.max_megapixels * 1e6),
        waiting=options.queue,
        timeout_s=options.timeout,
    )
    with bind(options.host.strip("[]"), options.port) as listener:
        address = page_address(options, listener.getsockname()[1])
        app = build_app(_engine(options), limits, access)
        _mount_page(app, gallery, options)

        def ready() -> None:
            print(f"Impasto is at {address}{how_to_enter(access)}; Ctrl-C ends it", flush=True)
            if options.open:
                webbrowser.open(address)

        def closing(count: int) -> None:
            more = f" and what comes within {options.drain:g} s" if options.drain else ""
            print(
                f"impasto: {count} in hand{more} to be finished; Ctrl-C again ends at once", file=sys.stderr, flush=True
            )

        server = Server(app, app.state.service.admission, ready, closing, drain_s=options.drain)
        run_server(server, listener)
    return 0


def _engine(options: Namespace) -> Engine:
    profile = read_profile(options.profile) if options.profile else None
    provider = options.provider if options.provider != "auto" or profile is None else profile.provider
    card_memory, memory_limit = (profile.card_memory, profile.memory_limit) if profile else (0, 0)
    return Engine(ComputeOptions(provider, card_memory=card_memory), options.memory_limit or memory_limit)


def _gallery(folder: str | None, paint_only: bool) -> Path | None:
    """The folder of the Gallery tab, None for the usual one.

    Raises:
        ConfigError: It is none, or there is to be no such tab.
    """
    if folder is not None and paint_only:
        raise ConfigError("--paint-only serves no Gallery tab; leave out --gallery, or --paint-only")
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError(f"--gallery {folder} is no folder; name one with pictures that Impasto painted")
    return None if folder is None else Path(folder)


def _mount_page(app: FastAPI, gallery: Path | None, options: Namespace) -> None:
    # Gradio reads these when it is imported: nothing is told to anybody.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_OFFLINE"] = "1"
    # Gradio takes seconds, and what is wrong with the options is said before.
    from impasto.page import GALLERY, mount_page

    mount_page(app, None if options.paint_only else gallery or GALLERY, options.public_url)
