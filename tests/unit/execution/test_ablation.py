"""An ablation is a spec of many variants: towers that are left alone are not asked, and a planted part is found."""

from dataclasses import replace

import pandas as pd
import pytest

from qbench.api import Coverage, InputError, Layer, LayerOptions, QuantizationError, Variant
from qbench.cli.ablate import variants_in_words
from qbench.execution.ablation import ablated, parts_of
from qbench.execution.forecast import forecast
from qbench.execution.plan import narrowed
from qbench.execution.run import execute
from qbench.plugins.registry import Entry
from qbench.plugins.report_blocks import Table, Text
from qbench.report.ablation_rows import answer
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections.ablation import section as ablation_section
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.results.verify import Verdict, verify

from .conftest import COUNT, PLUGIN
from .planted import BAD, LAYERS, plant

PARTS = ["vision_model.layers.0", "vision_model.layers.1", "text_model.layers.0", "text_projection"]


@pytest.fixture
def registry(registry, log):
    return plant(registry, log)


@pytest.fixture
def ablate(registry, cache, spec):
    def make(by="block", quantizers=("fp32", "rtn"), *, leave_one_out=False, model=None, **changes):
        wanted = spec(quantizers=list(quantizers), baseline="fp32", **changes)
        whole = narrowed(wanted, registry, model=model)
        return ablated(whole, by, leave_one_out=leave_one_out, registry=registry, cache=cache)

    return make


@pytest.fixture
def run(ablate, registry, cache, tmp_path):
    def make(**how):
        done = execute(ablate(**how), tmp_path / "run", registry=registry, cache=cache)
        assert done.failed == 0
        return analysed(load(tmp_path / "run"))

    return make


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("part", ["vision_model", "text_model", "text_projection"]),
        ("block", PARTS),
        ("layer", list(LAYERS)),
        ("kind", ["fc", "text_projection"]),
    ],
)
def test_every_quantized_layer_is_in_one_part(by, names):
    parts = parts_of(LAYERS, by)
    assert [part.name for part in parts] == names
    assert sorted(layer for part in parts for layer in part.layers) == sorted(LAYERS)


def test_layers_beside_the_blocks_are_a_part_of_their_own():
    found = parts_of(["vision.layers.0.fc1", "vision.head.mlp.fc1", "vision.head.mlp.fc2"], "block")
    assert [(part.name, part.patterns) for part in found] == [
        ("vision.layers.0", ("vision.layers.0.*",)),
        ("vision.head.mlp", ("vision.head.mlp.*",)),
    ]


@pytest.mark.parametrize("by", ["part", "block", "layer", "kind"])
@pytest.mark.parametrize(
    "layers",
    [
        ["vision.layers.0.fc", "vision.head", "head"],  # `vision.*` would select the block too
        ["decoder.cls.dense.a", "decoder.cls.b"],
        ["a[0].x.fc", "a0.x.fc", "a*.x.fc", "ab.x.f?", "ab.x.fc"],
    ],
)
def test_the_patterns_of_a_part_select_its_layers_and_no_other(layers, by):
    for part in parts_of(layers, by):
        assert LayerOptions(only=part.patterns).left_out(layers).keys() == set(layers) - part.layers


def test_the_spec_has_one_variant_for_each_part(ablate):
    spec = ablate()
    assert spec.name == "x-only-block"
    assert [q.label for q in spec.quantizers] == ["fp32", "rtn", *(f"rtn: only {part}" for part in PARTS)]
    assert spec.quantizers[3].options == {"only": ["vision_model.layers.1.*"]}
    without = ablate(leave_one_out=True, quantizers=["fp32", {"name": "rtn", "options": {"skip": ["text_projection"]}}])
    assert without.name == "x-without-block"
    assert without.quantizers[-1].options == {"skip": ["text_projection", "text_model.layers.0.*"]}
    assert without.quantizers[-1].label == "rtn (skip=['text_projection']): without text_model.layers.0"


def test_a_selection_of_the_spec_stays_in_force(ablate):
    mine = {"name": "rtn", "label": "mine", "options": {"only": ["*.fc"]}}
    assert [q.options["only"] for q in ablate("part", ["fp32", mine]).quantizers[2:]] == [
        ["vision_model.layers.0.fc", "vision_model.layers.1.fc"],
        ["text_model.layers.0.fc"],
    ]


def test_a_tower_that_is_left_alone_is_not_asked(run, log, registry, cache, ablate, spec, tmp_path):
    execute(spec(), tmp_path / "first", registry=registry, cache=cache)  # so that the dataset is there
    before = forecast(ablate(), tmp_path / "run", registry=registry, cache=cache)
    assert before.answers == {"images": COUNT * (1 + 1 + 2), "texts": 2 * (1 + 1 + 2)}  # fp32, rtn, two parts a tower
    said = "The ablation has 4 variants, one for each block of each quantizer."
    assert variants_in_words(before.plan, 2, "block") == (
        f"{said} With whole quantizers, answers of a control arm are reused by 2 that encode no image and 2 that "
        "encode no text."
    )
    (pair,) = before.plan.probes  # as if the model were asked about image and text together
    together = replace(before.plan, probes={pair: registry.probe("pairs")})
    assert variants_in_words(together, 2, "block") == said
    assert not any(together.left_alone(quantizer) for quantizer in together.quantizers)
    log.clear()
    run()
    assert sum(entry[1] for entry in log if entry[0] == "images") == COUNT * (1 + 1 + 2)
    assert sum(entry[1] for entry in log if entry[0] == "texts") == 2 * (1 + 1 + 2)
    log.clear()
    assert forecast(ablate(), tmp_path / "run", registry=registry, cache=cache).done == 6
    run()
    assert log == []


def test_a_tower_that_is_left_alone_is_asked_of_the_control_arm(registry, cache, spec, tmp_path, log):
    """If the cache does not have the answers of the control arm, no variant gives them in its place."""
    wanted = spec(quantizers=["base", {"name": "rtn", "options": {"only": ["text_model.*"]}}])
    assert execute(wanted, tmp_path / "run", registry=registry, cache=cache).failed == 0
    assert ("build", ()) in log  # fp32, which the spec does not name
    log.clear()
    execute(spec(quantizers=["fp32"], baseline="fp32"), tmp_path / "other", registry=registry, cache=cache)
    assert "images" not in {entry[0] for entry in log}


@pytest.mark.parametrize("leave_one_out", [False, True])
def test_a_planted_part_is_found(run, leave_one_out):
    table = run(leave_one_out=leave_one_out).ablation
    assert table["part"].tolist() == PARTS
    assert set(table["quantizer"]) == {"rtn"}
    assert set(table["direction"]) == {"without" if leave_one_out else "only"}
    assert table["found"].tolist() == [part == "vision_model.layers.1" for part in PARTS]
    assert table["change"].tolist() == [0, -1, 0, 0]
    assert ((table["low"] <= table["change"]) & (table["change"] <= table["high"]))[table["low"].notna()].all()
    assert table["whole_change"].tolist() == [-1] * 4


class Headed:
    """The fake model with an attention of two heads; where the values of head 1 are lost, bright is dark."""

    def __init__(self, encoder):
        from torch import nn

        self.encoder, self.module = encoder, nn.Module()
        attention = nn.Module()
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            attention.add_module(name, nn.Linear(4, 4, bias=False))
            nn.init.ones_(attention.get_submodule(name).weight)
        attention.num_heads = 2
        self.module.add_module("vision_model", nn.ModuleDict({"0": attention, "fc1": nn.Linear(4, 4, bias=False)}))
        self.close, self.encode_texts = encoder.close, encoder.encode_texts

    def encode_images(self, pixels):
        images = self.encoder.encode_images(pixels)
        kept = self.module.get_submodule("vision_model.0.v_proj").weight.detach().numpy()
        return (images[:, ::-1] if (kept[2:] == 0).all() else images) + 1e-3 * (1 - kept[:2].mean())


@pytest.fixture
def headed(registry, monkeypatch):
    """The registry with this model, and a method that rounds all values of a layer to zero."""
    from tests.unit.execution.conftest import Checkpoint

    plain = Checkpoint.load
    monkeypatch.setattr(Checkpoint, "load", lambda self, **how: Headed(plain(self, **how)))

    def build(checkpoint, context, options):
        encoder = checkpoint.load(device="cpu", dtype="float32")
        linears = {n: m for n, m in encoder.module.named_modules() if hasattr(m, "in_features")}
        left_out = options.left_out(linears) if isinstance(options, LayerOptions) else linears
        for name in linears.keys() - left_out:
            linears[name].weight.data.zero_()
        layers = tuple(
            Layer(name=n, tower="image", kind="L", parameters=16, quantized=n not in left_out, bits=8) for n in linears
        )
        return Variant(
            encoder=encoder, coverage=Coverage(layers=layers, total_parameters=80, model_bytes=80), dtype="float32"
        )

    registry.entries["qbench_quantizers"] = [
        replace(entry, record=replace(entry.record, build=build)) if entry.record.name in ("fp32", "rtn") else entry
        for entry in registry.entries["qbench_quantizers"]
    ]
    return registry


def test_a_planted_head_is_found(headed, run, ablate):
    results = run(by="head")
    assert [q["label"] for q in results.spec["quantizers"]][2:] == [
        "rtn: only vision_model.0#0",
        "rtn: only vision_model.0#1",
    ]
    table = results.ablation
    assert set(table["part"]) == {"vision_model.0#0", "vision_model.0#1"}
    assert set(table.loc[table["found"].astype(bool), "part"]) == {"vision_model.0#1"}
    assert table["whole_change"].eq(-1).all()
    (cell,) = (c for c in results.done if c.quantizer == "rtn: only vision_model.0#1")
    layers = {layer.name: layer for layer in cell.record.coverage.layers}
    assert layers["vision_model.0.v_proj"].bits == 20  # half of the layer at 8 bits
    assert not layers["vision_model.fc1"].quantized
    with pytest.raises(InputError, match="not left out"):
        ablate(by="head", leave_one_out=True)


def test_a_model_without_single_heads_is_refused(ablate, monkeypatch, headed):
    monkeypatch.setattr("qbench.execution.ablation.attentions_of", lambda model: {})
    with pytest.raises(InputError, match="no attention of toy"):
        ablate(by="head")


def test_a_run_without_ablation_has_no_table(registry, cache, spec, tmp_path):
    execute(spec(), tmp_path / "run", registry=registry, cache=cache)
    results = analysed(load(tmp_path / "run"))
    assert results.ablation.empty
    assert "ablation" not in results.added_tables


def test_what_cannot_be_ablated_is_refused_with_a_reason(ablate):
    with pytest.raises(InputError, match="half: the quantizer 'half' cannot be told which layers to change"):
        ablate(quantizers=["fp32", "half"])
    with pytest.raises(InputError, match="no quantizer beside the baseline"):
        ablate(quantizers=["fp32"])
    with pytest.raises(InputError, match=r"rtn .* quantizes one part only"):
        ablate("part", ["fp32", {"name": "rtn", "options": {"only": ["text_model.*"]}}])
    with pytest.raises(InputError, match="by part, block, layer, kind, head, not by 'colour'"):
        ablate("colour")
    with pytest.raises(QuantizationError, match="has no torch model, so its layers cannot be quantized"):
        ablate("head")
    with pytest.raises(InputError, match="cuda:99"):
        ablate(device="cuda:99")


def test_models_with_other_layers_are_refused(ablate, registry):
    (entry,) = (e for e in registry.entries["qbench_quantizers"] if e.record.name == "rtn")

    def build(checkpoint, context, options):
        made = entry.record.build(checkpoint, context, options)
        if checkpoint.identity.checkpoint == "two":
            layers = tuple(replace(x, quantized=x.quantized and x.name != BAD) for x in made.coverage.layers)
            made = replace(made, coverage=replace(made.coverage, layers=layers))
        return made

    registry.entries["qbench_quantizers"].append(
        Entry(plugin=PLUGIN, record=replace(entry.record, name="q", build=build))
    )
    with pytest.raises(
        InputError, match=r"q quantizes other layers of toy/two than of toy/one \(vision_model.layers.1(.|\n)*--model"
    ):
        ablate(quantizers=["fp32", "q"], models=["toy/one", "toy/two"])
    assert len(ablate(quantizers=["fp32", "q"], models=["toy/one", "toy/two"], model="toy/two").models) == 1


def test_the_report_and_the_terminal_say_which_part_it_is(run):
    results = run()
    section = ablation_section(RunNumbers(results))
    said = [block.text for block in section.blocks if isinstance(block, Text)]
    assert said[1] == answer(results.ablation, "only")
    assert said[1].endswith(
        "4\u00a0tests corrected for together: a change over all items goes with vision_model.layers.1."
    )
    (table,) = (block for block in section.blocks if isinstance(block, Table) and "found" in block.caption)
    assert [entry.text for entry in table.rows[0]][:4] == [
        "vision_model.layers.1",
        "toys",
        "accuracy",
        "−100.0\u00a0points",
    ]


def test_the_report_of_another_run_says_why_it_has_no_such_section(registry, cache, spec, tmp_path):
    execute(spec(), tmp_path / "run", registry=registry, cache=cache)
    (block,) = ablation_section(RunNumbers(analysed(load(tmp_path / "run")))).blocks
    assert block.absent
    assert "qbench ablate" in block.text


def test_the_command_refuses_what_cannot_be_ablated(qbench_here, tmp_path):
    (tmp_path / "spec.toml").write_text(
        'name = "x"\nmodels = ["demo/balanced"]\nquantizers = ["fp32", "stored"]\n'
        '[[benchmarks]]\nname = "fairface"\ndataset = "demo-fairface"\n',
        encoding="utf-8",
    )
    for more in ((), ("--dry-run",), ("--leave-one-out",)):
        done = qbench_here("ablate", "spec.toml", *more, cwd=tmp_path, check=2)
        assert "the quantizer 'stored' cannot be told which layers to change" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "qbench-runs").exists()


def test_a_damaged_table_of_parts_is_found_and_made_again(run, tmp_path):
    before = run(by="part").ablation
    (path,) = (tmp_path / "run" / "analysis").glob("ablation*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (found,) = [x for x in verify(tmp_path / "run").findings if x.verdict is Verdict.DIFFERS]
    assert found.file == f"analysis/{path.name}"
    pd.testing.assert_frame_equal(analysed(load(tmp_path / "run")).ablation, before)
    assert not [x for x in verify(tmp_path / "run").findings if x.verdict is Verdict.DIFFERS]
