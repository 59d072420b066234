"""The loss network: distilled from a teacher into `compact`."""
