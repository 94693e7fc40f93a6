"""The policy: what a run may lose, and for whom. Plain data.

A spec can name one, and its margins and limits decide the verdicts of the analysis as well as the gate.
"""
