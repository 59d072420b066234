"""A stack of layers for a painting program: the photo, a painterly base, the renders, finishing."""
