"""The work of `impasto optimize`: each photo from its files to its result, and nothing lost on the way."""

import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from impasto.optimize_display import Display, stop_on_signal
from impasto.optimize_files import Job, plan_jobs, read_sources
from impasto.optimize_plot import draw_curve
from impasto.optimize_record import digest, fingerprint, record
from impasto.optimize_session import Session, open_session
from impasto.results import check_writable
from nst_core import snapshot
from nst_core.budget import Plan
from nst_core.duration import duration
from nst_core.errors import BudgetError, ConfigError, ImageError, NstError
from nst_core.gatys import Progress, Step, make_plan, optimize
from nst_core.gatys_options import GatysOptions
from nst_core.picture import read_picture, write_picture
from nst_core.trace import Trace

log = logging.getLogger(__name__)

DONE, MENDABLE, STOPPED = 0, 2, 130
SNAPSHOT_SHARE = 0.05
"""Snapshots take at most this share of the time, however large they are."""
SAID_FROM = 0.05
"""From this much on, strokes that come out larger or smaller are worth telling."""


def paint_all(options: Namespace, gatys: GatysOptions, draft: Path | None) -> int:
    """Paints all photos; gives the exit code.

    Args:
        options: of the command line.
        gatys: the optimizer's part of them.
        draft: the picture that start=picture starts from, or the style that paints it.

    Raises:
        NstError: What one photo alone cannot mend, or the only photo's own error.
    """
    session = open_session(options, gatys, draft)
    jobs = plan_jobs(options, session.paintings)
    check_writable((path for job in jobs for path in job.results), [*(job.photo for job in jobs), *session.files])
    failed = 0
    for number, job in enumerate(jobs, 1):
        if len(jobs) > 1:
            _say(f"photo {number} of {len(jobs)}: {job.photo}")
        try:
            with _explained():
                if not Painter(job, session).paint():
                    return STOPPED
        except (ImageError, BudgetError, ConfigError) as error:
            if len(jobs) == 1:
                raise
            failed += 1
            print(f"impasto: {error}; skipped", file=sys.stderr)
    if failed:
        print(f"impasto: {failed} of {len(jobs)} photos could not be painted", file=sys.stderr)
    return MENDABLE if failed else DONE


class Painter:
    """Paints one photo.

    Args:
        job: the photo and its results.
        session: all else.
    """

    def __init__(self, job: Job, session: Session) -> None:
        self.job, self.session = job, session
        self.sources = read_sources(job.photo, session.paintings, session.options, session.draft)
        self.plan = make_plan(self.sources, session.gatys, session.network, session.limit_bytes)
        self.fingerprint = fingerprint(session, self.sources, self.plan)
        self.trace = Trace()
        self.warned = False

    def paint(self) -> bool:
        """Paints and writes; False when it was stopped."""
        options = self.session.options
        if options.resume and self._is_done():
            _say(f"{self.job.out} is done already, with these settings")
            return True
        _say(f"{self.plan}; loss network {self.session.gatys.network}, {self.session.device_name}")
        self._say_what_does_not_fit()
        resume = self._resume()
        display = Display(self.plan)
        step, finished = None, False
        with display.shown(), stop_on_signal(display) as stop:
            try:
                for step in self._steps(resume):
                    display.update(step)
                    finished = _is_last(step, self.plan)
                    if stop.asked and not finished:
                        self._save_snapshot(step)
                        break
            except KeyboardInterrupt:
                log.info("stopped within an iteration")
        if step is None:  # not one iteration is done, so there is nothing to keep
            raise KeyboardInterrupt
        self._deliver(step, finished)
        return finished

    def _say_what_does_not_fit(self) -> None:
        asked, plan = self.session.gatys, self.plan
        if (asked.optimizer, plan.optimizer) == ("lbfgs", "adam"):
            _say("L-BFGS does not fit into the memory allowed: Adam takes its place, and needs more --iterations")
        elif plan.optimizer == "lbfgs" and plan.history < asked.history:
            _say(f"the memory allowed has room for {plan.history} of {asked.history} corrections of L-BFGS")
        long_side = max(plan.scales[-1].width, plan.scales[-1].height)
        for painting in self.sources.known:
            ratio = painting.size_px / long_side
            if abs(ratio - 1) > SAID_FROM:
                known = f"{painting.name} is known as it is at {painting.size_px} px"
                _say(f"{known}: its strokes come out {ratio:.2g} times as large; its painting's file keeps their size")

    def _steps(self, resume: Progress | None) -> Iterator[Step]:
        """The steps, with previews and snapshots as they fall due."""
        options, session = self.session.options, self.session
        saved = time.monotonic()
        took = 0.0
        for step in optimize(self.sources, session.gatys, session.network, self.plan, session.device, resume):
            self.trace.add(step)
            yield step
            if _is_last(step, self.plan):
                return
            if options.preview_every and step.iteration % options.preview_every == 0:
                self._write_preview(step)
            now = time.monotonic()
            if now - saved >= max(options.snapshot_every, took / SNAPSHOT_SHARE):
                self._save_snapshot(step)
                saved = time.monotonic()
                took = saved - now

    def _save_snapshot(self, step: Step) -> None:
        with self._worth_no_stop():
            snapshot.save(self.job.snapshot, step.progress, self.fingerprint, self.trace.points)

    def _write_preview(self, step: Step) -> None:
        with self._worth_no_stop():
            write_picture(step.picture(), self.job.preview)

    @contextmanager
    def _worth_no_stop(self) -> Iterator[None]:
        """A full disk is no reason to stop painting; it is said once."""
        try:
            yield
        except NstError as error:
            if not self.warned:
                log.warning("%s (painting goes on)", error)
            self.warned = True

    def _resume(self) -> Progress | None:
        path = self.job.snapshot
        if not self.session.options.resume:
            if path.exists():
                _say(f"{path} of an earlier run will be replaced; --resume would go on from it")
            return None
        if not path.exists():
            _say(f"there is no {path} to go on from: starting anew")
            return None
        found = snapshot.load(path, self.fingerprint, self.session.device)
        self.trace = Trace(found.curve)
        scale = self.plan.scales[found.progress.scale]
        _say(f"going on at {max(scale.width, scale.height)} px, after iteration {found.progress.iteration}")
        return found.progress

    def _is_done(self) -> bool:
        try:
            settings = read_picture(self.job.out).settings or {}
        except ImageError:
            return False
        return bool(settings.get("finished")) and settings.get("fingerprint") == digest(self.fingerprint)

    def _deliver(self, step: Step, finished: bool) -> None:
        """Writes picture and curve, and tells how it went."""
        options, out = self.session.options, self.job.out
        settings = record(
            self.session, self.job.photo, self.sources, self.plan, step, finished, digest(self.fingerprint)
        )  # fmt: skip
        picture = step.picture(options.bits)
        output = {"settings": settings, "quality": options.quality, "bits": options.bits, "sidecar": options.sidecar}
        try:
            write_picture(picture, out, **output)
        except NstError as error:
            rescued = Path(tempfile.mkdtemp(prefix="impasto-")) / out.name
            write_picture(picture, rescued, **output)
            raise NstError(f"{error}; the picture is kept as {rescued}") from error
        if self.job.trace:
            self.trace.write(self.job.trace, settings)
        if self.job.plot:
            styles = " + ".join(painting.path.name for painting in self.session.paintings)
            draw_curve(self.trace.points, self.job.plot, f"{self.sources.photo.name}: {styles}")
        self.job.preview.unlink(missing_ok=True)
        if finished:
            self.job.snapshot.unlink(missing_ok=True)
            size = f"{step.width}x{step.height} px, {duration(step.seconds)}, loss {step.loss:.4f}"
            _say(f"{out}: {size}; {self.session.meter.report(self.plan.limit_bytes)}")
        else:
            at = f"at {max(step.width, step.height)} px, iteration {step.iteration} of {step.iterations}"
            more = "; --resume goes on" if self.job.snapshot.exists() else ""
            _say(f"stopped {at}; the best so far is in {out}{more}", file=sys.stderr)


def _is_last(step: Step, plan: Plan) -> bool:
    return step.scale == len(plan.scales) - 1 and step.iteration == step.iterations


@contextmanager
def _explained() -> Iterator[None]:
    """What the user can mend, of what torch raises."""
    try:
        yield
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        raise BudgetError("the memory ran out; lower --size or --memory-limit, or close programs") from error


def _say(text: str, file: Any = None) -> None:
    print(text, file=file, flush=True)
