"""Tiny datasets in their true layouts, embeddings that decide an outcome, and the way results travel to disk."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from qbench.testing import outcomes

FACET_FLAGS = (
    *(f"gender_presentation_{x}" for x in ("masc", "fem", "non_binary", "na")),
    *(f"age_presentation_{x}" for x in ("young", "middle", "older", "na")),
)
TONES = tuple(f"skin_tone_{i}" for i in range(1, 11))


@pytest.fixture
def real_data():
    """``(name) -> folder`` of a real dataset; skips the test where it is not on this machine."""

    def folder(name):
        checkout = Path(__file__).resolve().parents[3]
        root = Path(os.environ.get("QBENCH_TEST_DATA") or checkout.parent / "shared" / "data") / name
        if not root.is_dir():
            pytest.skip(f"no real {name} data at {root}; set QBENCH_TEST_DATA to a folder that has {name}/")
        return root

    return folder


@pytest.fixture
def stored():
    """``(outcome) -> outcome`` as it comes back from Parquet and JSON."""
    return outcomes.stored


@pytest.fixture
def matrix():
    """``(values) -> Similarity``."""
    return lambda values: outcomes.Matrix(np.asarray(values, dtype=np.float64))


@pytest.fixture
def value_of():
    """``(metrics, metric, attribute, group, class) -> value`` of the first set of weights."""

    def find(metrics, metric, attribute="", group="", class_="", column="value"):
        frame = metrics.frame().set_index(["metric", "attribute", "group", "class"])
        return frame.loc[(metric, attribute, group, class_), column]

    return find


@pytest.fixture
def imagenet_root(tmp_path):
    """Three images of two classes."""
    for name in ("n01440764/b.JPEG", "n01440764/a.JPEG", "n01443537/c.jpeg"):
        (tmp_path / "val" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "val" / name).touch()
    return tmp_path


@pytest.fixture
def coco_root(tmp_path):
    """``(change) -> root``: three images with 2, 1 and 3 captions; `change` may edit the content."""

    def write(change=lambda content: None):
        owners = (7, 3, 9, 7, 9, 9)
        content = {
            "images": [{"id": i, "file_name": f"{i:012}.jpg"} for i in (9, 3, 7)],
            "annotations": [{"id": 10 + i, "image_id": o, "caption": f"caption {i}\n"} for i, o in enumerate(owners)],
        }
        change(content)
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / "captions_val2017.json").write_text(json.dumps(content), "utf-8")
        return tmp_path

    return write


def write_rows(path, rows):
    """Write dicts as CSV, the columns of the first one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def facet_root(tmp_path):
    """``(persons) -> root``: writes annotations, what a person does not say has a default."""

    def write(persons):
        rows = []
        for i, person in enumerate(persons):
            row = {
                "filename": f"sa_{i}.jpg",
                "person_id": str(i),
                "class2": "",
                "class1": "doctor",
                "bounding_box": '{"x": 1, "y": 2, "width": 30, "height": 40}',
                "hair_color_na": "0",
            }
            row |= dict.fromkeys([*FACET_FLAGS, *TONES], "0")
            rows.append(row | person)
        write_rows(tmp_path / "annotations" / "annotations.csv", rows)
        return tmp_path

    return write


@pytest.fixture
def fairface_root(tmp_path):
    """``(people) -> root``: writes the labels of (age, gender, race) triples."""

    def write(people):
        rows = [
            {"file": f"val/{i}.jpg", "age": age, "gender": gender, "race": race, "service_test": "True"}
            for i, (age, gender, race) in enumerate(people, start=1)
        ]
        write_rows(tmp_path / "fairface_label_val.csv", rows)
        return tmp_path

    return write
