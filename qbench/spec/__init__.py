"""What to run: a TOML run spec, read and validated, and the presets. Opens no dataset and no model."""
