"""Weights that ship with Impasto, each beside its card."""
