"""Who may talk to the server: Host against rebound names, Origin against other sites, a token against the rest."""

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.api.problems import answer, refusal

COOKIE = "impasto"
PROBES = ("/healthz", "/readyz")
"""Served to whoever asks, by whatever name and without a token; they tell nothing that is worth it."""
FORWARDED = (b"forwarded", b"x-forwarded-")
"""What proxies say of a request, and anybody else can; Gradio would believe it."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer that does not bring its own."""


@dataclass(frozen=True)
class Access:
    """Who is served."""

    hosts: frozenset[str] = frozenset()
    """Names and addresses, in lower case, under which the server is asked for; those of loopback always are."""
    any_address: bool = False
    """Whether any IP address will do as well: an address, unlike a name, cannot be made to point here."""
    token: str | None = None
    """What a client must know; None serves everybody."""
    public_url: str = ""
    """Where browsers find the server, without a slash at its end, if not where they ask for it: a proxy stands before
    it, adds TLS perhaps, and takes the path of this address off. Nothing that requests say of it is believed."""

    def has_host(self, host: str) -> bool:
        """Whether a Host header, with or without a port, is one of those served."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name == "localhost" or name in self.hosts
        return self.any_address or address.is_loopback or name in self.hosts

    def is_own(self, origin: str, host: str) -> bool:
        """Whether an Origin is the server's own, given the Host that it is asked for as."""
        # Host and port are compared as the browser shows them to us, so a proxy may stand before that keeps them.
        public = urlsplit(self.public_url)
        return _host_of(origin) == host.lower() or origin.lower() == f"{public.scheme}://{public.netloc}".lower()

    @property
    def path(self) -> str:
        """Of the page, as browsers see it."""
        return urlsplit(self.public_url).path + "/"

    @property
    def cookie(self) -> str:
        """What the page's cookie holds: not the token itself, as cookies reach every port of a host."""
        return hmac.digest((self.token or "").encode(), b"impasto page", hashlib.sha256).hex()

    def knows(self, headers: Headers) -> bool:
        """Whether a client has shown the token, or the cookie that it was given for it."""
        if self.token is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        return (kind.lower() == "bearer" and _same(given.strip(), self.token)) or _same(_cookie(headers), self.cookie)


class Guard:
    """Refuses whom `Access` does not allow, and gives every answer the headers of safety."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        scope["headers"] = [each for each in scope["headers"] if not each[0].startswith(FORWARDED)]
        try:
            self._check_source(scope)
            entered = self._entered(scope)
            if entered is None:
                self._check_token(scope)
        except HTTPException as error:
            if scope["type"] == "websocket":
                return await send({"type": "websocket.close", "code": 1008, "reason": error.detail})
            return await answer(error)(scope, receive, _with_headers(send))
        await (entered or self.app)(scope, receive, _with_headers(send))

    def _check_source(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if scope["path"] not in PROBES and not self.access.has_host(host):
            raise refusal(403, f"this server is not asked for as {host!r}; if it is to be, add --allow-host NAME")
        origin = headers.get("origin")
        if origin is not None and not self.access.is_own(origin, host):
            raise refusal(403, "requests from other sites are not served")
        # Browsers say where a request without Origin comes from; to follow a link from elsewhere is allowed.
        site = headers.get("sec-fetch-site", "none")
        link = headers.get("sec-fetch-mode") == "navigate" and scope.get("method") in ("GET", "HEAD")
        if site not in ("none", "same-origin") and not link:
            raise refusal(403, "requests from other sites are not served")

    def _check_token(self, scope: Scope) -> None:
        if scope["path"] not in PROBES and not self.access.knows(Headers(scope=scope)):
            error = refusal(401, "a token is needed: Authorization: Bearer TOKEN, or in a browser once /?token=TOKEN")
            error.headers = {"WWW-Authenticate": "Bearer"}
            raise error

    def _entered(self, scope: Scope) -> RedirectResponse | None:
        """For a link with the right token: to the page without it, with a cookie in its place."""
        if self.access.token is None or scope["type"] != "http" or scope["path"] != "/":
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in query if name == "token"]
        if not given or not _same(given[0], self.access.token):
            return None
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path, has_tls = self.access.path, self.access.public_url.startswith("https:")
        entered = RedirectResponse(f"{path}?{rest}" if rest else path, 303, {"Cache-Control": "no-store"})
        entered.set_cookie(COOKIE, self.access.cookie, path=path, secure=has_tls, httponly=True, samesite="strict")
        return entered


def _with_headers(send: Send) -> Send:
    async def speak(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return speak


def _host_of(origin: str) -> str:
    """Host and port of an origin; nothing for `null` and what is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _same(given: str, wanted: str) -> bool:
    """Whether two texts are the same, in a time that does not tell how much of them is."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
