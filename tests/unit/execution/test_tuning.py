"""The fewest bits that pass: a planted bad layer is left out, the choice is confirmed on unused items, or refused."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

import qbench
from benchmarks.tuning_rates import WORLDS, rates
from qbench.cli.tune import _conclude, _save, _show_cost, _tell, _write_report
from qbench.errors import InputError
from qbench.execution.run import execute
from qbench.gate.evaluate import not_evaluated
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.runfolder.integrity import sealed
from qbench.spec.model import QuantizerSpec
from qbench.spec.read import read_spec
from qbench.store.lock import locked
from qbench.terminal.console import Terminal
from qbench.tuning.configurations import Configuration
from qbench.tuning.record import Step, Tuning, check_unused, write_record
from qbench.tuning.table import tuning_table
from qbench.tuning.tune import Tuner
from qbench.vocabulary import GateBand
from tests.faults.study import names, results

from . import conftest
from .killed import Files, killed_after
from .planted import BAD, plant

PASS, FAIL, NOT_SHOWN_SAFE = GateBand.PASS, GateBand.FAIL, GateBand.NOT_SHOWN_SAFE
COUNT = 40
WITHOUT_BAD = "rtn: without vision_model.layers.1"


def policy(limit=0.45, **more):
    return qbench.gate.read_policy(
        {"version": 1, "rule": [{"id": "all", "metric": "accuracy", "scope": "overall", "limit": limit, **more}]}
    )


@pytest.fixture
def registry(registry, log, monkeypatch):
    monkeypatch.setattr(conftest, "COUNT", COUNT)  # enough that half of them show a loss
    return plant(registry, log)


@pytest.fixture
def tuner(registry, cache, spec, tmp_path):
    def make(quantizers=("fp32", "rtn"), judged_by=None, changed=lambda spec: spec, seed=0, **changes):
        def run(spec, folder):
            assert execute(changed(spec), folder, registry=registry, cache=cache).failed == 0
            return analysed(load(folder))

        return Tuner(
            spec=spec(quantizers=list(quantizers), baseline="fp32", **changes),
            policy=judged_by or policy(),
            by="block",
            seed=seed,
            folder=tmp_path / "tuned",
            run=run,
            registry=registry,
            cache=cache,
        )

    return make


def whole_on_the_second_half(spec):
    """The method ruins the answers on the second half, whatever is left out."""
    if spec.half.part == "first":
        return spec
    ruined = [q.model_copy(update={"options": {}}) for q in spec.quantizers]
    return spec.model_copy(update={"quantizers": ruined})


def tried(tuning):
    return [(step.configuration.quantizer.label, step.configuration.bits, step.band) for step in tuning.steps]


def test_a_planted_bad_layer_is_left_out_and_the_spec_runs(tuner, registry, cache, tmp_path, log):
    dearer = {"name": "rtn", "label": "dearer", "options": {"skip": [BAD, "text_projection"]}}
    tuning = tuner(["fp32", dearer, "rtn"]).tune()
    assert tried(tuning) == [("rtn", 8, FAIL), (WITHOUT_BAD, 14, PASS)]  # and not what has 20 bits
    assert tuning.chosen.left_out == ("vision_model.layers.1",)
    assert tuning.confirmed
    assert tuning.exit_code == 0
    assert not items_of(tuning.steps[0].folder) & items_of(tuning.confirmed_in)
    written = read_spec(tuning.spec)
    assert (written.name, written.half) == ("x-tuned", None)
    assert [q.label for q in written.quantizers] == ["fp32", WITHOUT_BAD]
    log.clear()
    assert tried(tuner(["fp32", dearer, "rtn"]).tune()) == tried(tuning)
    assert log == []  # everything is in the run folders and the cache
    assert execute(written, tmp_path / "again", registry=registry, cache=cache).failed == 0
    results = analysed(load(tmp_path / "again"))
    (cell,) = (cell for cell in results.done if cell.quantizer == WITHOUT_BAD)
    assert {layer.name for layer in cell.record.coverage.layers if not layer.quantized} == {BAD}
    assert len(items_of(tmp_path / "again")) == COUNT
    assert qbench.gate.check(results).band is PASS  # by the policy that the spec has from the search


def test_the_search_is_a_table_a_section_of_its_report_and_a_saved_model(tuner, tmp_path, capsys, registry):
    search, console = tuner(), Terminal(width=1000)
    tuning = search.tune()
    table = tuning_table(search.folder)
    assert table[["half", "quantizer", "bits", "left_out", "band"]].to_numpy().tolist() == [
        ["first", "rtn", 8, "", "FAIL"],
        ["first", WITHOUT_BAD, 14, "vision_model.layers.1", "PASS"],
        ["second", WITHOUT_BAD, 14, "vision_model.layers.1", "PASS"],
    ]
    assert [(search.folder / run / "run.json").exists() for run in table["run"]] == [True] * 3
    _write_report(tuning, search.folder, console)
    page = (search.folder / "report.html").read_text()
    assert page.index("The search for the fewest bits") < page.index("Every configuration that was tried")
    assert "qbench export" in capsys.readouterr().out
    with pytest.raises(InputError, match="cannot be saved"):
        _save(tuning, search, tmp_path / "model", console)
    (entry,) = (e for e in registry.entries["qbench_quantizers"] if e.record.name == "rtn")

    def saved(folder):
        (folder / "weights").write_text("x")
        return "stored"

    build = entry.record.build
    saving = replace(entry.record, build=lambda *how: replace(build(*how), save=saved))
    known = registry.entries["qbench_quantizers"]
    known[known.index(entry)] = replace(entry, record=saving)
    _save(tuning, search, tmp_path / "model", console)
    assert (tmp_path / "model" / "weights").exists()
    assert "quantizer stored" in capsys.readouterr().out


def test_a_damaged_record_of_a_search_is_refused(tmp_path):
    changed = json.dumps({**sealed({"tried": [], "confirmation": None}), "by": "layer"})
    for text in ("{}", '{"tried": [{}], "confirmation": null}', "[", changed):
        (tmp_path / "tuning.json").write_text(text)
        with pytest.raises(InputError, match=r"tuning\.json.*damaged"):
            tuning_table(tmp_path)


def test_two_searches_do_not_share_a_folder(tuner, log):
    """Otherwise both could look at the second half before either has recorded it."""
    search = tuner()
    with locked(search.folder), pytest.raises(InputError, match="another qbench process is using this folder"):
        search.tune()
    assert log == []
    assert not (search.folder / "tuning.json").exists()


def items_of(folder):
    return {item for cell in load(folder).done for item in cell.table("items")["item"]}


def test_the_second_half_confirms_one_configuration_only(tmp_path):
    chosen = Configuration(quantizer=QuantizerSpec(name="rtn", label="a"), bits=8, left_out=(), method="a")
    other = replace(chosen, quantizer=QuantizerSpec(name="rtn", label="b"))
    settings = {"seed": 0, "policy": {}}
    step = Step(configuration=chosen, band=PASS, sentence="", folder=tmp_path)
    failed = not_evaluated("", "", today=date(2026, 1, 1))
    found = Tuning(steps=(step,), confirmation=failed, confirmed_in=tmp_path, spec=None)
    check_unused(tmp_path, chosen, settings)
    write_record(tmp_path, found, settings, "block")
    check_unused(tmp_path, chosen, settings)  # the same again
    write_record(tmp_path, replace(found, steps=(replace(step, band=FAIL),), confirmation=None), settings, "block")
    for again, changed in ((other, {}), (chosen, {"seed": 1}), (chosen, {"policy": {"version": 1}})):
        with pytest.raises(InputError, match="already used to confirm a, with the answer COULD NOT EVALUATE"):
            check_unused(tmp_path, again, settings | changed)
    record = tmp_path / "tuning.json"
    whole = record.read_bytes()
    for at in range(0, len(whole), 7):
        record.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(InputError, match=r"used to confirm a|the file is damaged"):
            check_unused(tmp_path, other, settings)
    record.write_text(json.dumps({"format": 1, "confirmation": None}))
    with pytest.raises(InputError, match="of an earlier version"):
        check_unused(tmp_path, other, settings)
    for confirmation in ({}, [], {"of": None, "band": ""}, {"of": {"quantizer": "a"}}):
        record.write_text(json.dumps(sealed({"format": 1, "confirmation": confirmation})))
        with pytest.raises(InputError, match=r"tuning\.json: the file is damaged|already used"):
            check_unused(tmp_path, other, settings)


def test_a_search_that_is_killed_continues_to_the_same_results(tuner, cache, tmp_path):
    """It is killed when a third of its files have their names, among the variants with one part, and once more."""
    search = tuner()
    with Files() as written:
        search.tune()
    whole, files = results(search.folder), names(search.folder) | names(cache.root)
    for folder in (search.folder, cache.root):
        folder.rename(folder.with_name(f"{folder.name}-undisturbed"))
    for _ in range(2):
        assert killed_after(written.number // 3, search.tune)
        assert not (search.folder / "tuned.toml").exists()
    search.tune()
    assert results(search.folder) == whole
    assert names(search.folder) | names(cache.root) == files


@pytest.mark.parametrize(
    ("only", "judged_by", "band", "code"),
    [(BAD, policy(), FAIL, 1), ("text_model.*", policy(0.05, inconclusive="fail"), NOT_SHOWN_SAFE, 3)],
)
def test_if_nothing_passes_there_is_no_spec(tuner, tmp_path, only, judged_by, band, code):
    """One part alone is quantized, so that nothing can be left out."""
    tuning = tuner(["fp32", {"name": "rtn", "options": {"only": [only]}}], judged_by).tune()
    assert [step.band for step in tuning.steps] == [band]
    assert (tuning.chosen, tuning.confirmation, tuning.spec, tuning.exit_code) == (None, None, None, code)
    assert not (tmp_path / "tuned" / "tuned.toml").exists()
    assert not (tmp_path / "tuned" / "confirmation").exists()


def test_what_cannot_be_tuned_is_refused_with_a_reason(tuner, tmp_path):
    with pytest.raises(InputError, match="evaluates one half already"):
        tuner(half={"part": "first"})
    with pytest.raises(InputError, match="the rule 'all' names quantizers"):
        tuner(judged_by=policy(quantizers=["rtn"]))
    for asked in ("tune", "most"):
        with pytest.raises(InputError, match="no quantizer of the spec has fewer bits than the baseline"):
            getattr(tuner(["fp32", {"name": "fp32", "label": "same"}]), asked)()
    with pytest.raises(InputError, match="'acuracy'"):
        wrong = {"version": 1, "rule": [{"id": "all", "metric": "acuracy", "scope": "overall", "limit": 0.1}]}
        tuner(judged_by=qbench.gate.read_policy(wrong)).tune()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").touch()
    with pytest.raises(InputError, match="this is a run folder"):
        replace(tuner(), folder=tmp_path / "other")


def stopped_on_the_second_half(spec):
    if spec.half.part == "second":
        raise KeyboardInterrupt
    return spec


def test_what_is_not_confirmed_writes_no_spec_and_the_command_says_so(tuner, capsys, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        tuner(changed=stopped_on_the_second_half).tune()
    search = tuner(changed=whole_on_the_second_half)
    spec, further = search.most()
    assert [q.label for q in spec.quantizers[:3]] == ["fp32", "rtn", "rtn: only vision_model.layers.0"]
    assert len(spec.quantizers) == 2 + 4
    assert [len(q.options["skip"]) for q in further] == [1, 2, 3]
    monkeypatch.setattr("qbench.cli.plan.show", lambda spec, out: None)  # which knows the installed plugins only
    _show_cost(search, Terminal(width=1000))
    said = capsys.readouterr().out
    assert "at most 3 configurations with parts left out may be tried" in said
    # the most that can be left to ask: what was tried left out another part than the first one
    assert f"All configurations that may be tried, together: {3 * COUNT // 2} images, {3 * 2} texts" in said
    other = Configuration(quantizer=QuantizerSpec(name="rtn", label="b"), bits=8, left_out=(), method="rtn")
    with pytest.raises(InputError, match=r"used to confirm rtn: without .* in a search that was stopped"):
        check_unused(search.folder, other, search.settings)
    (search.folder / "tuned.toml").touch()  # of a search whose confirmation is not repeated
    tuning, console = search.tune(), Terminal(width=1000)
    for changed in (tuner(limit=36), tuner(judged_by=policy(0.44))):
        with pytest.raises(InputError, match=r"used to confirm rtn: without .* with the answer FAIL"):
            check_unused(search.folder, tuning.chosen, changed.settings)
    assert (tuning.confirmation.band, tuning.confirmed, tuning.spec, tuning.exit_code) == (FAIL, False, None, 1)
    assert not (search.folder / "tuned.toml").exists()
    record = json.loads((search.folder / "tuning.json").read_text())
    assert record["confirmation"]["band"] == "FAIL"
    assert [step["bits"] for step in record["tried"]] == [8, 14]
    for step in tuning.steps:
        _tell(step, console)
    _conclude(tuning, search.folder, console)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "  8.00 bits  FAIL  rtn"
    assert said[2] == f" 14.00 bits  PASS  {WITHOUT_BAD}"
    assert said[4] == f"Chosen: {WITHOUT_BAD}, 14.00 bits per weight; left out: vision_model.layers.1"
    assert said[5].startswith(f"On the other half: FAIL. {WITHOUT_BAD} on toy/one: accuracy on toys loses 100.0")
    assert said[6].startswith("It is not confirmed; no spec is written. The run: ")
    _conclude(replace(tuning, spec=search.folder / "tuned.toml"), search.folder, console)
    assert "Spec: " in capsys.readouterr().out
    _conclude(replace(tuning, steps=tuning.steps[:1], confirmation=None), search.folder, console)
    assert "No configuration passes on the first half; no spec is written." in capsys.readouterr().out


def test_the_command_refuses_a_policy_that_is_not_there(qbench_here, tmp_path):
    for more in ((), ("--dry-run",)):
        done = qbench_here("tune", "demo", "--policy", "none.toml", *more, cwd=tmp_path, check=2)
        assert "none.toml" in done.stderr
        assert "Traceback" not in done.stderr


def test_what_does_not_pass_is_hardly_ever_confirmed():
    """2.5 % of 40 selections are one; docs/tuning.md has the figures of 1,000 in each of the worlds."""
    searches, confirmed = rates(np.random.default_rng(3), WORLDS[0], 40)
    assert searches > 40
    assert confirmed <= 4
