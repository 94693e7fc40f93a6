"""How plugins are found, isolated and named. Names no plugin itself."""
