"""Which step between a reference and a variant costs accuracy: a chain of intermediate variants, each with its loss.

`qbench.diagnosis.diagnose.Diagnoser` runs and compares them; each is an ordinary run.
"""
