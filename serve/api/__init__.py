"""The HTTP API: painting for programs and for the page, within limits and behind a guard."""
