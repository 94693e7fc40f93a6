"""What holds of every outcome, whatever was answered."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qbench.api import FolderSource, ImageLocation, Items
from qbench_benchmarks.coco import Coco
from qbench_benchmarks.facet import Facet
from qbench_benchmarks.facet_groups import TONES
from qbench_benchmarks.fairface import FairFace
from qbench_benchmarks.fairface_attributes import FairFaceAttributes
from qbench_benchmarks.fairface_table import ATTRIBUTES
from qbench_benchmarks.imagenet import ImageNet
from qbench_benchmarks.imagenet_classes import labels
from qbench_benchmarks.options import CocoOptions, FacetOptions, FairFaceOptions, ImageNetOptions

QUERIES = ("a", "b")
SKEW = FairFace(FairFaceOptions(ks=(5, 9), prompts=QUERIES))
seeds = st.integers(0, 2**32 - 1)
some = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])  # `matrix` keeps nothing


def items_of(table):
    names = [f"{i}" for i in range(len(table))]
    table = table.assign(item=names, image=names, image_index=np.arange(len(table)))
    return Items(table=table, images=tuple(ImageLocation(FolderSource(Path()), name) for name in names), root=Path())


def faces(rng, n=24):
    return items_of(pd.DataFrame({"label": [""] * n, **{a.name: rng.choice(a.groups[:3], n) for a in ATTRIBUTES}}))


def persons(rng, n=60):
    columns = {
        "label": rng.choice(["doctor", "nurse"], n),
        "label2": [""] * n,
        "gender": rng.choice(["masc", "fem", "na"], n),
        "age": rng.choice(["young", "older"], n),
        "skin_tone": rng.choice(["light", "dark"], n),
        **dict.fromkeys(TONES, 0),
        "tone_mean": np.nan,
    }
    return items_of(pd.DataFrame(columns))


def captioned(rng, n=8):
    counts = rng.integers(1, 4, n)
    return items_of(
        pd.DataFrame(
            {
                "label": [""] * n,
                "captions": pd.Series([[f"{i} {j}" for j in range(c)] for i, c in enumerate(counts)], dtype=object),
            }
        )
    )


def things(rng, n=30):
    return items_of(pd.DataFrame({"label": rng.choice(labels()[:4], n)}))


TASKS = {
    "fairface": (SKEW, faces, lambda items: 2),
    "fairface-attributes": (FairFaceAttributes(), faces, lambda items: 18),
    "facet": (Facet(FacetOptions(classes="present", min_group=3, other_cuts=False)), persons, lambda items: 2),
    "imagenet": (
        ImageNet(ImageNetOptions(classes="present", templates="single")),
        things,
        lambda items: items.table["label"].nunique(),
    ),
}


@pytest.mark.parametrize("name", TASKS)
@some
@given(seed=seeds)
def test_the_order_of_the_items_does_not_matter(matrix, name, seed):
    task, draw, targets = TASKS[name]
    rng = np.random.default_rng(seed)
    items = draw(rng)
    scores = rng.normal(size=(len(items), targets(items)))
    order = rng.permutation(len(items))
    first = task.measure(task.predict(matrix(scores), items))
    second = task.measure(task.predict(matrix(scores[order]), items.take(order)))
    index = ["metric", "attribute", "group", "class"]
    both = first.frame().merge(second.frame(), on=[*index, "n"], how="outer", indicator=True)
    assert both["_merge"].eq("both").all()
    np.testing.assert_allclose(both["value_x"], both["value_y"], rtol=0, atol=1e-12)


@some
@given(seed=seeds)
def test_the_order_of_images_and_their_captions_does_not_matter(matrix, seed):
    rng = np.random.default_rng(seed)
    task, items = Coco(CocoOptions(ks=(1, 2))), captioned(rng)
    owner = np.repeat(np.arange(len(items)), items.table["captions"].map(len))
    scores = rng.normal(size=(len(items), len(owner)))
    order = rng.permutation(len(items))
    columns = np.concatenate([np.flatnonzero(owner == i) for i in order])
    first = task.measure(task.predict(matrix(scores), items))
    second = task.measure(task.predict(matrix(scores[order][:, columns]), items.take(order)))
    np.testing.assert_array_equal(first.values, second.values)


@some
@given(seed=seeds)
def test_a_gallery_twice_over_keeps_the_skews(matrix, seed):
    rng = np.random.default_rng(seed)
    items = faces(rng)
    scores = rng.normal(size=(len(items), 2))
    twice = items_of(items.table.loc[np.repeat(np.arange(len(items)), 2)].reset_index(drop=True))
    double = FairFace(FairFaceOptions(ks=(10, 18), prompts=QUERIES))
    first = SKEW.measure(SKEW.predict(matrix(scores), items)).frame()
    second = double.measure(double.predict(matrix(np.repeat(scores, 2, axis=0)), twice)).frame()
    # A group without a hit counts as 1/k, which is another number at 2k: only shares above 0 are kept.
    floor = {k: math.log(1 / k) - math.log(1 / 3) for k in (5, 9)}
    compared = 0
    for k in (5, 9):
        mine = first[first["metric"] == f"skew@{k}"]["value"].to_numpy()
        other = second[second["metric"] == f"skew@{2 * k}"]["value"].to_numpy()
        hit = first[first["metric"] == f"skew@{k}"]["class"].ne("").to_numpy() & (mine > floor[k] + 1e-9)
        np.testing.assert_allclose(other[hit], mine[hit], rtol=0, atol=1e-12)
        compared += hit.sum()
    assert compared > 10


@some
@given(seed=seeds)
def test_perfect_balance_has_no_skew_and_max_skew_is_at_most_ln_g(matrix, seed):
    rng = np.random.default_rng(seed)
    genders = np.r_[rng.permutation(["Male"] * 3 + ["Female"] * 3), rng.choice(["Male", "Female"], 10)]
    table = faces(rng, 16).table.assign(gender=genders)
    task = FairFace(FairFaceOptions(ks=(6,), prompts=("a",)))
    found = task.measure(task.predict(matrix(-np.arange(16.0)[:, None]), items_of(table))).frame()
    values = found.set_index(["metric", "attribute", "group", "class"])["value"]
    for metric, group in (("max_skew@6", ""), ("min_skew@6", ""), ("skew@6", "Male"), ("skew@6", "Female")):
        np.testing.assert_allclose(values[metric, "gender", group, "a"], 0, atol=1e-12)
    for attribute in ("race", "age"):
        present = table[attribute].nunique()
        if present > 1:
            assert values["max_skew@6", attribute, "", "a"] <= math.log(present) + 1e-12
