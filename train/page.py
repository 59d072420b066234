"""The Train tab: paintings dropped, a night started, and how it is coming along."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import gradio as gr

from nst_core.errors import ConfigError, ImageError, NstError
from nst_core.picture import READABLE_SUFFIXES
from train.night_process import NightProcess
from train.page_pictures import thumbnail
from train.page_view import About, draw_list, draw_new, draw_now, draw_report, draw_strip
from train.page_words import estimate, joining, note, photos_note
from train.queue import NightOptions
from train.report import REPORT
from train.style_job import describe
from train.trainings import State, Trainings, training_folder
from train.wishes import MINUTES, Wishes, choose_photos, read_wishes, write_wishes

FILES = Path(__file__).with_name("train_tab")
LOOK_EVERY_S = 2.0

Updates = dict[Any, Any]
"""New values or properties, by component."""


def train_tab() -> None:
    """Adds the content of the tab; to be called inside a `gr.Tab`."""
    folder = training_folder().resolve()
    _Tab(Trainings(folder), NightProcess(folder))


class _Tab:
    """The tab's components, and what they do.

    Nothing here belongs to one visitor but what is still to be added; the trainings are one list for all.
    """

    def __init__(self, trainings: Trainings, process: NightProcess) -> None:
        self.trainings, self.process = trainings, process
        self.folder = trainings.folder
        self.seen = gr.State({})
        """What was last shown, so that only what has changed is sent."""
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                self._build_view()
            with gr.Column(scale=2, min_width=320):
                self._build_form()
        self._connect()

    def _build_view(self) -> None:
        self.now = _html()
        self.stop = gr.Button("Stop", visible=False, min_width=120)
        self.strip = _html()
        self.list = _html(js_on_load=_read("list.js"))
        self.told = _html()
        with gr.Accordion("Report of all that was learned", open=False, visible=False) as self.about_all:
            self.report = _html()

    def _build_form(self) -> None:
        self.drop = gr.File(
            label="Paintings", file_count="multiple", file_types=sorted(READABLE_SUFFIXES), height=150, type="filepath"
        )
        self.new = _html(value={}, html="", html_template="${html}", js_on_load=_read("fields.js"))
        self.photos = gr.Textbox(
            label="Folder of photos to learn on", placeholder="/home/me/photos", max_lines=1,
            info="On the machine that Impasto runs on, with its subfolders; a hundred photos or more of any kind.",
        )  # fmt: skip
        self.photos_note = _html()
        with gr.Column() as self.time:
            choices = [("Minutes for each", "minutes"), ("Until a time", "until")]
            self.timing = gr.Radio(choices, value="minutes", label="Time")
            self.minutes = gr.Number(label="Minutes for each painting", minimum=MINUTES[0], maximum=MINUTES[1])
            self.until = gr.Textbox(
                label="Until", max_lines=1, visible=False,
                info="By this machine's clock: 07:00, or 2026-11-24 07:00. The time is shared out evenly.",
            )  # fmt: skip
        self.estimate = _html()
        with gr.Row():
            self.start = gr.Button("Start learning", variant="primary", min_width=140)
            self.queue = gr.Button("Only put in the queue", min_width=140)
        self.said = _html()

    def _connect(self) -> None:
        times = [self.timing, self.minutes, self.until]
        everything = [self.seen, self.new, *times]
        wishes = [self.drop, self.new, self.photos, *times]
        view = [self.now, self.strip, self.list, self.estimate, self.stop, self.start, self.queue, self.time]
        view += [self.about_all, self.seen]
        form = [self.drop, self.new, self.said]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        once: dict[str, Any] = quiet | {"show_progress": "minimal"}

        # Without triggers: when the page is opened, and when the time is changed.
        gr.on(None, self.open, times, view, **quiet)
        gr.on(None, self.recall, None, [self.photos, self.photos_note, *times], **quiet)
        gr.Timer(LOOK_EVERY_S).tick(self.look, everything, view, queue=False, **quiet)
        self.photos.blur(self.count_photos, self.photos, self.photos_note, **quiet)
        self.photos.submit(self.count_photos, self.photos, self.photos_note, **quiet)
        self.timing.change(_ask_for, self.timing, [self.minutes, self.until], queue=False, **quiet)
        self.drop.change(self.dropped, [self.drop, self.new], self.new, **once).then(
            self.look, everything, view, **quiet
        )
        for button, add in ((self.start, self.add_and_start), (self.queue, self.add_only)):
            button.click(add, wishes, form, **once).then(self.look, everything, view, **quiet)
        self.stop.click(self.end, None, [self.stop, self.told], **quiet).then(self.look, everything, view, **quiet)
        self.list.wish(self.grant, None, self.told, **quiet).then(self.look, everything, view, **quiet)
        self.about_all.expand(lambda: draw_report(self.folder / REPORT), None, self.report, **once)
        self.about_all.collapse(lambda: "", None, self.report, **quiet)

    def open(self, timing: Any, minutes: float | None, until: str) -> Updates:
        """All that there is to see."""
        return self.look({}, {}, timing, minutes, until)

    def look(self, seen: dict[str, int], new: About, timing: Any, minutes: float | None, until: str) -> Updates:
        """What has changed since it was last seen."""
        now = datetime.now().astimezone()
        try:
            state = self.trainings.look()
        except NstError as error:
            return self._changed(seen, {"now": {self.now: note(str(error), wrong=True)}})
        at_work = state.at_work
        asked = Wishes(timing=timing, minutes=minutes, until=until)
        buttons = {
            self.stop: gr.update(visible=at_work),
            self.start: gr.update(visible=not at_work),
            self.time: gr.update(visible=not at_work),
            self.queue: gr.update(
                value="Add to the queue" if at_work else "Only put in the queue",
                variant="primary" if at_work else "secondary",
            ),
        }
        report = (self.folder / REPORT).is_file()
        return self._changed(
            seen,
            {
                "now": {self.now: draw_now(state, self.folder, now)},
                "strip": {self.strip: draw_strip(state, self.folder)},
                "list": {self.list: draw_list(state, self.folder)},
                "estimate": {self.estimate: _plan(state, asked, len(new), now)},
                "buttons": buttons,
                "report": {self.about_all: gr.update(visible=report)},
            },
        )

    def _changed(self, seen: dict[str, int], views: dict[str, Updates]) -> Updates:
        fresh = {name: hash(repr(list(updates.values()))) for name, updates in views.items()}
        changed: Updates = {}
        for name, updates in views.items():
            if seen.get(name) != fresh[name]:
                changed |= updates
        return changed | {self.seen: fresh} if changed else {self.seen: gr.skip()}

    def recall(self) -> Updates:
        """What was asked for the last time."""
        wishes = read_wishes(self.folder)
        until = wishes.timing == "until"
        return {
            self.photos: wishes.photos,
            self.photos_note: self.count_photos(wishes.photos),
            self.timing: wishes.timing,
            self.minutes: gr.update(value=wishes.minutes, visible=not until),
            self.until: gr.update(value=wishes.until, visible=until),
        }

    def count_photos(self, text: str) -> str:
        """What is in the folder that was typed."""
        try:
            return note(photos_note(*choose_photos(text)))
        except ConfigError as error:
            return note(str(error), wrong=True)

    def dropped(self, files: list[str] | None, new: About) -> Any:
        """Fields for the paintings; what was typed about those that were there before is kept."""
        found: dict[Path, str] = {}
        about: dict[str, dict[str, str]] = {}
        for path in map(Path, files or ()):
            try:
                thumbnail(path)
            except ImageError as error:
                found[path] = str(error)
            else:
                found[path] = ""
                plain = {"title": describe(path, {}).title, "artist": "", "license": ""}
                about[str(path)] = plain | dict(new.get(str(path), {}))
        return gr.update(value=about, html=draw_new(found, about))

    def add_and_start(self, *wishes: Any) -> Iterator[Updates]:
        """Adds the paintings to the queue, and has it worked on."""
        yield {self.said: note("Starting…")}
        yield self._add(*wishes, start=True)

    def add_only(self, *wishes: Any) -> Updates:
        """Adds the paintings to the queue; where one is at work on it, they will be learned, too."""
        return self._add(*wishes, start=False)

    def _add(
        self, files: list[str] | None, new: About, photos: str, timing: Any, minutes: Any, until: str, *, start: bool
    ) -> Updates:
        wishes = Wishes(photos, timing, minutes, until)
        paintings = {Path(file): dict(new[file]) for file in files or () if file in new}
        cleared: Updates = {}
        try:
            asked = wishes.options(datetime.now().astimezone()) if start else NightOptions()
            folder, _ = choose_photos(photos)
            if not paintings and not (start and self.trainings.look().waiting):
                raise ConfigError("drop a painting first")
            added = self.trainings.add(paintings, folder)
            cleared = {self.drop: None, self.new: gr.update(value={}, html="")}
            _discard(paintings)
            write_wishes(self.folder, wishes)
            if start:
                self.process.start(asked)
        except NstError as error:
            return cleared | {self.said: note(str(error), wrong=True)}
        names = ", ".join(job.spec["title"] for job in added)
        return cleared | {self.said: note(f"Added: {names}." if added else "")}

    def end(self) -> Iterator[Updates]:
        """Stops the process at work, its state kept."""
        yield {self.stop: gr.update(value="Stopping: the state is kept…", interactive=False)}
        try:
            self.process.stop()
            said = note("Stopped. Start, and it goes on.")
        except NstError as error:
            said = note(str(error), wrong=True)
        yield {self.stop: gr.update(value="Stop", interactive=True), self.told: said}

    def grant(self, event: gr.EventData) -> str:
        """Does what a button of the list asks for."""
        name = str(event.name)
        try:
            if event.wish == "retry":
                self.trainings.ledger.retry(name)
                return note(f"{name} waits again.")
            self.trainings.remove(name)
            return note(f"{name} is taken off the list.")
        except NstError as error:
            return note(str(error), wrong=True)


def _plan(state: State, asked: Wishes, new: int, now: datetime) -> str:
    """What will become of the paintings that were dropped and of those that wait."""
    if state.at_work:
        return note(joining(state, now))
    try:
        return note(estimate(len(state.waiting) + new, asked.options(now), now))
    except ConfigError as error:
        return note(str(error), wrong=True)


def _ask_for(timing: str) -> tuple[Any, Any]:
    """The field for the chosen way to tell the time."""
    return gr.update(visible=timing == "minutes"), gr.update(visible=timing == "until")


def _discard(paintings: About | dict[Path, Any]) -> None:
    """The browser's copies, as the folder of the trainings has its own by now."""
    for path in paintings:
        with contextlib.suppress(OSError):
            Path(path).unlink()


def _html(value: Any = "", js_on_load: str | None = None, **options: Any) -> gr.HTML:
    return gr.HTML(value, css_template=_read("tab.css"), apply_default_css=False, js_on_load=js_on_load, **options)


def _read(name: str) -> str:
    return (FILES / name).read_text("utf-8")
