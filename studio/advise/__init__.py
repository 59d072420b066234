"""Is this a good style image, or a good photo to paint?"""
