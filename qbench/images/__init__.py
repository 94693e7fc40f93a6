"""Images: where they are kept, how a model sees them, and their decoded pixels. Knows no benchmark and no model."""
