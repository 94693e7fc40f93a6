"""Whether the intervals, tests and verdicts hold what they claim, by simulation: a module a regime."""
