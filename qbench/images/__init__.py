"""Images: where they are, how a model sees them, and their decoded pixels. Knows no benchmark and no model."""
