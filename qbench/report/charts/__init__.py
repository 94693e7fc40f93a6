"""Vega-Lite specifications of the charts: one module per kind. They turn numbers into dictionaries and draw nothing."""
