"""The tables that stay after a run have the columns that docs/run-folder.md says, and no others."""

import re
from pathlib import Path

import numpy as np
import pytest

from qbench_benchmarks.coco import Coco
from qbench_benchmarks.facet import Facet
from qbench_benchmarks.facet_groups import WORDS
from qbench_benchmarks.fairface import FairFace
from qbench_benchmarks.fairface_attributes import FairFaceAttributes
from qbench_benchmarks.imagenet import ImageNet
from qbench_benchmarks.options import FairFaceOptions, ImageNetOptions

PAGE = Path(__file__).resolve().parents[3] / "docs" / "run-folder.md"
FACE = ("20-29", "Male", "White")


def documented():
    """Benchmark → columns, and all columns that are explained."""
    section = PAGE.read_text("utf-8").split("### `items.parquet`")[1].split("###")[0]
    columns = {}
    for name, listed in re.findall(r"^\| `([\w-]+)` \| [^|]+ \| ([^|]+) \|$", section, re.M):
        if listed.count("`") > 4:
            columns[name] = set(re.findall(r"`([^`]+)`", listed))
    return columns, {x for row in re.findall(r"^\| (`[^|]+) \|", section, re.M) for x in re.findall(r"`([^`]+)`", row)}


@pytest.fixture
def tables(imagenet_root, coco_root, facet_root, fairface_root, matrix):
    """Benchmark → the items of an outcome."""

    def predict(task, root, targets):
        items = task.data(root)
        return task.predict(matrix(np.zeros((len(items), targets))), items).items

    return {
        "imagenet": lambda: predict(ImageNet(ImageNetOptions(classes="present")), imagenet_root, 2),
        "coco": lambda: predict(Coco(), coco_root(), 6),
        "facet": lambda: predict(Facet(), facet_root([{}]), 52),
        "fairface": lambda: predict(FairFace(FairFaceOptions(prompts=("a",))), fairface_root([FACE]), 1),
        "fairface-attributes": lambda: predict(FairFaceAttributes(), fairface_root([FACE]), 18),
    }


@pytest.mark.parametrize("name", ["imagenet", "coco", "facet", "fairface", "fairface-attributes"])
def test_the_columns_are_those_of_the_page(tables, name):
    columns, _ = documented()
    found = set(tables[name]())
    tones = {f"skin_tone_{i}" for i in range(2, 10)}
    cuts = {f"skin_tone[{cut}]" for cut in WORDS}
    assert {"skin_tone[CUT]" if x in cuts else x for x in found - tones} == columns[name]


def test_every_column_is_explained():
    columns, explained = documented()
    plain = set().union(*columns.values()) - {"race", "gender", "age", "skin_tone", "skin_tone[CUT]"}  # "attributes"
    assert sorted(columns) == ["coco", "facet", "fairface", "fairface-attributes", "imagenet"]
    assert plain - {"direction", "asked"} <= explained
