"""Results → sections → one HTML file. Reads a run folder; needs no model, no image and no torch."""
