"""Two outcomes on the same items → what changed, how sure that is, and a verdict.

Tables in, tables out: this package knows no run folder, no model and no plugin. How a number is made of an outcome is
declared by its metric (`qbench.metrics.interface.Statistic`); what the declaration allows is judged in closed form by
`qbench.stats`, everything else by a bootstrap through a function that the caller gives.
"""
