"""The Compare tab: a photo and a style chosen, the fast picture at once, and the slow one as it develops beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from functools import cached_property, partial
from pathlib import Path, PurePath
from typing import Any

import gradio as gr
import skimage
import torch
from gradio.processing_utils import save_bytes_to_cache

from models.catalog import styles
from nst_core.errors import ConfigError, ImageError, NstError
from nst_core.picture import READABLE_SUFFIXES, Picture, fit_long_side, read_picture_bytes
from serve.api.problems import without_folder
from serve.engine import Engine
from serve.page import EXAMPLES
from serve.page_html import QUIET, Updates, html_part
from serve.page_words import note
from studio.compare.judges import Judge, load_judges
from studio.compare.tab_line import Line
from studio.compare.tab_match import LEAST_ITERATIONS, OPTIONS, Match, Visitor
from studio.compare.tab_view import curve_data, draw_photos, draw_pictures, draw_standing, draw_styles

FILES = Path(__file__).with_name("tab_page")
CHART = Path(__file__).with_name("report_page")
LARGEST_PX = 2048
"""Long side of a photo that is kept; it is compared at the size that the style was learned at."""
LOOK_EVERY_S = 0.5
"""While others have the machine."""
ENDS_WITHIN_S = 5.0
"""An optimizer that is told to stop, as a rule."""
MENDABLE = (NstError, RuntimeError, MemoryError)
"""Of the latter two those that tell of memory."""
CLICK = "() => setTimeout(() => document.querySelector('#compare-file').click(), 100)"


def compare_tab(engine: Engine) -> None:
    """Adds the content of the tab; to be called inside a `gr.Tab`."""
    Tab(engine)


class Tab:
    """The tab: on one side both pictures and the curve, on the other what can be chosen.

    Args:
        engine: paints the fast pictures.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine, self.line = engine, Line()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.visitor = gr.State(Visitor())
        look = FILES / "tab.css"
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                self.pictures = html_part(look)
                self.standing = html_part(look)
                with gr.Row():
                    self.start = gr.Button("Start", variant="primary", visible=False, min_width=120)
                    self.stop = gr.Button("Stop", visible=False, min_width=120)
                    self.keep = gr.Button("Keep picture", visible=False, min_width=120)
                    self.report = gr.Button("Download report", visible=False, min_width=120)
                self.file = gr.DownloadButton(visible="hidden", elem_id="compare-file")
                self.said = html_part(look)
                chart = (CHART / "curve.css", look, CHART / "curve.js", FILES / "curve.js")
                self.curve = html_part(*chart, value={}, html_template='<svg class="curve"></svg>')
            with gr.Column(scale=2, min_width=320):
                self.drop = gr.File(label="Photo", file_types=sorted(READABLE_SUFFIXES), height=132, type="filepath")
                self.photos = html_part(look, FILES / "choice.js")
                self.wall = html_part(look, FILES / "choice.js")
        self.nothing: Updates = {self.said: gr.skip()}
        """The last that an event shows is sent again at its end; by then another may have shown something else."""
        self._connect()

    @cached_property
    def judges(self) -> list[Judge]:
        """Loaded when they are needed first."""
        return load_judges(OPTIONS.network, has_painting=False, device=self.device)

    def _connect(self) -> None:
        view = [self.pictures, self.standing, self.curve, self.start, self.stop, self.keep, self.report]
        view += [self.said, self.drop, self.photos, self.wall]
        any_number: dict[str, Any] = {"concurrency_limit": None, "trigger_mode": "multiple", **QUIET}
        # Without triggers: when the page is opened.
        gr.on(None, self.open, self.visitor, view, **QUIET)
        self.drop.upload(self.take, [self.visitor, self.drop], view, **any_number)
        self.photos.choose(self.take_example, self.visitor, view, **any_number)
        self.wall.choose(self.take_style, self.visitor, view, **any_number)
        self.start.click(self.run, self.visitor, view, **any_number)
        self.stop.click(self.halt, self.visitor, [self.stop, self.standing], **QUIET)
        for button, make in ((self.keep, Match.picture_file), (self.report, Match.report_file)):
            file = button.click(partial(self.download, make), self.visitor, [self.file, self.said], **QUIET)
            file.success(None, js=CLICK)

    def open(self, visitor: Visitor) -> Updates:
        """What there is to choose."""
        return self._view(visitor) | self._choices(visitor)

    def take(self, visitor: Visitor, dropped: str | None) -> Iterator[Updates]:
        """Takes up a photo that was dropped; the place to drop is free again."""
        if dropped is None:
            return
        try:
            data = Path(dropped).read_bytes()
            Path(dropped).unlink(missing_ok=True)
            visitor.photo = _within(read_picture_bytes(data, PurePath(dropped).name), LARGEST_PX)
        except (ImageError, OSError) as error:
            yield {self.drop: None, self.said: note(str(error), wrong=True)}
            return
        yield {self.drop: None}
        yield from self._match(visitor)

    def take_example(self, visitor: Visitor, event: gr.EventData) -> Iterator[Updates]:
        """Takes one of the example photos."""
        if event.name in EXAMPLES:
            path = Path(skimage.__file__).with_name("data") / str(event.name)
            visitor.photo = read_picture_bytes(path.read_bytes(), path.name)
            yield from self._match(visitor)

    def take_style(self, visitor: Visitor, event: gr.EventData) -> Iterator[Updates]:
        """Takes one of the styles."""
        found = next((style for style in styles() if style.name == event.name), None)
        if found is None:
            yield {self.said: note(f"there is no style {event.name} any more; open this page anew", wrong=True)}
            return
        visitor.style = found
        yield from self._match(visitor)

    def _match(self, visitor: Visitor) -> Iterator[Updates]:
        """Shows what is chosen: the fast picture at once, then what was computed of the slow one before."""
        before, visitor.match = visitor.match, None
        visitor.choice = choice = visitor.choice + 1
        if before:
            before.stopping = True
        if visitor.photo is None or visitor.style is None:
            yield self._view(visitor) | self._choices(visitor) | {self.said: ""}
            return
        said = ""
        try:
            match = Match(visitor.photo, visitor.style, self.engine)
            if visitor.choice == choice:
                visitor.match = match
                yield self._view(visitor) | self._choices(visitor)
                if before:
                    before.ended.wait(ENDS_WITHIN_S)
                self._prepare(match)
        except MENDABLE as error:
            said = _explained(error, visitor)
        if visitor.choice == choice:
            yield self._view(visitor) | self._choices(visitor) | {self.said: said}
        else:
            yield self.nothing

    def _prepare(self, match: Match) -> None:
        """Measures the fast picture, unless others have the machine; then it is done when its turn has come."""
        if self.line.is_free:
            with self.line.place():
                match.prepare(self.judges, self.device)
        match.is_ready = True

    def run(self, visitor: Visitor) -> Generator[Updates, None, None]:
        """Has the optimizer go on until it is done or told to stop; when the visitor leaves, this is closed."""
        match = visitor.match
        if match is None or match.running:
            return
        match.ended.clear()
        match.stopping, said = False, ""
        try:
            with self.line.place() as before:
                while before() and not match.stopping:
                    yield self._view(visitor, before()) | {self.said: ""}
                    time.sleep(LOOK_EVERY_S)
                steps = match.grow(self.judges, self.device) if not match.stopping else ()
                for _ in steps:
                    if visitor.match is match:
                        yield self._view(visitor)
        except MENDABLE as error:
            said = _explained(error, visitor)
        finally:
            match.ended.set()
        yield self._view(visitor) | {self.said: said} if visitor.match is match else self.nothing

    def halt(self, visitor: Visitor) -> Updates:
        """Tells the optimizer to stop after the iteration that it is at."""
        if visitor.match is None:
            return {self.stop: gr.skip()}
        visitor.match.stopping = True
        return {self.stop: gr.update(interactive=False), self.standing: draw_standing(visitor.match)}

    def download(self, make: Callable[[Match], tuple[str, bytes]], visitor: Visitor) -> Updates:
        """A file of what has been computed so far."""
        try:
            if visitor.match is None:
                raise ConfigError("choose a photo and a style first")
            name, data = make(visitor.match)
        except MENDABLE as error:
            return {self.file: None, self.said: _explained(error, visitor)}
        path = save_bytes_to_cache(data, name, self.file.GRADIO_CACHE)
        return {self.file: path, self.said: note(f"{name} is in your downloads.")}

    def _view(self, visitor: Visitor, before: int = 0) -> Updates:
        """All that shows how the comparison is."""
        match = visitor.match
        running = match is not None and match.running
        iterations = match.race.slow.iterations if match and match.race else -1
        return {
            self.pictures: draw_pictures(visitor),
            self.standing: draw_standing(match, before) if match else "",
            self.curve: curve_data(match),
            self.start: gr.update(
                value="Start" if iterations < 0 else "Resume",
                visible=match is not None and not running and not match.is_done,
                interactive=match is not None and match.is_ready,
            ),
            self.stop: gr.update(visible=running, interactive=match is not None and not match.stopping),
            self.keep: gr.update(visible=match is not None and match.slow is not None),
            self.report: gr.update(visible=iterations >= LEAST_ITERATIONS),
        }

    def _choices(self, visitor: Visitor) -> Updates:
        return {self.photos: draw_photos(visitor.photo), self.wall: draw_styles(styles(), visitor.style)}


def _within(photo: Picture, long_side: int) -> Picture:
    """A photo made smaller, where it is larger."""
    return photo.resized(*fit_long_side(photo.width, photo.height, min(long_side, max(photo.width, photo.height))))


def _explained(error: Exception, visitor: Visitor) -> str:
    """What a visitor can mend, in a line."""
    text = str(error)
    if not isinstance(error, NstError):
        if "memory" not in text and not isinstance(error, MemoryError):
            raise error
        text = "the memory ran out; close programs, and start again"
    return note(without_folder(text, visitor.style.path) if visitor.style else text, wrong=True)
