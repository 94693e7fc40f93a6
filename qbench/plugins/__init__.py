"""How plugins are found, isolated and named. Knows no plugin."""
