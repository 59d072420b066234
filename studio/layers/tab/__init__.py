"""The Layers tab of the page, and what it asks of the server."""
