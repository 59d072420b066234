"""Hundreds of renders: looked through, rated, and sent on."""
