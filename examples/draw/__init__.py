"""One module a painting, and the brush, noise and Voronoi cells that several of them share."""
