"""FACET and FairFace as declared datasets: the same numbers as the benchmarks themselves give."""

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from qbench.declared.record import describe
from qbench_benchmarks.facet import Facet
from qbench_benchmarks.fairface import ATTRIBUTES, FairFace

FOLDER = files("qbench_benchmarks") / "descriptions"


def declared(name):
    record = describe(FOLDER / f"{name}.toml")
    return record.load(record.options())


def same(built_in, task, root, similarity):
    """Numbers of both, on the same items and similarities."""
    first, second = built_in.data(root), task.data(root)
    assert first.images == second.images
    shared = [column for column in second.table if column in first.table]
    pd.testing.assert_frame_equal(first.table[shared], second.table[shared])
    asked, again = built_in.prompts(first), task.prompts(second)
    assert (asked.texts, asked.targets, asked.pool) == (again.texts, again.targets, again.pool)
    scores = similarity(len(first), len(asked.targets))
    frames = [t.measure(t.predict(scores, i)).frame() for t, i in ((built_in, first), (task, second))]
    index = ["metric", "attribute", "group", "class"]
    one, two = (frame.set_index(index) for frame in frames)
    assert set(two.index) <= set(one.index)  # the benchmark itself may measure more
    pd.testing.assert_frame_equal(one.loc[two.index], two)
    return len(two)


@pytest.fixture
def similarity(matrix):
    """``(items, targets) -> Similarity`` of random scores."""
    rng = np.random.default_rng(0)
    return lambda n, targets: matrix(rng.normal(size=(n, targets)))


def test_fairface(fairface_root, similarity):
    rng = np.random.default_rng(1)
    race, gender, age = (rng.choice(a.groups, 1200) for a in ATTRIBUTES)
    root = fairface_root(list(zip(age, gender, race, strict=True)))
    assert same(FairFace(), declared("fairface"), root, similarity) == 297


def test_facet(facet_root, similarity):
    rng = np.random.default_rng(2)
    people = []
    for i in range(300):
        person = {
            "class1": str(rng.choice(["nurse", "judge"])),
            "bounding_box": f"{{'x': {i}, 'y': 2, 'width': 9, 'height': 9}}",
        }
        for name, values in (("gender", ["masc", "fem", "non_binary", "na"]), ("age", ["young", "middle", "older"])):
            for value in rng.choice(values, rng.integers(0, 3), replace=False):
                person[f"{name}_presentation_{value}"] = "1"
        person |= {f"skin_tone_{t}": str(rng.integers(0, 3)) for t in rng.integers(1, 11, rng.integers(0, 3))}
        people.append(person)
    root = facet_root(people)
    (root / "imgs_2").mkdir()
    (root / "imgs_2" / "sa_7.jpg").touch()
    assert same(Facet(), declared("facet"), root, similarity) == 86


def test_the_real_labels(real_data, similarity):
    root = real_data("fairface")
    assert len(declared("fairface").data(root)) == 10_954
