"""The tutorial of docs/datasets.md, done as it says."""

import re
import subprocess
import sys
from pathlib import Path

from qbench.results import load

PAGE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def test_a_dataset_in_five_minutes(qbench, tmp_path):
    (tmp_path / "draw.py").write_text(blocks("python")[0], "utf-8")
    subprocess.run([sys.executable, "draw.py"], cwd=tmp_path, check=True)
    (tmp_path / "shapes" / "dataset.toml").write_text(blocks("toml")[0], "utf-8")
    (tmp_path / "trial.toml").write_text(blocks("toml")[1], "utf-8")
    check, run, _ = [line.split()[1:] for block in blocks("sh") for line in block.splitlines()]
    said = qbench(*check, cwd=tmp_path).stdout
    assert "32 items in 32 images; 2 classes" in said
    assert "Nothing is wrong." in said
    qbench(*run, cwd=tmp_path)
    results = load(tmp_path / "qbench-runs" / "trial")
    assert set(results.metrics["benchmark"]) == {"shapes"}
    pairs = results.metrics.query("metric == 'mean_disparity'")
    assert set(pairs["group"]) == {"day-night", "small-large"}
    assert "shapes" in (tmp_path / "qbench-runs" / "trial" / "report.html").read_text()
