"""The HTTP API: painting for programs and for the page. Nothing of a request outlives it."""

import importlib.metadata

from fastapi import FastAPI

from serve.api.admission import Admission
from serve.api.body_limit import BodyLimit
from serve.api.forms import STYLES_AT_ONCE
from serve.api.guard import Access, Guard
from serve.api.limits import Limits
from serve.api.metrics import Measured, Metrics
from serve.api.problems import answer_problems
from serve.api.readiness import Readiness
from serve.api.routes import style_routes, watch_routes, work_routes
from serve.api.service import Service
from serve.api.style_list import StyleList
from serve.api.thumbnails import Thumbnails
from serve.api.work_requests import WorkRequests
from serve.engine import Engine

DESCRIPTION = """\
Paints photos in the styles of paintings. What is sent is forgotten once the answer is sent: the server keeps no
pictures. Errors are problem JSON (RFC 9457). Where the server needs a token, send it as `Authorization: Bearer TOKEN`.
"""


def build_app(engine: Engine, limits: Limits | None = None, access: Access | None = None) -> FastAPI:
    """The API as an app; a page may be mounted below it.

    Args:
        engine: paints.
        limits: of what is taken on; None is the usual.
        access: who is served; None is whoever asks on loopback.

    Returns:
        The app; `app.state.service` is its `Service`.
    """
    limits = limits or Limits()
    app = FastAPI(
        title="Impasto",
        version=importlib.metadata.version("impasto"),
        description=DESCRIPTION,
        docs_url=None,  # those pages would fetch their scripts from elsewhere
        redoc_url=None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        form_limits={"max_files": 1, "max_fields": STYLES_AT_ONCE + 20, "max_part_size": 8192},
    )
    admission = Admission(limits)
    styles = StyleList()
    metrics = Metrics(engine, styles, admission)
    readiness = Readiness(engine, styles, admission)
    app.state.service = Service(engine, limits, admission, metrics, styles, Thumbnails(engine), readiness)
    answer_problems(app)
    for router in (watch_routes, style_routes, work_routes):
        app.include_router(router)
    # The one that is added last is the first that a request passes.
    app.add_middleware(WorkRequests, admission=admission)
    app.add_middleware(BodyLimit, limits=limits)
    app.add_middleware(Guard, access=access or Access())
    app.add_middleware(Measured, metrics=metrics)
    return app
