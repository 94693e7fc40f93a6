"""What the plugins for transformers' dual encoders share: finding files, preprocessing as data, loading, embedding.

A dual encoder embeds images and texts apart; CLIP and SigLIP differ in a handful of facts, which are a `Family`. No
plugin itself: it has no hooks and no entry point.
"""
