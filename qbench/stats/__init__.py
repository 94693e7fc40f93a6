"""Pure functions from two sets of numbers to a change and what can be said of it. No model, no file."""
