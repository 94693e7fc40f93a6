"""Work units as plain data, and what executes them. This package knows no plan, no model and no dataset."""
