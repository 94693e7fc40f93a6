"""A spec is read from a preset, a file or plain values; what is wrong in it is said with place and remedy."""

import tomllib

import pytest

from qbench.errors import InputError
from qbench.execution.plan import make_plan
from qbench.plugins.registry import installed
from qbench.spec.read import presets, read_spec

MINIMAL = {"name": "x", "models": ["a/b"], "quantizers": ["fp32"], "benchmarks": ["facet"]}


def test_short_and_long_forms_are_the_same():
    short = read_spec(MINIMAL)
    long = read_spec(
        {
            "name": "x",
            "models": [{"source": "a", "checkpoint": "b"}],
            "quantizers": [{"name": "fp32"}],
            "benchmarks": [{"name": "facet"}],
        }
    )
    assert short == long


def test_a_hub_id_keeps_its_slash():
    assert read_spec(MINIMAL | {"models": ["clip/openai/clip-vit-base-patch32"]}).models[0].checkpoint == (
        "openai/clip-vit-base-patch32"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modles": []}, r"unknown key 'modles'; did you mean 'models'\?"),
        (
            {"benchmarks": [{"name": "f", "alow_missing": True}]},
            r"'benchmarks.0.alow_missing'; did you mean 'allow_missing'",
        ),
        ({"quantizers": [{"nam": "f"}]}, r"unknown key 'quantizers.0.nam'; did you mean 'name'"),
        ({"models": []}, "models: List should have at least 1 item"),
        ({"batch_size": 0}, "batch_size"),
        ({"limit": 10**22}, "limit is too large a number"),
        ({"analysis": {"seed": 2**64}}, "analysis.seed is too large a number"),
        ({"benchmarks": [{"name": "f", "options": {"ks": [1, 10**400]}}]}, "benchmarks.0.options.ks.1 is too large"),
        ({"limit": 0}, "limit"),
        ({"name": "../x"}, "name"),
        ({"benchmarks": [{"name": "f", "root": "a", "dataset": "b"}]}, "root or dataset, not both"),
        ({"models": [{"source": "a", "label": "x\ny"}]}, "control characters"),
        *(
            ({"models": [f"clip/{path}"]}, "a checkpoint is given by its name")
            for path in ("/home/me/x", "~/x", "../x", "./x", "..", "C:/x", "a\\b", "a\x1bb")
        ),
        ({"models": ["clip/" + "x" * 300]}, "at most 200 characters"),
        ({"format": 2}, "format"),
        ({"limit": True}, "limit: Input should be a valid integer"),
        ({"limit": "5"}, "limit: Input should be a valid integer"),
        ({"batch_size": 64.0}, "batch_size: Input should be a valid integer"),
        ({"workers": False}, "workers: Input should be a valid integer"),
        ({"analysis": {"confidence": "0.9"}}, "analysis.confidence: Input should be a valid number"),
        ({"analysis": {"margins": {"accuracy": True}}}, "analysis.margins.accuracy: Input should be a valid number"),
        ({"benchmarks": [{"name": "f", "allow_missing": 1}]}, "allow_missing: Input should be a valid boolean"),
        (
            {"benchmarks": [{"name": "f", "root": "~nobody9/x"}]},
            r"root: '~nobody9/x' cannot .* \(there is no such user",
        ),
        ({"benchmarks": [{"name": "f", "root": "a\0b"}]}, "a character that no path can have"),
        ({"benchmarks": [{"name": "f", "root": "x" * 5000}]}, "cannot be used as a path .*File name too long"),
    ],
)
def test_what_is_wrong_is_said(changes, message):
    with pytest.raises(InputError, match=message):
        read_spec(MINIMAL | changes)


def test_a_missing_key_is_named():
    with pytest.raises(InputError, match="the key 'quantizers' is missing"):
        read_spec({k: v for k, v in MINIMAL.items() if k != "quantizers"})


def test_folders_are_relative_to_the_file(tmp_path, monkeypatch):
    (tmp_path / "specs").mkdir()
    file = tmp_path / "specs" / "s.toml"
    file.write_text(
        'name = "x"\nquantizers = ["fp32"]\n'
        'models = [{source = "clip", options = {path = "../model"}}]\n'
        'benchmarks = [{name = "facet", root = "data"}]\n'
    )
    monkeypatch.chdir("/")
    spec = read_spec(file)
    plan = make_plan(spec, installed())
    assert plan.models[0].options.path == str(tmp_path / "model")
    assert read_spec({**tomllib.loads(file.read_text()), "base": "../elsewhere"}).base == "/elsewhere"
    assert spec.benchmarks[0].root == str(tmp_path / "specs" / "data")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "not a TOML file"),
        (b"\xff\xfe", "not UTF-8"),
        (b"", "'name' is missing"),
        (b"x = " + b"[" * 20_000, "not a TOML file"),
        (b"x = " + b"9" * 5_000, "not a TOML file"),
    ],
)
def test_a_damaged_file_is_the_users_error(tmp_path, content, message):
    file = tmp_path / "s.toml"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_spec(file)


def test_a_byte_order_mark_is_accepted(tmp_path):
    file = tmp_path / "s.toml"
    file.write_bytes(b"\xef\xbb\xbf" + b'name = "x"\nmodels = ["a/b"]\nquantizers = ["fp32"]\nbenchmarks = ["f"]\n')
    assert read_spec(file).name == "x"


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_what_cannot_be_a_file_is_the_users_error(name):
    with pytest.raises(InputError, match=r"cannot be (read|the name of a file)"):
        read_spec(name)


def test_a_mistyped_preset_gets_a_suggestion():
    with pytest.raises(InputError, match="Did you mean the preset 'paper'"):
        read_spec("papre")


def test_a_folder_is_no_spec(tmp_path):
    with pytest.raises(InputError, match="folder"):
        read_spec(tmp_path)


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_preset_is_a_valid_spec_with_a_summary(name):
    assert read_spec(name).name == name
    assert presets()[name]


def test_the_paper_is_the_whole_grid():
    spec = read_spec("paper")
    assert [len(spec.models), len(spec.quantizers), len(spec.benchmarks)] == [9, 4, 4]
