"""Figures of a running server, as Prometheus reads them."""

import time
from collections.abc import Callable

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.api.admission import Admission

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
METHODS = ("GET", "HEAD", "POST")
OTHER = "other"
"""Route of what is no route of the API, the page's own files among it; method that no route has."""


class Metrics:
    """The figures of one app."""

    def __init__(self, admission: Admission) -> None:
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "impasto_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "impasto_request_seconds", "From request to the end of the answer.", ("route",), buckets=SECONDS,
            registry=registry,
        )  # fmt: skip
        self.pictures = Counter("impasto_pictures", "Pictures painted.", ("style",), registry=registry)
        gauges: tuple[tuple[str, str, Callable[[], float]], ...] = (
            ("impasto_requests_waiting", "Pictures waiting for their turn.", lambda: admission.waiting),
            ("impasto_requests_running", "Pictures being painted.", lambda: admission.running),
            ("impasto_resident_bytes", "Memory of the process.", lambda: psutil.Process().memory_info().rss),
        )
        for name, text, figure in gauges:
            Gauge(name, text, registry=registry).set_function(figure)

    def response(self) -> Response:
        """All figures, in Prometheus' text format."""
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class Measured:
    """Counts the requests of an app and their time."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        start = time.perf_counter()
        status = "gone"  # where the client left before there was an answer

        async def speak(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, speak)
        except Exception:
            status = "500"
            raise
        finally:
            route = getattr(scope.get("route"), "path", OTHER)
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self.metrics.requests.labels(method, route, status).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - start)
