"""Checkpoints, variants and encoders: what model sources and quantizers implement. Knows no dataset and no metric."""
