"""A night on the machines of a Ray cluster."""
