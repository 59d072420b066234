"""Painting with trained styles: engine, HTTP API and web page."""
