"""The fewest bits that pass a policy: chosen on one half of the items, confirmed on the other.

`qbench.tuning.tune.tune` does it; its steps are ordinary runs of the execution, judged by the gate.
"""
