"""The Train tab: paintings dropped, a night started, and how it is coming along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial

import gradio as gr

from nst_core.errors import ConfigError, NstError
from serve.page_html import QUIET, Updates
from serve.page_words import note
from train.night.report import REPORT
from train.page.form import Form
from train.page.html import train_part
from train.page.night_process import NightProcess
from train.page.trainings import State, Trainings, training_folder
from train.page.view import draw_list, draw_losses, draw_now, draw_report, draw_strip
from train.page.wishes import Timing, Wishes
from train.page.words import estimate, joining

LOOK_EVERY_S = 2.0


def train_tab() -> None:
    """Adds the content of the tab; to be called inside a `gr.Tab`."""
    folder = training_folder().resolve()
    Tab(Trainings(folder), NightProcess(folder))


class Tab:
    """The tab: on one side how the trainings are, the same for all visitors, on the other what is to be added."""

    def __init__(self, trainings: Trainings, process: NightProcess) -> None:
        self.trainings, self.process = trainings, process
        self.seen = gr.State({})
        """What a visitor was last shown, so that only what has changed is sent."""
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                self.now = train_part()
                self.strip = train_part()
                with gr.Row(visible=False) as self.halt:
                    self.stop = gr.Button("Stop", scale=0, min_width=140)
                self.told = train_part()
                self.curve = train_part()
            with gr.Column(scale=2, min_width=320):
                self.form = Form(trainings, process)
        self.list = train_part("list.js")
        with gr.Accordion("Report of all that was learned", open=False, visible=False) as self.about_all:
            self.report = train_part()
        self._connect()

    def _connect(self) -> None:
        form = self.form
        seen = [self.seen, form.files, *form.times]
        view = [self.seen, self.now, self.strip, self.curve, self.list, self.halt, self.about_all]
        view += [form.estimate, form.start, form.queue, form.time]
        # Without triggers: when the page is opened, and when the time is changed.
        gr.on(None, self.open, [form.files, *form.times], view, **QUIET)
        gr.Timer(LOOK_EVERY_S).tick(self.look, seen, view, **QUIET)
        for button, start in ((form.start, True), (form.queue, False)):
            button.click(lambda: note("One moment…"), None, form.said, **QUIET).then(
                partial(form.add, start), form.wishes, form.outcome, **QUIET
            ).then(self.look, seen, view, **QUIET)
        self.stop.click(self.end, None, [self.stop, self.told], **QUIET).then(self.look, seen, view, **QUIET)
        self.list.wish(self.grant, None, self.told, **QUIET).then(self.look, seen, view, **QUIET)
        self.about_all.expand(self.show_report, None, self.report, **QUIET)
        self.about_all.collapse(lambda: "", None, self.report, **QUIET)

    def open(self, files: list[str], timing: Timing, minutes: float | None, until: str) -> Updates:
        """All that there is to see."""
        return self.look({}, files, timing, minutes, until)

    def look(
        self, seen: dict[str, int], files: list[str], timing: Timing, minutes: float | None, until: str
    ) -> Updates:
        """What has changed since it was last seen."""
        now = datetime.now().astimezone()
        try:
            state = self.trainings.look()
        except NstError as error:
            return _changed(seen, {"now": {self.now: note(str(error), wrong=True)}}, self.seen)
        folder, form, at_work = self.trainings.folder, self.form, state.at_work
        asked = Wishes(timing=timing, minutes=minutes, until=until)
        views: dict[str, Updates] = {
            "now": {self.now: draw_now(state, now)},
            "strip": {self.strip: draw_strip(state, folder)},
            "curve": {self.curve: draw_losses(state, folder)},
            "list": {self.list: draw_list(state, folder)},
            "report": {self.about_all: gr.update(visible=(folder / REPORT).is_file())},
            "estimate": {form.estimate: plan(state, asked, len(files), now)},
            "buttons": {
                self.halt: gr.update(visible=at_work),
                form.start: gr.update(visible=not at_work),
                form.time: gr.update(visible=not at_work),
                form.queue: gr.update(
                    value="Add to the queue" if at_work else "Queue for later",
                    variant="primary" if at_work else "secondary",
                ),
            },
        }
        return _changed(seen, views, self.seen)

    def end(self) -> Iterator[Updates]:
        """Stops the process at work, its state kept."""
        yield {
            self.stop: gr.update(value="Stopping…", interactive=False),
            self.told: note("What has been learned so far is kept; that takes some seconds."),
        }
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
                return note(f"{self.trainings.ledger.retry(name).spec['title']} waits again.")
            return note(f"{self.trainings.remove(name).spec['title']} is taken off the list.")
        except NstError as error:
            return note(str(error), wrong=True)

    def show_report(self) -> str:
        """The report as it is now."""
        return draw_report(self.trainings.folder / REPORT)


def plan(state: State, asked: Wishes, new: int, now: datetime) -> str:
    """What will become of the paintings that were dropped and of those that wait."""
    if state.at_work:
        return note(joining(state, now))
    try:
        return note(estimate(len(state.waiting) + new, asked.options(now), now))
    except ConfigError as error:
        return note(str(error), wrong=True)


def _changed(seen: dict[str, int], views: dict[str, Updates], memory: gr.State) -> Updates:
    """Of views, those that differ from what was seen, and what has been seen now."""
    fresh = {name: hash(repr(list(updates.values()))) for name, updates in views.items()}
    changed: Updates = {}
    for name, updates in views.items():
        if seen.get(name) != fresh[name]:
            changed |= updates
    return {memory: fresh if changed else gr.skip()} | changed
