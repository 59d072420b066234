"""The photos that networks learn from: found, packed, cut into batches."""
