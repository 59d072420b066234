"""What is to be learned, as it is asked for in the Train tab: paintings, photos and time."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import gradio as gr

from nst_core.errors import ConfigError, ImageError, NstError
from nst_core.picture import READABLE_SUFFIXES
from serve.page_html import QUIET, Updates
from serve.page_words import note
from train.night.queue import NightOptions
from train.page.html import train_part
from train.page.night_process import NightProcess
from train.page.pictures import thumbnail
from train.page.trainings import Trainings
from train.page.view import draw_new
from train.page.wishes import MINUTES, Timing, Wishes, choose_photos, read_wishes, write_wishes
from train.page.words import photos_note
from train.style.job import describe

ABOUT_KEYS = ("title", "artist", "license")
TEXT_LENGTH = 200
"""Of each, characters."""
About = Mapping[str, Mapping[str, str]]
"""What is typed about the paintings, by their files: title, artist and license."""


class Form:
    """The fields and buttons; what was dropped belongs to one visitor, until it is added."""

    def __init__(self, trainings: Trainings, process: NightProcess) -> None:
        self.trainings, self.process = trainings, process
        self.files = gr.State([], delete_callback=_discard)
        """What was dropped, by this visitor. Kept here, as a browser could name any file of this machine."""
        self.drop = gr.File(
            label="Paintings", file_count="multiple", file_types=sorted(READABLE_SUFFIXES), height=132, type="filepath"
        )
        self.new = train_part("fields.js", value={}, html="", html_template="${html}")
        self.photos = gr.Textbox(
            label="Folder of photos to learn on", placeholder="/home/me/photos", max_lines=1,
            info="On the machine that Impasto runs on; its subfolders belong to it.",
        )  # fmt: skip
        self.photos_note = train_part()
        with gr.Column() as self.time:
            choices = [("Minutes for each painting", "minutes"), ("Until a time", "until")]
            self.timing = gr.Radio(choices, value="minutes", label="Time")
            self.minutes = gr.Number(label="Minutes", minimum=MINUTES[0], maximum=MINUTES[1])
            self.until = gr.Textbox(
                label="Until", max_lines=1, visible=False,
                info="By this machine's clock: 07:00, or 2026-11-24 07:00. The time is shared out evenly.",
            )  # fmt: skip
        self.estimate = train_part()
        with gr.Row():
            self.start = gr.Button("Start learning", variant="primary", min_width=180)
            self.queue = gr.Button("Queue for later", min_width=180)
        self.said = train_part()
        self._connect()

    @property
    def times(self) -> list[Any]:
        """The fields that tell the time."""
        return [self.timing, self.minutes, self.until]

    @property
    def wishes(self) -> list[Any]:
        """What `add` takes."""
        return [self.files, self.new, self.photos, *self.times]

    @property
    def outcome(self) -> list[Any]:
        """What `add` changes."""
        return [self.files, self.new, self.said]

    def _connect(self) -> None:
        # Without triggers: when the page is opened.
        gr.on(None, self.recall, None, [self.photos, self.photos_note, *self.times], **QUIET)
        for event in (self.photos.blur, self.photos.submit):
            event(self.count_photos, self.photos, self.photos_note, **QUIET)
        self.timing.change(_ask_for, self.timing, [self.minutes, self.until], **QUIET)
        taken = [self.drop, self.files, self.new, self.said]
        self.drop.upload(self.take, [self.drop, self.files, self.new], taken, **QUIET)
        self.new.leave(self.leave, [self.files, self.new], taken, **QUIET)

    def recall(self) -> Updates:
        """What was asked for the last time."""
        wishes = read_wishes(self.trainings.folder)
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

    def take(self, dropped: list[str] | None, files: list[str], about: About) -> Updates:
        """Takes up what was dropped, as far as it can be read; the place to drop is free again."""
        good, reasons = list(files), []
        for file in dropped or ():
            own = _own(Path(file))
            try:
                thumbnail(own)
                good.append(str(own))
            except ImageError as error:
                reasons.append(note(f"{error}; left out", wrong=True))
                _discard([str(own)])
        return {self.drop: None, self.said: "".join(reasons)} | self._show(good, about)

    def leave(self, files: list[str], about: About, event: gr.EventData) -> Updates:
        """Leaves out a painting that was dropped."""
        left = [file for file in files if file == event.painting]
        _discard(left)
        return self._show([file for file in files if file not in left], about)

    def _show(self, files: list[str], about: About) -> Updates:
        """A row for each painting; what was typed about it is kept."""
        known = {file: _typed(file, about) for file in files}
        return {self.files: files, self.new: gr.update(value=known, html=draw_new(known))}

    def add(self, start: bool, files: list[str], about: About, photos: str, *times: Any) -> Updates:
        """Adds the paintings to the queue.

        Args:
            start: has the queue worked on; where one is at work on it, they will be learned anyway.
            files: to the last, the values of `wishes`.
        """
        wishes = Wishes(photos, *times)
        paintings = {Path(file): _typed(file, about) for file in files}
        done: Updates = {}
        try:
            asked = wishes.options(datetime.now().astimezone()) if start else NightOptions()
            folder, _ = choose_photos(photos)
            if not files and not (start and self.trainings.look().waiting):
                raise ConfigError("there is nothing to learn yet; drop a painting first")
            added = self.trainings.add(paintings, folder)
            _discard(files)
            done = self._show([], {})
            write_wishes(self.trainings.folder, wishes)
            if start:
                self.process.start(asked)
        except NstError as error:
            return done | {self.said: note(str(error), wrong=True)}
        titles = ", ".join(job.spec["title"] for job in added)
        return done | {self.said: note(f"Added: {titles}." if titles else "")}


def _typed(file: str, about: About) -> dict[str, str]:
    """What was typed about a painting; a title comes from its file's name, unless another was given."""
    typed = about.get(file, {"title": describe(Path(file), {}).title})
    return {key: str(typed.get(key, ""))[:TEXT_LENGTH] for key in ABOUT_KEYS}


def _ask_for(timing: Timing) -> tuple[Any, Any]:
    """The field for the chosen way to tell the time."""
    return gr.update(visible=timing == "minutes"), gr.update(visible=timing == "until")


def _own(path: Path) -> Path:
    """Moves what a browser sent to a folder of its own; Gradio keeps one file for all who send the same."""
    with contextlib.suppress(OSError):
        return path.rename(Path(tempfile.mkdtemp(dir=path.parent), path.name))
    return path


def _discard(files: Iterable[str]) -> None:
    """Deletes what `_own` gave, with the folders around it if nothing else is there."""
    for path in map(Path, files):
        with contextlib.suppress(OSError):
            path.unlink()
            path.parent.rmdir()
            path.parent.parent.rmdir()
