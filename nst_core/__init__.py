"""Pictures, color, loss networks, losses and the Gatys optimizer."""
