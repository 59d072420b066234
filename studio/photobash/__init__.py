"""Several styles in one picture, by regions."""
