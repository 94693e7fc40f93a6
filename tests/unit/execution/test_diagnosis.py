"""A planted fault is named by the step and the tower that it is in; a variant that loses nothing has none."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from qbench.api import Coverage, Geometry, Identity, Layer, Located, ModelSource, Preprocessing, Quantizer, Variant
from qbench.api.benchmarks import StatisticRef
from qbench.cli.diagnose import _conclude, _show_costs, _tell, _write_report
from qbench.diagnosis import diagnose
from qbench.diagnosis.diagnose import Diagnoser
from qbench.diagnosis.record import diagnosis_table
from qbench.errors import InputError
from qbench.execution.plan import make_plan
from qbench.plugins.registry import Entry
from qbench.report.sections.diagnosis import _entries
from qbench.spec.model import ModelSpec
from qbench.terminal.console import Terminal
from qbench.text import NBSP

from . import conftest
from .conftest import PLUGIN

COUNT = 24


@dataclass(frozen=True)
class Made:
    """What is wrong with a checkpoint, or with a quantizer."""

    wrong: str = ""


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.vision_model = torch.nn.Linear(1, 2)
        self.vision_model.weight.data.copy_(torch.tensor([[1.0], [-1.0]]))
        self.vision_model.bias.data.copy_(torch.tensor([0.0, 1.0]))


class Encoder:
    """Embeds how bright an image is; texts are `bright` and `dark`."""

    def __init__(self, preprocessing, wrong=""):
        self.module, self.preprocessing, self.wrong = Model(), preprocessing, wrong

    def encode_images(self, pixels):
        if self.wrong == "batch" and len(pixels) > 1:
            pixels = 255 - pixels
        bright = (pixels.reshape(len(pixels), -1).mean(1) / 255 - self.preprocessing.mean[0]).astype(np.float32)
        bright *= {"activations": 0.4, "export of images": np.nan}.get(self.wrong, 1)
        with torch.inference_mode():
            return self.module.vision_model(torch.from_numpy(bright)[:, None]).numpy()

    def encode_texts(self, texts):
        right = np.array([[1, 0] if text == "bright" else [0, 1] for text in texts], dtype=np.float32)
        return right[:, ::-1] if self.wrong == "export of texts" else right

    def close(self):
        pass


class Checkpoint:
    def __init__(self, wrong):
        self.wrong = wrong
        self.identity = Identity(
            source="toy", checkpoint="t", architecture="T", revision="local", fingerprint=f"weights {wrong}"
        )
        mean = (0.5,) * 3 if wrong == "mean" else (0.0,) * 3
        self.preprocessing = Preprocessing(geometry=Geometry(size=4), mean=mean, std=(1.0,) * 3)

    def load(self, *, device, dtype, quantization_config=None):
        return Encoder(self.preprocessing, self.wrong)


def build(checkpoint, context, options):
    encoder = checkpoint.load(device=context.device, dtype="float32")
    encoder.wrong = getattr(options, "wrong", "")
    if encoder.wrong == "weights":
        encoder.module.vision_model.weight.data *= -1
    layer = Layer(name="vision_model", tower="image", kind="Linear", parameters=2, quantized=True, bits=8)
    coverage = Coverage(layers=(layer,), total_parameters=4, model_bytes=16)
    return Variant(encoder=encoder, coverage=coverage, dtype="float32")


@pytest.fixture
def registry(registry, monkeypatch):
    monkeypatch.setattr(conftest, "COUNT", COUNT)

    def add(hook, record):
        registry.entries[hook].append(Entry(plugin=PLUGIN, record=record))

    def cast(checkpoint, context, options):
        encoder = checkpoint.load(device=context.device, dtype="float32")
        return Variant(
            encoder=encoder, coverage=Coverage(layers=(), total_parameters=0, model_bytes=None), dtype="float32"
        )

    add("qbench_quantizers", Quantizer(name="fp32", summary="", bits=32, kind="control", build=cast))
    add("qbench_quantizers", Quantizer(name="q", summary="", bits=8, options=Made, build=build))
    add(
        "qbench_models",
        ModelSource(
            name="made",
            summary="",
            options=Made,
            locate=lambda c, o: Located(ready=True, where=c, how_to_get=""),
            open=lambda name, options: Checkpoint(options.wrong),
        ),
    )
    (toys,) = registry.entries["qbench_benchmarks"]
    metrics = tuple(replace(metric, statistic=StatisticRef("share")) for metric in toys.record.metrics)
    registry.entries["qbench_benchmarks"] = [Entry(plugin=PLUGIN, record=replace(toys.record, metrics=metrics))]
    return registry


@pytest.fixture
def diagnoser(registry, cache, spec, tmp_path):
    def make(model="", quantizer=None, reference=True, **changes):
        named = {"name": "q", "options": {"wrong": quantizer}}
        return Diagnoser(
            spec=spec(
                models=[{"source": "made", "options": {"wrong": model}}],
                quantizers=["fp32", *([named] if quantizer is not None else [])],
                baseline="fp32",
                **changes,
            ),
            reference=ModelSpec(source="made") if reference else None,
            folder=tmp_path / "diagnosis",
            registry=registry,
            cache=cache,
        )

    return make


def names(links):
    return [link.name for link in links]


def test_a_wrong_mean_is_named(diagnoser):
    found = diagnoser("mean").diagnose()
    assert names(found.links) == ["the reference", "preprocessing: mean", "export"]
    assert found.named == ("preprocessing: mean",)
    assert [loss.movement.loss for link in found.links for loss in link.losses] == [0.5, 0]
    assert found.towers == ()


def test_a_wrong_text_tower_is_named(diagnoser, capsys, tmp_path):
    found = diagnoser("export of texts").diagnose()
    table = diagnosis_table(tmp_path / "diagnosis")
    assert table["loss"].isna().tolist() == [True, False, False, False, False]
    columns = ["part", "step", "state", "benchmark", "loss", "named"]
    assert table[columns].fillna({"loss": 0}).to_numpy().tolist() == [
        ["chain", "the reference", "first", "", 0, False],
        ["chain", "export", "compared", "toys", 1, True],
        ["tower", "export, text tower", "compared", "toys", 1, False],
        ["tower", "export, image tower", "compared", "toys", 0, False],
        ["total", "all steps together", "compared", "toys", 1, False],
    ]
    assert table["p_adjusted"].tolist()[1] == found.links[1].losses[0].p_adjusted
    _write_report(found, tmp_path / "diagnosis", Terminal(width=200))
    page = (tmp_path / "diagnosis" / "report.html").read_text()
    assert page.index("Which step loses") < page.index("export, text tower") < page.index("What was quantized")
    assert 'id="summary"' not in page  # a step alone cannot be judged
    assert "--table diagnosis" in capsys.readouterr().out
    assert found.named == ("export",)
    assert [(link.name, link.losses[0].movement.loss) for link in found.towers] == [
        ("export, text tower", 1),
        ("export, image tower", 0),
    ]
    _tell(found.links[-1], Terminal(width=200))
    _conclude(found, Terminal(width=200))
    said = capsys.readouterr().out.replace(NBSP, " ")
    assert said.startswith("export\n    accuracy on toys loses 100.0 points (a loss of ")
    assert "Named (p corrected for all steps): export\n" in said
    assert "export, image tower\n    accuracy on toys does not change" in said


def test_a_step_that_fails_is_named(diagnoser, tmp_path):
    found = diagnoser("export of images", quantizer="").diagnose()
    assert names(found.links) == ["the reference", "export"]
    assert found.named == ("export",)
    assert "not finite" in found.links[-1].error
    table = diagnosis_table(tmp_path / "diagnosis")
    assert table[["step", "state", "named"]].to_numpy().tolist() == [
        ["the reference", "first", False],
        ["export", "fails", True],
    ]
    assert "fails: " in _entries(table.iloc[1])[3].text
    record = tmp_path / "diagnosis" / "diagnosis.json"
    record.write_text(record.read_text().replace("the reference", "a reference"))
    with pytest.raises(InputError, match=r"diagnosis\.json: the record is damaged"):
        diagnosis_table(tmp_path / "diagnosis")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("weights", "precision of weights"),
        ("activations", "precision of activations"),
        ("batch", "batch composition"),
    ],
)
def test_what_is_wrong_with_a_quantizer_is_named(diagnoser, wrong, named):
    found = diagnoser(quantizer=wrong, reference=False).diagnose()
    assert names(found.links) == [
        "the reference",
        "precision of weights",
        "precision of activations",
        "batch composition",
    ]
    assert found.named == (named,)
    lossy = [link.name for link in found.towers if link.losses[0].movement.loss > 0]
    assert lossy == ([f"{named}, image tower"] if named.startswith("precision") else [])


def test_what_the_steps_cost_is_said_before(diagnoser, capsys):
    search = diagnoser(quantizer="weights")
    assert all(cost.unknown for _, cost in search.costs())
    search.run(search.chain().steps[0], search.registry)  # which draws the images
    first, *costs = search.costs()
    assert not first[1].to_compute
    assert ["the reference", *(step.name for step, _ in costs)] == [step.name for step in search.chain().steps]
    assert [cost.answers for _, cost in costs] == [{}, *[{"images": COUNT, "texts": 2}] * 3]  # the export is the same
    _show_costs(costs, Terminal(width=200))
    said = capsys.readouterr().out.replace(NBSP, " ")
    assert f"precision of weights: {COUNT} images, 2 texts\n" in said
    assert f"All 4 steps: {3 * COUNT} images, 6 texts; " in said
    assert "The time of 3 steps is not known" in said
    search.diagnose()
    _show_costs(search.costs(), Terminal(width=200))
    assert "All 5 steps: nothing to ask" in capsys.readouterr().out


def test_where_nothing_is_lost_nothing_is_named(diagnoser, capsys):
    found = diagnoser(quantizer="").diagnose()
    assert len(found.links) == 5
    assert (found.named, found.towers) == ((), ())
    _conclude(found, Terminal(width=200))
    assert "No step is named" in capsys.readouterr().out


def test_what_cannot_be_diagnosed_is_refused_with_a_reason(diagnoser):
    with pytest.raises(InputError, match="no quantizer beside the baseline, and no reference is named"):
        diagnoser(reference=False).chain()
    search = diagnoser()
    with pytest.raises(InputError, match="the spec has 2 models and 0 quantizers beside the baseline") as wrong:
        replace(
            search,
            spec=search.spec.model_copy(
                update={"models": [*search.spec.models, ModelSpec(source="toy", checkpoint="one")]}
            ),
        ).chain()
    assert wrong.value.fix == "Name one with --model."


def test_one_model_is_diagnosed_on_the_benchmarks_that_ask_it(registry, spec, monkeypatch):
    monkeypatch.setattr(diagnose, "installed", lambda: registry)
    models = [{"source": "made", "label": label} for label in ("one", "two")]
    benchmarks = [
        {"name": "toys", "dataset": "drawn", "label": label, "models": asked}
        for label, asked in (("of-one", ["one"]), ("of-two", ["two"]), ("of-both", []))
    ]
    named = spec(models=models, quantizers=["fp32", "q"], baseline="fp32", benchmarks=benchmarks)
    found = diagnose.diagnoser(named, None, model="two").spec
    assert [model.label for model in found.models] == ["two"]
    assert [benchmark.label for benchmark in found.benchmarks] == ["of-two", "of-both"]
    assert make_plan(found, registry).cells == 4
