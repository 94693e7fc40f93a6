"""From results to sections to one HTML file; also Markdown, LaTeX, charts as files, and exported tables.

Reads a run folder; needs no model, no image and no torch.
"""
