"""The fast network and the slow optimizer, on the same loss, side by side."""
