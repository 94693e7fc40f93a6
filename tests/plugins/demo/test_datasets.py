"""The drawn datasets: the same bytes each time, in the true layouts, read by the real benchmarks."""

import hashlib
from pathlib import Path

import pytest

from qbench.plugins.registry import installed
from qbench_demo import LARGE_PARTS, MEDIUM_PARTS, datasets

ANNOTATIONS = {
    "imagenet": "",
    "coco": "captions_val2017.json",
    "facet": "annotations.csv",
    "fairface": "fairface_label_val.csv",
}
COUNTS = {"imagenet": 320, "coco": 160, "facet": 448, "fairface": 504}
OPTIONS = {"imagenet": {"classes": "present"}, "facet": {"classes": "present"}}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("drawn")
    for name in COUNTS:
        (root / name).mkdir()
        installed().dataset(f"demo-{name}").record.write(root / name)
    return root


@pytest.fixture
def few(monkeypatch):
    """Parts of a few items only."""
    monkeypatch.setattr(datasets, "IMAGENET_PER_CLASS", 2)
    for name in ("COCO_IMAGES", "FACET_PERSONS", "FAIRFACE_IMAGES"):
        monkeypatch.setattr(datasets, name, 12)


def files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def digest(folder: Path) -> str:
    content = b"".join(p.relative_to(folder).as_posix().encode() + p.read_bytes() for p in files(folder))
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", COUNTS)
def test_the_real_benchmark_reads_it(drawn, name):
    record = installed().benchmark(name).record
    task = record.load(record.options(**OPTIONS.get(name, {})))
    items = task.data(drawn / name)
    assert len(items) == COUNTS[name]
    assert items.table["item"].is_unique
    assert all(image.source.exists(image.key) for image in items.images)
    assert len(task.prompts(items).texts) > 0


@pytest.mark.parametrize(("name", "annotations"), ANNOTATIONS.items())
def test_two_parts_contain_the_first_and_a_second_one_that_shares_no_image(name, annotations, tmp_path, few):
    write = getattr(datasets, f"write_{name}")
    write(tmp_path / "one", parts=1)
    write(tmp_path / "two", parts=2)
    one, two = (
        {p.relative_to(root): p.read_bytes() for p in files(root)} for root in (tmp_path / "one", tmp_path / "two")
    )
    images = {path: content for path, content in one.items() if path.name != annotations}
    assert images.items() <= two.items()
    assert len(set(two.values())) == len(two)
    assert len(two) - len(one) >= len(images) // 2


@pytest.mark.parametrize("name", ["coco", "facet"])
def test_the_same_bytes_each_time(drawn, tmp_path, name):
    installed().dataset(f"demo-{name}").record.write(tmp_path)
    assert digest(tmp_path) == digest(drawn / name)


def test_another_seed_draws_other_images(drawn, tmp_path):
    from qbench_demo.datasets import write_coco

    write_coco(tmp_path, seed=1)
    mine = {hashlib.sha256(p.read_bytes()).hexdigest() for p in (drawn / "coco" / "val2017").iterdir()}
    other = {hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / "val2017").iterdir()}
    assert not mine & other


def test_the_large_datasets_are_listed_and_have_several_parts():
    names = {f"demo-{name}{size}" for name in COUNTS for size in ("", "-large")}
    assert names <= {entry.record.name for entry in installed().datasets()}
    assert set(LARGE_PARTS) == set(COUNTS)
    assert min(LARGE_PARTS.values()) > 1
    assert all(1 < parts < LARGE_PARTS[name] for name, parts in MEDIUM_PARTS.items())
    for name, parts in MEDIUM_PARTS.items():
        sizes = [installed().dataset(f"demo-{name}{size}").record.size for size in ("", "-medium")]
        assert sizes[1] == parts * sizes[0]


@pytest.mark.parametrize("name", COUNTS)
def test_the_space_that_a_dataset_needs_is_about_what_it_takes(drawn, name):
    taken = sum(file.stat().st_blocks * 512 for file in (drawn / name).rglob("*"))
    sizes = [installed().dataset(f"demo-{name}{large}").record.size for large in ("", "-large")]
    assert 0.8 * taken < sizes[0] < 1.5 * taken
    assert sizes[1] == LARGE_PARTS[name] * sizes[0]


def test_persons_share_images_and_some_have_no_label(drawn):
    record = installed().benchmark("facet").record
    items = record.load(record.options(image="full", classes="present")).data(drawn / "facet")
    assert len(items.images) < len(items)
    assert {"masc", "fem", "non_binary", "na"} <= set(items.table["gender"])


def test_captions_are_five_or_more(drawn):
    record = installed().benchmark("coco").record
    counts = record.load(record.options()).data(drawn / "coco").table["captions"].map(len)
    assert counts.min() == 5
    assert counts.max() >= 6
