"""From FACET's columns to one group per person: 0/1 columns of perceived gender and age, and vote counts of skin tone.

Public code uses the following cuts of the ten Monk skin tones (1 is the lightest), and no source settles which of them
is correct:

``1-3/4-6/7-10``
    light, medium, dark: the band of the mean of the votes. The limits are halfway between the bands (3.5 and 6.5) and
    belong to the darker band.
``1-5/6-10``
    light, dark: the band with more votes; ``tie`` if both have equally many.
``mean<=5.5``
    light if the mean of the votes is at most 5.5, otherwise dark.
``<=4/>=6``
    light if the mean is at most 4, dark if it is at least 6, otherwise ``between``.

The votes themselves stay in the results (``skin_tone_1`` … ``skin_tone_10``, and their mean ``tone_mean``), so that any
other cut can be made later.

A person without a vote for any tone is ``na``. Values that are not groups (``na``, ``tie``, ``between``,
``non_binary``, ``several``) are not compared; they are counted, and their accuracy is reported.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from qbench.api import Attribute
from qbench.api.benchmarks import mean_vote
from qbench_benchmarks.options import SkinCut

SKIN_TONE = "skin_tone"
"""The attribute of the chosen cut, which those of the other cuts (``skin_tone[CUT]``) repeat."""
TONES = tuple(f"skin_tone_{i}" for i in range(1, 11))
GENDERS = ("masc", "fem", "non_binary", "na")
AGES = ("young", "middle", "older", "na")
GENDER_COLUMNS = tuple(f"gender_presentation_{value}" for value in GENDERS)
AGE_COLUMNS = tuple(f"age_presentation_{value}" for value in AGES)

GENDER = Attribute(name="gender", groups=("masc", "fem"), pairs=(("masc", "fem"),))
AGE = Attribute(
    name="age",
    groups=("young", "middle", "older"),
    pairs=(("young", "middle"), ("young", "older"), ("middle", "older")),
)
WORDS: dict[SkinCut, str] = {
    "1-3/4-6/7-10": "light, medium, dark: tones 1–3, 4–6, 7–10, by the mean of the votes (limits 3.5 and 6.5)",
    "1-5/6-10": "light, dark: tones 1–5, 6–10, by the majority of the votes; ties are not compared",
    "mean<=5.5": "light, dark: mean of the votes at most 5.5, or above",
    "<=4/>=6": "light, dark: mean of the votes at most 4, at least 6; those between are not compared",
}


def attributes(cut: SkinCut) -> tuple[Attribute, ...]:
    """The groupings under a cut of the skin tones."""
    return GENDER, AGE, tone_attribute(SKIN_TONE, cut)


def other_cuts(cut: SkinCut) -> dict[SkinCut, Attribute]:
    """The cuts that were not chosen, each as an attribute such as ``skin_tone[<=4/>=6]``."""
    made = {other: tone_attribute(f"{SKIN_TONE}[{other}]", other) for other in WORDS if other != cut}
    return {other: replace(attribute, repeats=SKIN_TONE) for other, attribute in made.items()}


def tone_attribute(name: str, cut: SkinCut) -> Attribute:
    """The groups of a cut, light before dark."""
    if cut == "1-3/4-6/7-10":
        pairs = (("light", "dark"), ("light", "medium"), ("medium", "dark"))
        return Attribute(name=name, groups=("light", "medium", "dark"), pairs=pairs)
    return Attribute(name=name, groups=("light", "dark"), pairs=(("light", "dark"),))


def skin_tones(votes: npt.NDArray[np.int64], cut: SkinCut) -> list[str]:
    """Group the votes of each person: ``(n, 10)`` counts → n groups."""
    total = votes.sum(axis=1)
    mean = mean_vote(votes)
    if cut == "1-3/4-6/7-10":
        group = np.where(mean < 3.5, "light", np.where(mean < 6.5, "medium", "dark"))
    elif cut == "1-5/6-10":
        lean = votes[:, :5].sum(axis=1) - votes[:, 5:].sum(axis=1)
        group = np.where(lean > 0, "light", np.where(lean < 0, "dark", "tie"))
    elif cut == "mean<=5.5":
        group = np.where(mean <= 5.5, "light", "dark")
    else:
        group = np.where(mean <= 4, "light", np.where(mean >= 6, "dark", "between"))
    return [str(x) for x in np.where(total == 0, "na", group)]
