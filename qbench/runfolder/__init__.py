"""The run folder: what is written in it, and how it is read. The only way from the models to the statistics."""
