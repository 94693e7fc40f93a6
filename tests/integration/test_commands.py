"""The light commands: what they print, and what they do not import."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "transformers", "open_clip", "bitsandbytes", "pandas", "scipy", "pyarrow")


def imported_by(*arguments) -> set[str]:
    code = (
        "import sys, json\n"
        "from qbench.cli import app\n"
        "try:\n"
        f"    app({list(arguments)!r}, standalone_mode=False)\n"
        "except SystemExit:\n"
        "    pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.strip().splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("run", "--help"), ("inspect", "--help"), ("new", "--help"), ("list",), ("plugins",), ("--version",)],
)
def test_light_commands_import_nothing_heavy(arguments):
    assert not imported_by(*arguments) & set(HEAVY)


def test_help_loads_no_plugin_and_no_pydantic():
    assert not imported_by("--help") & {"pydantic", "pluggy", "qbench_clip", "qbench_quantizers", "numpy", "rich"}


def test_importing_qbench_is_light():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, qbench, qbench.api; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(done.stdout.split()) & {*HEAVY, "numpy", "pydantic"}


@pytest.mark.parametrize(
    "command",
    ["run", "plan", "analyse", "report", "check", "export", "inspect", "quantize", "list", "plugins", "new"],
)
def test_help_has_an_example(qbench_here, tmp_path, command):
    assert "Example" in qbench_here(command, "--help", cwd=tmp_path).stdout


def test_list_shows_all_that_there_is(qbench_here, tmp_path):
    said = qbench_here("list", cwd=tmp_path).stdout
    for name in (
        "openai/ViT-L-14",
        "datacomp/ViT-B-16",
        "demo/skewed",
        "hf-int8",
        "fp16",
        "fairface",
        "demo-coco",
        "in this process, one work unit after another",
        "a vector for each image and each text",
        "paper",
    ):
        assert name in said


def test_plan_paper_says_what_is_missing_and_how_to_get_it(qbench, tmp_path):
    said = qbench("plan", "paper", cwd=tmp_path, fresh=True, QBENCH_DATA="", HF_HUB_CACHE=str(tmp_path)).stdout
    assert "144 cells = 9 models × 4 quantizers × 4 benchmarks" in said
    assert said.count("hf download") == 9
    assert "hf download laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K" in said.replace("\n", "")
    assert "144 that need a missing model or missing data" in said


def test_plan_knows_what_is_done(small, qbench_here):
    said = qbench_here("plan", "small.toml", "--out", "run", cwd=small.parent).stdout
    assert "16 done, 0 with cached answers, 0 to compute" in said
    said = qbench_here("plan", "small.toml", "--out", "other", cwd=small.parent).stdout
    assert "0 done, 16 with cached answers, 0 to compute" in said
    said = qbench_here("plan", "small.toml", "--out", "run", "--batch-size", "7", cwd=small.parent).stdout
    assert "16 to compute" in said
    assert "Time to ask the models, from speeds measured on this machine" in said


def test_doctor_finds_this_machine_ready(qbench, tmp_path):
    said = qbench("doctor", cwd=tmp_path, fresh=True).stdout
    assert "bitsandbytes: 0." in said
    assert (
        "plugins: benchmarks, clip, core, demo, embeddings, generative, onnx, openvino, quantizers, ray, siglip" in said
    )


def test_doctor_knows_the_torchvision_of_another_torch():
    from qbench.doctor import explain_import_error

    check = explain_import_error("open_clip", RuntimeError("operator torchvision::nms does not exist"))
    assert check.state == "broken"
    assert "pip install --upgrade torch torchvision" in check.fix
    assert "pip install bitsandbytes" in explain_import_error("bitsandbytes", ModuleNotFoundError("No module")).fix
