"""The archive for a bug report has what helps, and neither images nor secrets."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qbench import bundle, doctor
from qbench.bundle import Redaction, contents, write
from qbench.cli import app
from qbench.doctor import Check
from qbench.errors import InputError

CHECKS = [Check(name="cache", state="note", found="/home/adalovelace/.cache/qbench", fix="Set QBENCH_CACHE.")]
TOKEN = "hf_" + "aB3" * 10
VARIABLES = {
    "HF_TOKEN": TOKEN,
    "QBENCH_CACHE": "/home/adalovelace/cache",
    "WANDB_API_KEY": "0123456789abcdef",
    "HTTPS_PROXY": "http://adalovelace:pw@relay77:3128",
    "HF_ENDPOINT": "https://adalovelace:pw@mirror.example.org/?token=xyz123",
    "EDITOR": "vi",
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    cell = folder / "cells" / "facet" / "model" / "int8-12345678"
    cell.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"name": "study", "notes": [f"with {TOKEN}"]}), "utf-8")
    (folder / "run.log").write_text(
        "GET https://cdn.example.org/w?X-Amz-Signature=abc123 in /home/bob/x\n0123456789abcdef"
    )
    (folder / "run.log.jsonl").write_text('{"what": "begins"}\n')
    (cell / "cell.json").write_text("{}")
    (cell / "items.parquet").write_bytes(b"PAR1")
    (folder / "report.html").write_text("<img>")
    (folder / "image.png").write_bytes(b"PNG")
    (tmp_path / "outside.json").write_text("private")
    (folder / "environment.json").symlink_to(tmp_path / "outside.json")
    return folder


def test_records_and_logs_are_in_it_and_nothing_else_of_a_run(run: Path) -> None:
    files = contents(CHECKS, run, VARIABLES)
    assert [name for name in files if name.startswith("run/")] == [
        "run/cells/facet/model/int8-12345678/cell.json",
        "run/run.json",
        "run/run.log",
        "run/run.log.jsonl",
    ]
    assert "note: cache: ~/.cache/qbench" in files["doctor.txt"]
    assert "qbench-vlm==" in files["packages.txt"]
    assert json.loads(files["machine.json"])["python"]


def test_no_secret_is_in_it(run: Path) -> None:
    text = "\n".join(contents(CHECKS, run, VARIABLES).values())
    for secret in (TOKEN, "0123456789abcdef", "adalovelace", "pw@", "xyz123", "abc123", "bob", "private", "relay77"):
        assert secret not in text
    shown = json.loads(contents(CHECKS, run, VARIABLES)["variables.json"])
    assert shown == {
        "HF_ENDPOINT": "https://[removed]@mirror.example.org/?[removed]",
        "HF_TOKEN": "[removed]",
        "QBENCH_CACHE": "~/cache",
    }


def test_keys_of_services_and_private_keys_are_removed() -> None:
    block = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    text = Redaction().text(f"AWS_SECRET_ACCESS_KEY=wJalr/UtnF x {block} y -----BEGIN PRIVATE KEY-----\\nMIIF")
    assert text == "AWS_SECRET_ACCESS_KEY=[removed] x [removed] y [removed]"
    assert Redaction().text('"key": "911ccf94", "tokenizer": "clip"') == '"key": "911ccf94", "tokenizer": "clip"'


@pytest.mark.parametrize("part", ["a.", "secret-", "a-", "http://a?"])
def test_no_text_takes_time_by_the_square_of_its_length(part: str) -> None:
    """With 5 MB, a pattern that looked through the rest of the text at each place would never end."""
    assert Redaction().text(part * (200_000 // len(part))).startswith(part[:4])


def test_the_working_folder_is_no_secret() -> None:
    variables = {"PWD": "/data/study", "QBENCH_CACHE": "/data/study/cache", "TOKENIZERS_PARALLELISM": "false"}
    shown = json.loads(contents(CHECKS, None, variables)["variables.json"])
    assert shown == {"QBENCH_CACHE": "/data/study/cache", "TOKENIZERS_PARALLELISM": "false"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "https://huggingface.co/a/b/resolve/main/x?download=true&token=q",
            "https://huggingface.co/a/b/resolve/main/x?[removed]",
        ),
        ("https://me:p@ss@host/a", "https://[removed]@host/a"),
        ("get https://host/a.zip?X-Sig=abc&b=1 now", "get https://host/a.zip?[removed] now"),
        (json.dumps('"https://host/#access"'), json.dumps('"https://host/?[removed]"')),
        ("s3://key:secret@bucket/x", "s3://[removed]@bucket/x"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: [removed] [removed]"),
        ("api_key='abcdef123'", "api_key='[removed]'"),
        ('{"password": "hunter22"}', '{"password": "[removed]"}'),
        (json.dumps('{"secret": "hunter22"}'), json.dumps('{"secret": "[removed]"}')),
        *(
            (text.format("ghp_0123456789abcdefghij"), text.format("[removed]"))
            for text in ("{}", "see {}, then", "a/{}/b")
        ),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ", "[removed]"),
        ("/Users/adalovelace/x and C:\\Users\\adalovelace\\x", "~/x and ~\\x"),
        ("/data/own/x and /data/owner/x", "~/x and /data/owner/x"),
        ("accuracy 0.5, key of 12 tokens, hf-int4, https://example.org/x", None),
        ("key: 3f2a9c, the tokenizer: merges.txt", None),
    ],
)
def test_what_is_removed(text: str, left: str | None) -> None:
    assert Redaction(home="/data/own").text(text) == (text if left is None else left)


def test_the_end_of_a_long_log_is_taken(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LONGEST", 10)
    (run / "run.log").write_text("begin" + "x" * 100 + "end")
    assert contents([], run, {})["run/run.log"] == "xxxxxxxend"


@pytest.mark.parametrize("link", ["run.log", "cells"])
def test_a_link_that_leads_out_of_the_run_is_not_followed(run: Path, tmp_path: Path, link: str) -> None:
    (run / link).rename(tmp_path / "elsewhere")
    (run / link).symlink_to(tmp_path / "elsewhere")
    names = contents(CHECKS, run, VARIABLES)
    assert "run/run.json" in names
    assert not [name for name in names if name == f"run/{link}" or name.startswith(f"run/{link}/")]


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run folder"):
        contents([], tmp_path, {})


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write(tmp_path / name, {"x.txt": "x\udc9b"})
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.read("x.txt") == b"x\\udc9b"


def test_the_command_lists_the_content_before_it_writes(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "checks", lambda: iter(CHECKS))
    said = []
    monkeypatch.setattr(bundle, "write", lambda path, files: said.append((path, sorted(files))))
    done = CliRunner().invoke(app, ["doctor", "--bundle", str(tmp_path / "b.zip"), "--run", str(run)])
    assert done.exit_code == 0, done.output
    assert said[0][0] == tmp_path / "b.zip"
    for name in said[0][1]:
        assert f"  {name}" in done.output
    assert done.output.index("run/run.log") < done.output.index("Written:")


def test_a_run_without_an_archive_is_refused(run: Path) -> None:
    assert isinstance(CliRunner().invoke(app, ["doctor", "--run", str(run)]).exception, InputError)
