"""Plan the cells of a spec, execute them, go on where a run stopped."""
