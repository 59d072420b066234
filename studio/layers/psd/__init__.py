"""Photoshop files: a stack written as one, and one that an artist has worked on kept up."""
