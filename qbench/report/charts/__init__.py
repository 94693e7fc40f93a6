"""Vega-Lite specifications of the charts: a module a kind. Numbers in, dictionaries out; nothing is drawn here."""
