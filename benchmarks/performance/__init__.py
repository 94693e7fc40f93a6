"""How fast qbench is, as ratios to a limit or a peer that is measured in the same run. ``make bench`` writes a page.

Each module measures one thing and returns a `performance.page.Section`. What is compared always runs in processes of
its own, one after the other, with an empty cache.
"""
