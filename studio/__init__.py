"""The artist's workflow: advise, sweep, curate, compare, layer, enlarge."""
