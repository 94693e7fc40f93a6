"""The four words: each from the numbers that decide it, and none from numbers that are void."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qbench.analysis.verdicts import correct_tests, decide
from qbench.statistics.settings import Settings
from qbench.stats.nulls import NOT_JUDGED
from qbench.vocabulary import FlagKind, RowFlag, Verdict


def row(**changes) -> dict[str, object]:
    return {
        "better": "zero",
        "baseline_value": 0.10,
        "value": 0.15,
        "change": 0.05,
        "method": "mover",
        "null": "the change is zero",
        "why": "",
        "low": 0.02,
        "high": 0.08,
        "margin": 0.02,
        "p_holm": 0.001,
        "noise": np.nan,
        "flags": "",
        "sum_se": 0.01,
        **changes,
    }


CASES = {
    "a gap that grew": (row(), "amplified"),
    "a gap that shrank": (row(value=0.05, change=-0.05, low=-0.08, high=-0.02), "reduced"),
    "a gap of the other sign that grew": (
        row(baseline_value=-0.1, value=-0.15, change=-0.05, low=-0.08, high=-0.02),
        "amplified",
    ),
    "a gap whose sign is not clear": (row(sum_se=0.2), "inconclusive"),
    "a gap that changed its sign": (row(baseline_value=-0.02, value=0.03), "inconclusive"),
    "worse accuracy": (row(better="higher", change=-0.05, value=0.05, low=-0.08, high=-0.02), "worse"),
    "better accuracy": (row(better="higher"), "better"),
    "more skew": (row(better="lower"), "amplified"),
    "not significant": (row(p_holm=0.2), "inconclusive"),
    "equivalent": (row(change=0.001, low=-0.01, high=0.012, p_holm=0.9), "equivalent"),
    "real but small": (row(change=0.005, low=0.001, high=0.009, p_holm=1e-5), "equivalent"),
    "at the margin": (row(change=0.001, low=-0.02, high=0.012, p_holm=0.9), "inconclusive"),
    "noise as large": (row(noise=0.06), "inconclusive"),
    "noise reaches over the margin": (
        row(change=0.001, low=-0.01, high=0.012, p_holm=0.9, noise=0.009),
        "inconclusive",
    ),
    "noise inside the margin": (
        row(change=0.001, low=-0.01, high=0.012, p_holm=0.9, noise=0.005),
        "equivalent",
    ),
    "a variant that guesses": (row(flags="near-chance"), "inconclusive"),
    "a variant that guesses, as if equal": (row(low=-0.01, high=0.01, flags="constant"), "inconclusive"),
    "a variant that guesses, worse inside the margin": (
        row(better="higher", change=-0.05, low=-0.08, high=-0.02, margin=0.3, flags="near-chance;constant"),
        "inconclusive",
    ),
    "a variant that guesses, better": (row(better="higher", flags="constant"), "inconclusive"),
    "a variant that guesses, more skew": (row(better="lower", flags="near-chance"), "inconclusive"),
    "a variant that guesses elsewhere": (row(low=-0.01, high=0.01, flags="follows"), "equivalent"),
    "broken accuracy is still worse": (
        row(better="higher", change=-0.05, low=-0.08, high=-0.02, flags="near-chance;accuracy-lost"),
        "worse",
    ),
    "a baseline that guesses": (
        row(better="higher", change=-0.05, low=-0.08, high=-0.02, flags="baseline-near-chance"),
        "inconclusive",
    ),
    "undetermined": (row(change=np.nan, low=np.nan, high=np.nan, p_holm=np.nan), "inconclusive"),
    "no interval": (
        row(method="", why="no interval", low=np.nan, high=np.nan, p_holm=0.5),
        "inconclusive",
    ),
    "shown, not judged": (row(method="", null=NOT_JUDGED, why="chosen", low=np.nan, p_holm=np.nan), "descriptive"),
    "shown, not judged, of a broken baseline": (
        row(method="", null=NOT_JUDGED, why="chosen", low=np.nan, p_holm=np.nan, flags="baseline-near-chance"),
        "descriptive",
    ),
    "no interval, but a test": (row(method="", why="no interval", better="lower", low=np.nan), "amplified"),
}


@pytest.mark.parametrize("case", CASES)
def test_verdict(case):
    given, verdict = CASES[case]
    found = decide(pd.DataFrame([given]), Settings()).iloc[0]
    assert found["verdict"] == verdict
    assert found["reason"]


@pytest.mark.parametrize("kind", [kind for kind in FlagKind if kind.voids])
@pytest.mark.parametrize("of_baseline", [False, True])
def test_of_a_void_number_nothing_is_said_but_that_an_accuracy_fell_beyond_the_margin(
    kind: FlagKind, *, of_baseline: bool
) -> None:
    changes = [(low, high) for low in (-0.08, -0.01, 0.02) for high in (-0.02, 0.01, 0.08) if low < high]
    given = pd.DataFrame(
        row(better=better, change=(low + high) / 2, low=low, high=high, margin=margin, p_holm=p, noise=noise)
        | {"flags": str(RowFlag(kind, of_baseline=of_baseline))}
        for low, high in changes
        for better in ("higher", "lower", "zero")
        for margin in (0.02, 0.3)
        for p in (0.001, 0.9)
        for noise in (np.nan, 0.001)
    )
    found = decide(given, Settings())
    fell = given["better"].eq("higher") & given["change"].lt(0) & given["margin"].eq(0.02) & given["p_holm"].lt(0.05)
    worse = found["verdict"].eq("worse")
    assert set(found["verdict"]) <= {"worse", "inconclusive"}
    assert worse.any() == (not of_baseline)
    assert not (worse & ~fell).any()


def test_a_reason_never_says_that_an_interval_contains_zero_which_it_excludes():
    given = pd.DataFrame([row(p_holm=0.2), row(p_holm=0.2, low=-0.01)])
    excludes, contains = decide(given, Settings())["reason"]
    assert "excludes zero" in excludes
    assert "contains zero" in contains


def test_every_verdict_is_explained_and_in_the_glossary():
    docs = Path(__file__).parents[3] / "docs"
    explained, glossary = ((docs / name).read_text(encoding="utf-8") for name in ("verdicts.md", "glossary.md"))
    for verdict in Verdict:
        assert f"`{verdict}`" in explained.partition("For the checkpoints of a run")[0], verdict
        assert f"`{verdict}`" in glossary, verdict


def test_tests_are_corrected_within_their_family_only():
    effects = pd.DataFrame(
        {
            "benchmark": "b",
            "metric": ["x", "x", "x", "y"],
            "attribute": "",
            "class": ["", "", "c", ""],
            "p": [0.01, 0.04, 0.04, 0.04],
        }
    )
    found = correct_tests(effects, Settings())
    assert found["p_holm"].tolist() == pytest.approx([0.02, 0.04, 0.04, 0.04])
    assert found["family"].nunique() == 3
    alone = correct_tests(effects, Settings(family=("benchmark",)))
    assert alone["p_holm"].tolist() == pytest.approx([0.03, 0.08, 0.04, 0.08])


def test_margins_go_from_the_particular_to_the_general():
    given = Settings(margins={"facet.recall": 0.1, "recall": 0.2, "recall@5": 0.3, "share": 0.4})
    of = {"grouped": False, "of_class": False}
    assert given.margin("facet", "recall", "share", **of) == 0.1
    assert given.margin("coco", "recall@1", "share", **of) == 0.2
    assert given.margin("coco", "recall@5", "share", **of) == 0.3
    assert given.margin("coco", "top1", "share", **of) == 0.4
    assert Settings().margin("coco", "top1", "share", grouped=True, of_class=False) == 0.02
    assert np.isnan(Settings().margin("x", "y", "apples", **of))
