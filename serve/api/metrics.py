"""Figures of a running server, as Prometheus reads them."""

import importlib.metadata
import platform
import time
from collections.abc import Callable

import onnxruntime
import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.api.admission import Admission
from serve.api.style_list import StyleList
from serve.engine import Engine

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
METHODS = ("GET", "HEAD", "POST")
OTHER = "other"
"""Route of what is no route of the API, the page's own files among it; method that no route has."""


class Metrics:
    """The figures of one app, as it has them in hand: none of them waits for anything.

    Args:
        engine: paints.
        styles: that it paints.
        admission: knows what is in hand.
    """

    def __init__(self, engine: Engine, styles: StyleList, admission: Admission) -> None:
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
            (
                "impasto_requests_present",
                "Requests for work in hand, uploads among them.",
                lambda: admission.present,
            ),
            ("impasto_requests_capacity", "Requests for work that are taken on at a time.", lambda: admission.capacity),
            ("impasto_requests_waiting", "Pictures waiting for their turn.", lambda: admission.waiting),
            ("impasto_requests_running", "Pictures being painted.", lambda: admission.running),
            ("impasto_styles", "Styles that can be painted with.", lambda: len(styles.last.styles)),
            ("impasto_styles_broken", "Files among the styles that are broken.", lambda: len(styles.last.broken)),
            ("impasto_networks_bytes", "Memory of networks kept ready, estimated.", lambda: engine.held_bytes),
            ("impasto_resident_bytes", "Memory of the process.", lambda: psutil.Process().memory_info().rss),
        )
        for name, text, figure in gauges:
            Gauge(name, text, registry=registry).set_function(figure)
        self._ready = Gauge("impasto_ready", "1 if /readyz says that work should be sent here.", registry=registry)
        build = {
            "version": importlib.metadata.version("impasto"),
            "python": platform.python_version(),
            "onnxruntime": onnxruntime.__version__,
            "provider": engine.provider.name,
        }
        Gauge("impasto_build_info", "What runs here.", build, registry=registry).labels(**build).set(1)

    def response(self, ready: bool) -> Response:
        """All figures, in Prometheus' text format."""
        self._ready.set(ready)
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
