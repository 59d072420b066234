"""Style networks, their card and the catalog of checkpoints."""
