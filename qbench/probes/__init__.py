"""How a model is asked: one subpackage per probe, each with how answers are computed, keyed, stored and compared."""
