"""The artist's workflow: what comes before and after painting."""
