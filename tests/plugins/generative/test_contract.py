"""The source of generative models keeps to the contract that authors elsewhere are given."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from qbench.testing import ModelSourceContract


@pytest.fixture
def facet(tmp_path):
    """Eight persons of two occupations in FACET's layout."""
    folder, rows = tmp_path / "facet", []
    (folder / "annotations").mkdir(parents=True)
    (folder / "imgs_1").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 24, 24, 3), dtype=np.uint8)
    for i in range(8):
        Image.fromarray(pixels[i]).save(folder / "imgs_1" / f"sa_{i}.jpg")
        box = json.dumps({"x": 0, "y": 0, "width": 24, "height": 24})
        row = {"person_id": i, "filename": f"sa_{i}.jpg", "class1": ("doctor", "nurse")[i % 2], "class2": ""}
        row |= {
            "bounding_box": box,
            "skin_tone_na": 0,
            **{f"skin_tone_{tone}": int(tone == 1 + i) for tone in range(1, 11)},
        }
        row |= {f"gender_presentation_{name}": int(name == "masc") for name in ("masc", "fem", "non_binary", "na")}
        rows.append(
            row | {f"age_presentation_{name}": int(name == "young") for name in ("young", "middle", "older", "na")}
        )
    with (folder / "annotations" / "annotations.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


class TestGenerative(ModelSourceContract):
    @pytest.fixture(params=["generative"])
    def model(self, request, tiny):
        return {"source": request.param, "checkpoint": "tiny", "options": {"path": str(tiny("llava"))}}

    @pytest.fixture
    def benchmark(self, facet):
        return {"name": "facet", "root": str(facet), "options": {"classes": "present", "min_group": 1}}
