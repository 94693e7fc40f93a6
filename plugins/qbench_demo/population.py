"""Who is in the drawings of people at work: presentation, age and skin tone are independent of the occupation."""

from __future__ import annotations

import numpy as np

from qbench_demo.palette import pick, weighted
from qbench_demo.people import OCCUPATIONS, Person, invent_person


def draw_person(rng: np.random.Generator, occupation: str | None = None) -> Person:
    """Draw a person.

    Parameters
    ----------
    rng : numpy.random.Generator
        Decides what is not given.
    occupation : str, optional
        One of `OCCUPATIONS`; any of them by default.

    Returns
    -------
    Person
        The person, with all properties decided.
    """
    job = occupation or pick(rng, tuple(OCCUPATIONS))
    presentation = weighted(rng, ("masc", "fem", "non_binary", "na"), (47, 46, 3, 4))
    age = weighted(rng, ("young", "middle", "older"), (30, 40, 30))
    tone = int(rng.integers(1, 11))
    if presentation == "na":
        age = "na"
    return invent_person(rng, job, presentation, age, tone)
