"""Whether this server can be sent work just now. Asking is cheap: a network is opened once, not for each question."""

import asyncio
import logging
import threading
from concurrent.futures import Future

from nst_core.errors import NstError
from serve.api.admission import Admission
from serve.api.problems import without_folder
from serve.api.style_list import STYLES_VARIABLE, StyleList
from serve.engine import Engine

PATIENCE_S = 1.0
"""Longest that a question is kept waiting, as folders of styles on a network may never answer."""

logger = logging.getLogger(__name__)


class Readiness:
    """Looks whether there are styles and whether the engine paints; used from the event loop, but for `doubt`.

    Args:
        engine: paints.
        styles: that it should be able to paint.
        admission: knows what is in hand.
    """

    def __init__(self, engine: Engine, styles: StyleList, admission: Admission) -> None:
        self._engine, self._styles, self._admission = engine, styles, admission
        self._look: Future[str] | None = None
        self._doubts, self._doubts_settled = 1, 0
        """How often it was in question whether the engine paints, as it is at first; and how many of these are over."""

    async def reason(self) -> str:
        """Why no work should be sent here, without the names of folders; nothing where it should."""
        if self._admission.leaving:
            return "the server is shutting down"
        if self._admission.is_full:
            return f"{self._admission.present} requests are in hand, as many as are taken on"
        if self._look is None or self._look.done():
            self._look = Future()
            # Its own thread, as those that requests share may all be at work; none that the program's end waits for.
            threading.Thread(target=self._run, args=(self._look,), name="readiness", daemon=True).start()
        look = asyncio.wrap_future(self._look)
        await asyncio.wait({look}, timeout=PATIENCE_S)
        return look.result() if look.done() else "the styles are still being looked at"

    def doubt(self) -> None:
        """Tells that a style could not be painted with, which may be for want of an engine: it is tried again."""
        self._doubts += 1

    def _run(self, look: Future[str]) -> None:
        try:
            look.set_result(self._examine())
        except OSError as error:
            look.set_result(f"the styles cannot be read: {error.strerror}")
        except Exception as error:
            logger.exception("readiness")
            look.set_result(f"a fault of ours ({type(error).__name__}); the server's log says more")

    def _examine(self) -> str:
        if self._styles.is_folder_missing():
            return f"the folder of styles that {STYLES_VARIABLE} names is not there"
        styles = self._styles.catalog().styles
        if not styles:
            return "there are no styles"
        doubts = self._doubts
        if doubts == self._doubts_settled:
            return ""
        reasons = []
        for style in styles:  # one may be broken
            try:
                self._engine.rehearse(style)
            except NstError as error:
                reasons.append(without_folder(str(error), style.path))
            else:
                self._doubts_settled = doubts
                return ""
        return f"no style can be painted with: {reasons[0]}"
