"""Datasets: items, groups, annotation files, prompt sets, and whether they are sound. Knows no model and no metric."""
