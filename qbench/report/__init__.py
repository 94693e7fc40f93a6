"""Results → sections → one HTML file. Reads a run folder; needs no model, no picture and no torch."""
