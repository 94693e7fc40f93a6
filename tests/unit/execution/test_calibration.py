"""Calibration data: drawn as the spec says, never evaluated, part of the key, shown in the report."""

import json

import numpy as np
import pytest
from PIL import Image

from qbench.api import Coverage, Encoder, Geometry, Layer, Quantizer, Variant
from qbench.declared.record import DECLARED
from qbench.errors import DataError, InputError
from qbench.execution.calibration import prepare_calibration
from qbench.execution.forecast import forecast
from qbench.execution.plan import make_plan, plan_calibration, with_own_calibration
from qbench.execution.run import execute
from qbench.plugins.registry import Entry, Plugin
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections import data as data_section
from qbench.results import load
from qbench.spec.model import CalibrationSpec
from qbench.spec.read import read_spec

COUNT = 12
"""Items of the fakes' dataset."""
PLUGIN = Plugin(name="lamps", module="lamps", distribution="lamps", version="1")
DATASET = """
name = "lamps"
protocol = "classification-disparity"
licence = "CC0-1.0"
perceived = true
min_group = 1

[table]
file = "lamps.csv"
image = "file"
label = "light"

[prompts]
template = "{}"

[attributes.lamp]
values = { red = "r", green = "g" }
"""


class Lamps:
    """Sees how bright the red and the green lamp of an image are, each at most as bright as its range allows."""

    def __init__(self, ranges=(1.0, 1.0)):
        self.ranges = np.array(ranges)

    @staticmethod
    def activations(pixels):
        return pixels[..., :2].reshape(len(pixels), -1, 2).mean(1) / 255

    def encode_images(self, pixels):
        light = np.minimum(self.activations(pixels), self.ranges).sum(1)
        return np.stack([light, 1 - light], axis=1).astype(np.float32)

    def encode_texts(self, texts):
        return np.array([[1, 0] if text == "bright" else [0, 1] for text in texts], dtype=np.float32)

    def close(self):
        pass


def coverage(quantized):
    layer = Layer(name="a", tower="image", kind="Linear", parameters=4, quantized=quantized, bits=8)
    return Coverage(layers=(layer,), total_parameters=4, model_bytes=16)


def lamps(folder, *, each, start=0, red=True, green=True):
    """Images of one lamp: `each` bright and dark ones of each colour. No two images have the same content."""
    folder.mkdir(parents=True)
    rows = ["file,light,lamp"]
    for channel, wanted in enumerate((red, green)):
        for i in range(each if wanted else 0):
            for light, level in (("bright", 200), ("dark", 60)):
                pixels = np.zeros((4, 4, 3), dtype=np.uint8)
                pixels[..., channel] = level
                pixels[0, 0, 2], pixels[0, 1, 2] = start + i, channel
                name = f"{'rg'[channel]}{light}{start + i}.png"
                Image.fromarray(pixels).save(folder / name)
                rows.append(f"{name},{light},{'rg'[channel]}")
    (folder / "lamps.csv").write_text("\n".join(rows) + "\n")
    (folder / "dataset.toml").write_text(DATASET)
    return folder


@pytest.fixture
def registry(registry, log):
    """The fakes, with a method that clips each activation to the largest one of its calibration data."""
    assert isinstance(Lamps(), Encoder)

    def static(checkpoint, context, options):
        log.append(("calibration", context.calibration.digest, context.calibration.texts))
        seen = Lamps.activations(context.calibration.pixels(checkpoint.preprocessing.geometry))
        return Variant(encoder=Lamps(seen.max(0)), coverage=coverage(True), dtype="float32")

    def plain(checkpoint, context, options):
        assert context.calibration is None
        return Variant(encoder=Lamps(), coverage=coverage(False), dtype="float32")

    quantizers = registry.entries["qbench_quantizers"]
    quantizers.append(
        Entry(plugin=PLUGIN, record=Quantizer(name="static", summary="", bits=8, build=static, calibrates=True))
    )
    quantizers.append(
        Entry(plugin=PLUGIN, record=Quantizer(name="plain", summary="", bits=32, kind="control", build=plain))
    )
    registry.entries["qbench_benchmarks"].append(Entry(plugin=PLUGIN, record=DECLARED))
    return registry


@pytest.fixture
def data(tmp_path):
    lamps(tmp_path / "evaluated", each=6)
    lamps(tmp_path / "train", each=4, start=100)
    return tmp_path


@pytest.fixture
def lamp_spec(data):
    def make(*quantizers, **changes):
        values = {
            "name": "x",
            "baseline": "plain",
            "models": ["toy/one"],
            "quantizers": ["plain", *quantizers],
            "benchmarks": [{"name": "declared", "root": "evaluated"}],
            "base": str(data),
        }
        return read_spec(values | changes)

    return make


def drawn(registry, cache, base, **values):
    spec = CalibrationSpec.model_validate({"dataset": "train", "items": 8} | values)
    return prepare_calibration(plan_calibration(spec, registry, base), cache, workers=1)


def cells(folder):
    return {c["quantizer"]: c for c in (json.loads(p.read_text()) for p in folder.rglob("cell.json"))}


# --- who loses depends on what the method saw


def test_an_absent_group_loses_its_recall_and_the_report_shows_both(lamp_spec, registry, cache, data):
    one_group = {"dataset": "train", "items": 8, "balance": {"lamp": {"red": 1.0}}}
    spec = lamp_spec(
        {"name": "static", "label": "red only", "calibration": one_group},
        {"name": "static", "label": "both", "calibration": {**one_group, "balance": {"lamp": "equal"}}},
    )
    run = data / "run"
    assert execute(spec, run, registry=registry, cache=cache).failed == 0
    results = load(run)
    found = results.metrics
    recall = found[(found["metric"] == "recall") & (found["attribute"] == "lamp") & (found["class"] == "bright")]
    values = recall.set_index(["quantizer", "group"])["value"].to_dict()
    # Without a green lamp in its data, the method clips the activation of green lamps to nothing: all of them are dark.
    assert values["plain", "red"] == values["plain", "green"] == 1
    assert (values["red only", "red"], values["red only", "green"]) == (1, 0)
    assert values["both", "red"] == values["both", "green"] == 1
    infos = {label: cell["quantizer_info"]["calibration"] for label, cell in cells(run).items()}
    assert infos["plain"] is None
    assert infos["red only"]["groups"] == {"lamp": {"red": 8}}
    assert infos["both"]["groups"] == {"lamp": {"green": 4, "red": 4}}
    assert infos["both"]["source"] == "lamps on train"
    assert infos["both"]["texts"] == 2
    shown = data_section.section(RunNumbers(results)).blocks
    tables = {block.caption: block for block in shown if block.kind == "table"}
    table = tables["Calibration items of \u2068both\u2069 by group"]
    assert [[entry.text for entry in row] for row in table.rows] == [
        ["lamp", "green", "4", "50.0\N{NO-BREAK SPACE}%"],
        ["lamp", "red", "4", "50.0\N{NO-BREAK SPACE}%"],
    ]
    facts = [dict(block.items) for block in shown if block.kind == "facts"]
    assert ("red only", infos["red only"]["digest"]) in {(f.get("Quantizer"), f.get("Digest")) for f in facts}
    for path in run.rglob("*.json"):
        assert str(data) not in path.read_text()


# --- disjoint from what is evaluated


@pytest.mark.parametrize("command", ["run", "plan"])
def test_an_evaluated_image_is_refused_whatever_its_name(lamp_spec, registry, cache, data, command):
    photos = data / "photos"
    photos.mkdir()
    Image.new("RGB", (4, 4)).save(photos / "new.png")
    (photos / "copy.png").write_bytes((data / "evaluated" / "gdark3.png").read_bytes())
    spec = lamp_spec("static", calibration={"folder": "photos", "items": 2})
    with pytest.raises(InputError, match=r"1 calibration images are evaluated by lamps: copy.png \(there gdark3.png\)"):
        (execute if command == "run" else forecast)(spec, data / "run", registry=registry, cache=cache)


def test_data_that_are_missing_fail_the_cells_of_their_quantizer_only(lamp_spec, registry, cache, data):
    spec = lamp_spec("static", calibration={"folder": "nowhere"})
    assert execute(spec, data / "run", registry=registry, cache=cache).failed == 1
    error = cells(data / "run")["static"]["error"]
    assert error["what"] == "the folder does not exist"
    assert str(data) not in json.dumps(error)
    found = forecast(spec, data / "run", registry=registry, cache=cache)
    assert [(part.label, part.state) for part in found.calibration] == [("static", "unusable")]
    assert list(found.problems) == ["toy/one · static · lamps"]


# --- the key


def test_the_digest_is_in_the_key_of_the_quantizers_that_use_the_data(lamp_spec, registry, cache, data, log):
    for seed in (0, 0, 1):
        spec = lamp_spec("static", calibration={"dataset": "train", "items": 4, "seed": seed})
        execute(spec, data / f"run{seed}", registry=registry, cache=cache)
    first, second = cells(data / "run0"), cells(data / "run1")
    assert first["plain"]["key"] == second["plain"]["key"]
    assert first["static"]["key"] != second["static"]["key"]
    digests = [entry[1] for entry in log if entry[0] == "calibration"]
    infos = [found["static"]["quantizer_info"]["calibration"] for found in (first, second)]
    assert digests == [info["digest"] for info in infos]  # built once for each


def test_another_text_is_another_digest(registry, cache, data):
    (data / "a.txt").write_text("one\n\ntwo\ntwo\n")
    (data / "b.txt").write_text("one\nthree\n")
    found = [drawn(registry, cache, data, dataset="", folder="train", texts=name) for name in ("a.txt", "b.txt")]
    assert [sorted(x.texts) for x in found] == [["one", "two"], ["one", "three"]]
    assert found[0].images_key == found[1].images_key
    assert found[0].digest != found[1].digest


# --- what is drawn


def test_items_are_drawn_by_seed_and_mix(registry, cache, data):
    def names(**values):
        return list(drawn(registry, cache, data, **values).items.table["item"])

    assert names() == names()
    assert names() != names(seed=1)
    assert len(names()) == len(set(names())) == 8
    mixed = drawn(registry, cache, data, balance={"lamp": {"red": 0.75, "green": 0.25}})
    assert mixed.info.groups == {"lamp": {"green": 2, "red": 6}}
    assert mixed.pixels(Geometry(size=3)).shape == (8, 3, 3, 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"items": 17}, "the data has 16 items, and 17 are to be drawn"),
        ({"items": 10, "balance": {"lamp": {"red": 1.0}}}, "lamp 'red' has 8 items, and 10 are to be drawn"),
        ({"balance": {"age": "equal"}}, "there is no attribute 'age'.*\n.*Attributes: lamp"),
        ({"balance": {"lamp": {"blue": 1.0}}}, "'lamp' has no group 'blue'.*\n.*Groups: red, green"),
        ({"texts": "none.txt"}, "none.txt: the texts cannot be read"),
    ],
)
def test_what_cannot_be_drawn_is_said(registry, cache, data, values, message):
    with pytest.raises((DataError, InputError), match=message):
        drawn(registry, cache, data, **values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "name one of benchmark, dataset and folder"),
        ({"folder": "a", "dataset": "b"}, "name one of benchmark, dataset and folder"),
        ({"folder": "a", "balance": {"age": "equal"}}, "the images of a folder have no groups"),
        ({"dataset": "a", "balance": {"age": "equal", "sex": "equal"}}, "balance names one attribute"),
        ({"dataset": "a", "balance": {"age": {"old": 0.5}}}, "the shares of 'age' add up to 0.5"),
        ({"dataset": "a", "balance": {"age": {"old": 2.0, "young": -1.0}}}, "less than or equal to 1"),
        ({"dataset": "a", "balance": {"age": {"old": "0.5", "young": "0.5"}}}, "valid number"),
        ({"dataset": "a", "balance": {"age": {"old": True}}}, "valid number"),
        ({"dataset": "a", "items": 0}, "greater than or equal to 1"),
    ],
)
def test_a_spec_says_what_it_cannot_mean(lamp_spec, values, message):
    with pytest.raises(InputError, match=message):
        lamp_spec("static", calibration=values)


def test_data_are_named_where_they_are_used_and_nowhere_else(lamp_spec, registry):
    some = {"folder": "train"}
    for spec, message in (
        (lamp_spec("static"), "'static' measures activations, and no calibration data is named"),
        (lamp_spec("half", calibration=some), "none of its quantizers uses any"),
        (lamp_spec({"name": "half", "calibration": some}), "'half' uses no calibration data"),
    ):
        with pytest.raises(InputError, match=message):
            make_plan(spec, registry)


def test_each_quantizer_can_have_the_data_of_the_run_as_its_own(lamp_spec, registry):
    """So that a run of some of the quantizers names no data that none of them uses."""
    other = {"name": "static", "label": "other", "calibration": {"dataset": "train"}}
    parted = with_own_calibration(lamp_spec("static", "half", other, calibration={"folder": "photos"}), registry)
    assert parted.calibration is None
    found = [q.calibration and (q.calibration.folder or q.calibration.dataset) for q in parted.quantizers]
    assert found == [None, "photos", None, "train"]
    make_plan(parted.model_copy(update={"quantizers": parted.quantizers[:1]}), registry)
    unused = lamp_spec("half", calibration={"folder": "photos"})
    assert with_own_calibration(unused, registry) == unused


def test_a_dataset_that_a_plugin_writes_is_counted_and_drawn(lamp_spec, registry, cache, data):
    source = {"benchmark": {"name": "toys", "dataset": "drawn"}, "items": COUNT}
    spec = lamp_spec("static", calibration=source)
    before = forecast(spec, data / "run", registry=registry, cache=cache)
    assert [(part.state, part.detail) for part in before.calibration] == [("written at the first run", "toys on drawn")]
    assert before.unknown == 1
    assert not before.problems
    assert execute(spec, data / "run", registry=registry, cache=cache).failed == 0
    after = forecast(spec, data / "run", registry=registry, cache=cache)
    assert after.calibration[0].detail == f"toys on drawn: {COUNT} items, {COUNT} images, 2 texts"
    assert after.done == 2
