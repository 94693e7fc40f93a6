"""What all statistics share: their interface, the table they fill in, counts of flips, intervals, sample sizes.

A statistic is one way to make numbers of outcomes, with everything that is known of their changes
(`qbench.statistics.interface.Statistic`). Plugins provide them; nothing here knows one by name. The pure numerics are
in `qbench.stats`.
"""
