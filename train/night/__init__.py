"""A night of styles: a durable queue, a process each, a report in the morning."""
