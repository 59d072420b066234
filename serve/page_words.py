"""What the page's tabs say, made safe as HTML."""

import html
from typing import Any


def note(text: str, wrong: bool = False) -> str:
    """A line that is read out when it appears."""
    kind, role = ("error", "alert") if wrong else ("soft", "status")
    return f'<p class="{kind}" role="{role}">{escaped(text)}</p>' if text else ""


def box(title: str, text: str, more: str = "") -> str:
    """What could be done, where there is nothing to show yet."""
    return f'<section class="empty"><h2>{title}</h2><p class="soft">{escaped(text)}</p>{more}</section>'


def escaped(value: Any) -> str:
    """Safe in the page, in attributes too."""
    return html.escape(str(value))
