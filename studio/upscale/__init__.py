"""Pictures enlarged: by Waifu2x, by a model file, or by Lanczos."""
