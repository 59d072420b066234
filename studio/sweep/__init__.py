"""Photos × styles × settings, unattended: first proofs, then finals."""
