"""Images on disk → decoded once → a uint8 store. Knows no model and no metric."""
