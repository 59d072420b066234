"""How the Train tab's parts of our own HTML are made."""

from functools import partial
from pathlib import Path

from serve.page_html import html_part

train_part = partial(html_part, Path(__file__).with_name("train_tab"))
"""HTML in the tab's own look."""
