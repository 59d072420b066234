"""The page: the tabs that each part of the program brings, in one look."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from gradio.themes import Base, Color

from serve.engine import Engine
from serve.page import mount_files, paint_tab
from studio.gallery.tab import gallery_tab, mount_gallery
from studio.layers.tab.tab import layers_tab, mount_layers
from studio.sweep.finals import queue_finals
from studio.sweep.process import SweepProcess

_ABSENT = """\
{} needs PyTorch, which is not installed here. In the folder of Impasto, run:

    pip install '.[train]'
"""
_TRAIN_ABSENT, _COMPARE_ABSENT = _ABSENT.format("Learning paintings"), _ABSENT.format("The optimizer")

GALLERY = Path("sweep")
"""Where `impasto sweep` puts its pictures, unless it is told."""
_UPLOADS_KEPT_S = (3600, 24 * 3600)
"""How often Gradio looks for paintings that were dropped and not learned, and how old they may be."""

_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
_MONOSPACE = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

# Sienna as the one color beside grays that are nearly neutral, so that the pictures' colors are judged rightly.
_SIENNA = ("#fbf3ef", "#f6e3da", "#ecc5b4", "#e0a187", "#d17a57", "#b64c24", "#a3421d", "#883719", "#6f2f18", "#5c2a18")
_GRAY = ("#f7f6f5", "#efeeec", "#e0dedb", "#cac7c3", "#a29e99", "#757169", "#5b5751", "#403d39", "#282624", "#1b1a19")

# Gradio's own margins are for forms; the tabs need the room.
_CSS = """
.gradio-container { overflow: visible !important; padding: 0 clamp(12px, 2.5vw, 40px) 16px !important; }
.gradio-container .main.app { padding: 4px 0 0; }
.gradio-container .html-container { padding: 0; }
.tabs { position: relative; }
label[data-testid$="-radio-label"] input:checked:hover {
  background-color: var(--checkbox-background-color-selected) !important; }
.tab-wrapper, [role=tablist] { height: 48px; }
[role=tablist] { padding-left: 104px; }
[role=tablist] [role=tab] { height: 48px; padding-block: 0; font-size: 16px; }
.dark [role=tab].selected { color: var(--primary-300); }
#brand { position: absolute; z-index: 1; width: 96px; }
#brand h1 { margin: 0; font-size: 20px; font-weight: 700; line-height: 44px; letter-spacing: -0.02em; }
@media (max-width: 600px) {
  #brand { display: none; }
  [role=tablist] { padding-left: 0; }
  .tab-container button { padding-inline: 8px !important; font-size: 15px !important; }
}
"""


def build_page(engine: Engine, paint_only: bool = False) -> gr.Blocks:
    """The page of all tabs; those that need torch tell so where it is not installed.

    Args:
        engine: paints the fast pictures of the Compare tab.
        paint_only: leaves out all tabs but the first.
    """
    tabs = [("Paint", paint_tab)]
    if not paint_only:
        tabs += [*_tabs_of_torch(engine), ("Gallery", gallery_tab), ("Layers", layers_tab)]
    with gr.Blocks(title="Impasto", analytics_enabled=False, fill_width=True, delete_cache=_UPLOADS_KEPT_S) as page:
        gr.HTML("<h1>Impasto</h1>", elem_id="brand")
        with gr.Tabs():
            for name, fill in tabs:
                with gr.Tab(name):
                    fill()
    return page


def mount_page(app: FastAPI, gallery: Path | None = GALLERY, public_url: str | None = None) -> FastAPI:
    """Adds the page to the server's app of `serve.api.app.build_app`, at its root.

    Args:
        app: of the server.
        gallery: folder of the pictures in the Gallery tab; it may come into being later. None leaves out all tabs but
            Paint: they keep what a visitor does in this process or on this machine.
        public_url: where browsers find the page, if not where they ask for it.
    """
    mount_files(app)
    if gallery is not None:
        mount_gallery(app, gallery, _finish)
        mount_layers(app, gallery)
    return gr.mount_gradio_app(
        app,
        build_page(app.state.service.engine, paint_only=gallery is None),
        path="/",
        root_path=public_url,
        theme=_theme(),
        css=_CSS,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
    )


def _finish(folder: Path, proofs: Sequence[str]) -> int:
    """Has the finals of a sweep's proofs painted, by a process that goes on when the page is closed."""
    count = queue_finals(folder, proofs)
    SweepProcess(folder).start()
    return count


def _tabs_of_torch(engine: Engine) -> list[tuple[str, Callable[[], object]]]:
    if find_spec("torch") is None:
        return [("Train", partial(gr.Markdown, _TRAIN_ABSENT)), ("Compare", partial(gr.Markdown, _COMPARE_ABSENT))]
    # Without torch the rest of train/ and studio/ cannot be imported.
    from studio.compare.tab import compare_tab
    from train.page.tab import train_tab

    return [("Train", train_tab), ("Compare", partial(compare_tab, engine))]


def _theme() -> Base:
    sienna = Color(*_SIENNA, _SIENNA[-1], name="sienna")
    gray = Color(*_GRAY, "#121110", name="warm_gray")
    theme = Base(primary_hue=sienna, secondary_hue=sienna, neutral_hue=gray, font=_FONT, font_mono=_MONOSPACE)
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_900",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_800",
        background_fill_secondary="*neutral_100",
        background_fill_secondary_dark="*neutral_950",
        border_color_primary="*neutral_300",
        border_color_primary_dark="*neutral_700",
        button_primary_background_fill="*primary_500",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover="*primary_600",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
    )
