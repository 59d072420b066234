"""Whom `impasto ui` serves: its options, what they mean together, and the address that browsers know it by."""

import ipaddress
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonargparse import ArgumentParser, Namespace

from nst_core.errors import ConfigError
from serve.api.guard import Access

TOKEN_VARIABLE = "IMPASTO_TOKEN"
LEAST_TOKEN = 16
"""Characters; fewer can be guessed."""
MAKE_TOKEN = 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe())"'
WILDCARDS = ("0.0.0.0", "::")
"""Hosts that stand for every address of the machine."""


def add_access(parser: ArgumentParser) -> None:
    """Adds the options that say who is served."""
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
    add(
        "--public-url", metavar="URL", type=_public_url,
        help="where browsers find this server if a proxy or balancer stands before it, like https://studio.example",
    )  # fmt: skip
    add("--insecure", action="store_true", help="serve other machines without a token")


def _public_url(value: Any) -> str:
    """An address without the slash at its end."""
    text = str(value).rstrip("/")
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        sound = sound and re.fullmatch(r"[\w.:\[\]-]+", parts.netloc) and re.fullmatch(r"(/[\w.~-]+)*", parts.path)
    except ValueError:
        sound = False
    if not sound or "?" in text or "#" in text:
        raise ConfigError(f"--public-url must be an address like https://studio.example/impasto, not {value}")
    return text


def read_access(options: Namespace) -> Access:
    """Who is served, as the options say.

    Raises:
        ConfigError: other machines would be served without a token, or the token is none.
    """
    token = _read_token(options.token_file)
    host = options.host.lower().strip("[]")
    public = urlsplit(options.public_url or "").hostname
    if not _is_loopback(host):
        _check_open(f"--host {options.host}", options.host, token, options.insecure)
    elif public and not _is_loopback(public):
        _check_open(f"--public-url {options.public_url}", options.public_url, token, options.insecure)
    hosts = {host, *(name.lower() for name in options.allow_host), *([public] if public else [])}
    return Access(frozenset(hosts), any_address=host in WILDCARDS, token=token, public_url=options.public_url or "")


def _check_open(option: str, address: str, token: str | None, insecure: bool) -> None:
    """Serving other machines without a token has to be meant.

    Raises:
        ConfigError: it is not.
    """
    if token is None and not insecure:
        raise ConfigError(
            f"{option} serves other machines too, which needs a token: set {TOKEN_VARIABLE} or give "
            f"--token-file ({MAKE_TOKEN}), or say --insecure to serve whoever comes"
        )
    if token is None:
        print(f"impasto: --insecure: whoever reaches {address} can paint here and use up this machine", file=sys.stderr)


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


def page_address(options: Namespace, port: int) -> str:
    """Where a browser finds the page: as it is said, or on this machine."""
    if options.public_url:
        return f"{options.public_url}/"
    host: str = options.host.strip("[]")
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def how_to_enter(access: Access) -> str:
    """What is to be said behind the address."""
    return "" if access.token is None else " (in a browser, once with ?token= and the token)"
