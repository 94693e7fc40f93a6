"""`qbench verify` says of a run folder, or of a bundle, what is not as it was written; numbers are computed again."""

import hashlib
import json
import shutil
import subprocess
import zipfile

import pandas as pd
import pytest
from typer.testing import CliRunner

from qbench.cli import app
from qbench.errors import InputError
from qbench.execution.run import execute
from qbench.plugins.registry import Registry
from qbench.results import load, recompute
from qbench.results.analysis import analyse_again, analysed
from qbench.results.verify import verify
from qbench.runfolder.bundle import SUMS, unpacked
from qbench.runfolder.integrity import SEAL, sealed
from qbench.store.digests import file_digest


@pytest.fixture
def folder(spec, registry, cache, tmp_path, first, monkeypatch):
    """A finished run whose benchmark is installed, beside its cache."""
    recompute._measure.cache_clear()
    monkeypatch.setattr("qbench.results.recompute.installed", lambda: registry)
    if first.exists():
        shutil.copytree(first, tmp_path, dirs_exist_ok=True)
    else:
        execute(spec(speed=1, noise=1), tmp_path / "run", registry=registry, cache=cache)
        analysed(load(tmp_path / "run"))
        shutil.copytree(tmp_path, first)
    yield tmp_path / "run"
    recompute._measure.cache_clear()


def call(*arguments):
    done = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, (SystemExit, InputError)), done.exception
    return done.exit_code, done.output


def test_a_run_that_is_as_it_was_written(folder):
    found = verify(folder)
    assert (found.exit_code, found.findings) == (0, ())
    assert (found.cells, found.recomputed) == (2, 2)
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix in (".json", ".parquet")]
    assert found.files == len(files)
    code, text = call(folder)
    assert code == 0
    assert "The numbers of 2 of 2 cells were computed again, and are equal." in text


def test_every_file_that_is_missing_or_changed_is_named(folder):
    files = [p for p in sorted(folder.rglob("*")) if p.suffix in (".json", ".parquet") and p.name != "analysis.json"]
    for path in files:
        content = path.read_bytes()
        for changed in (None, content[: len(content) // 2]):
            path.unlink()
            if changed is not None:
                path.write_bytes(changed)
            if path.name == "run.json":
                with pytest.raises(InputError, match=r"run\.json"):
                    verify(folder)
            else:
                found = verify(folder)
                assert found.exit_code == 1
                assert path.relative_to(folder).as_posix() in {x.file for x in found.findings if x.verdict == "differs"}
            path.write_bytes(content)
    assert verify(folder).exit_code == 0


def test_a_number_that_does_not_follow_from_the_items_is_named_with_both_values(folder):
    """Also where somebody who changed it wrote new digests."""
    path = next(folder.glob("cells/*/*/base-*/metrics.parquet"))
    table = pd.read_parquet(path)
    was = table["value"][0]
    table.assign(value=table["value"] - 0.25).to_parquet(path, index=False)
    record = json.loads((path.parent / "cell.json").read_text())
    record["tables"]["metrics"] = file_digest(path)
    (path.parent / "cell.json").write_text(json.dumps(sealed(record)))
    found = verify(folder)
    assert (found.exit_code, found.recomputed) == (1, 1)
    assert [x.what for x in found.findings] == [
        f"accuracy is stored as {was - 0.25:.12g}; the items give {was:.12g}",
        "not computed again: it was made of files that differ",
    ]


def test_a_verdict_that_does_not_follow_from_the_items_is_named_with_both_values(folder):
    """Also where somebody who changed it wrote new digests."""
    path = folder / "analysis" / "effects.parquet"
    table = pd.read_parquet(path)
    was = table["verdict"][0]
    assert was != "better"
    table.assign(verdict="better").to_parquet(path, index=False)
    record = json.loads((path.parent / "analysis.json").read_text())
    record["tables"]["effects"] = file_digest(path)
    (path.parent / "analysis.json").write_text(json.dumps(sealed(record)))
    code, text = call(folder)
    assert code == 1
    assert f"verdict is stored as 'better'; computed again, it is '{was}'" in text
    assert "The analysis was made again" not in text


def test_the_analysis_is_made_again_with_the_settings_that_it_was_made_with(folder):
    results = load(folder)
    analyse_again(results, {"confidence": 0.8, "seed": 5})
    code, text = call(folder)
    assert (code, "The analysis was made again, and is equal." in text) == (0, True)


def test_a_statistic_that_fails_leaves_the_analysis_unchecked(folder, monkeypatch):
    def fails(*arguments):
        raise RuntimeError("no such luck")

    monkeypatch.setattr("qbench_statistics.bootstrap.Bootstrap.judge", fails)
    code, text = call(folder)
    assert code == 2
    assert "analysis.json: not computed again: the statistic 'bootstrap' cannot" in text
    assert "RuntimeError: no such luck" in text


def test_an_analysis_of_other_cells_is_not_compared(folder, spec, registry, cache):
    execute(spec(limit=6), folder, registry=registry, cache=cache)
    code, text = call(folder)
    assert code == 2
    assert "analysis.json: not computed again: it is of other cells" in text


def test_a_benchmark_that_is_not_installed_is_said_and_is_not_fine(folder, monkeypatch):
    recompute._measure.cache_clear()
    monkeypatch.setattr("qbench.results.recompute.installed", lambda: Registry(plugins=[]))
    code, text = call(folder)
    assert code == 2
    assert "not computed again: 'fake:toys' of fakes, or a file that its options name, is not on this machine" in text


def test_a_run_of_an_earlier_version_could_not_be_checked(folder):
    for path in folder.rglob("*.json"):
        values = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in values.items() if k not in (SEAL, "digests")}))
    code, text = call(folder)
    assert code == 2
    assert "no digest was taken of it: it was written by an earlier version" in text


def test_files_that_are_left_over(folder, spec, registry, cache):
    execute(spec(limit=6), folder, registry=registry, cache=cache)
    analysed(load(folder))
    found = verify(folder)
    assert found.exit_code == 0
    assert {(x.verdict, x.file.split("/")[0]) for x in found.findings} == {("kept", "cells"), ("kept", "speed")}
    cell = folder / load(folder).run.cells[0]
    (cell / "more.parquet").write_bytes(b"")
    found = verify(folder)
    assert found.exit_code == 1
    assert [x.file for x in found.findings if x.verdict == "differs"] == [
        (cell / "more.parquet").relative_to(folder).as_posix()
    ]


def test_as_json(folder):
    code, text = call(folder, "--json")
    assert code == 0
    assert json.loads(text) == {
        **{"run": str(folder), "files": verify(folder).files, "cells": 2, "recomputed": 2},
        "analysed": True,
        "findings": [],
        "exit_code": 0,
    }


def bundle(folder, out):
    done = CliRunner().invoke(app, ["bundle", str(folder), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert f"SHA-256: {file_digest(out)}" in done.output
    return out


def test_a_bundle_has_the_same_bytes_wherever_it_is_made_and_can_be_read(folder, tmp_path):
    out = bundle(folder, tmp_path / "a.zip")
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "run.log").write_text("/home/somebody")
    assert bundle(tmp_path / "copy", tmp_path / "b.zip").read_bytes() == out.read_bytes()
    assert call(out)[0] == 0
    with zipfile.ZipFile(out) as packed:
        assert not {"run.log", ".lock", "report.html"} & set(packed.namelist())
        packed.extractall(tmp_path / "unpacked")
    assert load(tmp_path / "unpacked").effects.equals(load(folder).effects)
    checked = subprocess.run(["sha256sum", "--quiet", "-c", SUMS], cwd=tmp_path / "unpacked", check=False)
    assert checked.returncode == 0


def test_a_damaged_run_is_not_sealed(folder, tmp_path):
    path = next(folder.glob("cells/*/*/base-*/items.parquet"))
    path.write_bytes(b"PAR1")
    done = CliRunner().invoke(app, ["bundle", str(folder), "--out", str(tmp_path / "a.zip")])
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "a.zip").exists()


def repacked(source, out, *, without=(), changed=None, added=None):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            if member.filename not in without:
                new.writestr(member, (changed or {}).get(member.filename, old.read(member)))
        for name, content in (added or {}).items():
            new.writestr(name, content)
    return out


def test_a_bundle_that_was_changed_is_found_out(folder, tmp_path):
    good, out = bundle(folder, tmp_path / "a.zip"), tmp_path / "b.zip"
    with zipfile.ZipFile(good) as packed:
        kinds = {name.split("/")[-1].split("-")[0]: name for name in packed.namelist() if name != SUMS}
    for name in (kinds["cell.json"], kinds["items.parquet"], kinds["drift"], kinds["run.json"]):
        assert call(repacked(good, out, without=[name]))[0] == 1
        code, text = call(repacked(good, out, changed={name: b"{}"}))
        assert code == 1
        assert name in text
    for name in ("../evil", "/evil", "cells/more.parquet", "a\\..\\evil"):
        code, text = call(repacked(good, out, added={name: b"x"}))
        assert code == 1
        assert "is not in SHA256SUMS" in text
    sums = zipfile.ZipFile(good).read(SUMS) + b"0" * 64 + b"  ../evil\n"
    code, text = call(repacked(good, out, changed={SUMS: sums}, added={"../evil": b"x"}))
    assert code == 1
    assert "leads out of the bundle" in text
    assert not list(tmp_path.rglob("evil"))
    digest, listed = hashlib.sha256(b"x").hexdigest(), zipfile.ZipFile(good).read(SUMS)
    for name, said in {
        "./run.json": "not one that `qbench bundle` writes",
        "cells//x": "not one that `qbench bundle` writes",
        "a/" * 2000 + "x": "not one that `qbench bundle` writes",
        "run.json/x": "another file of the bundle is in the place of its folder",
        "cells": "a folder of the bundle is in its place",
    }.items():
        sums = listed + f"{digest}  {name}\n".encode()
        code, text = call(repacked(good, out, changed={SUMS: sums}, added={name: b"x"}))
        assert (code, said in text) == (1, True), name
    content = good.read_bytes()
    for at in range(0, len(content), len(content) // 20):
        flipped = bytearray(content)
        flipped[at] ^= 4
        out.write_bytes(flipped)
        assert call(out)[0] in (0, 1), at  # a bit of the archive's own head need not matter


@pytest.mark.parametrize("method", [*range(1, 20), 93, 98, 99, 65535])
@pytest.mark.parametrize("name", [SUMS, "run.json"])
def test_a_file_of_a_bundle_that_is_said_to_be_compressed_otherwise_is_found_out(method, name, tmp_path):
    files = {"run.json": b"{}", SUMS: f"{hashlib.sha256(b'{}').hexdigest()}  run.json\n".encode()}
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for member, content in files.items():
            packed.writestr(member, content)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    entry = content.rindex(name.encode()) - 46  # of the central directory, which has the method at its tenth byte
    assert content[entry : entry + 4] == b"PK\x01\x02"
    content[entry + 10 : entry + 12] = method.to_bytes(2, "little")
    (tmp_path / "a.zip").write_bytes(content)
    if name == SUMS and method != zipfile.ZIP_DEFLATED:
        with (
            pytest.raises(InputError, match="its list of digests SHA256SUMS cannot be read"),
            unpacked(tmp_path / "a.zip"),
        ):
            pass
        return
    with unpacked(tmp_path / "a.zip") as (_, problems):
        assert problems == {} or "compressed by a method that `qbench bundle` does not use" in problems[name]
        assert (problems == {}) == (method == zipfile.ZIP_DEFLATED)


def test_a_bundle_whose_seal_was_removed_is_refused(folder, tmp_path):
    out = repacked(bundle(folder, tmp_path / "a.zip"), tmp_path / "b.zip", without=[SUMS])
    with pytest.raises(InputError, match="the bundle has no seal") as refused:
        verify(out)
    assert refused.value.exit_code == 2


def test_a_bundle_replaces_no_file_unless_it_is_told_to(folder, tmp_path):
    out = tmp_path / "a.zip"
    out.write_text("mine")
    arguments = ["bundle", str(folder), "--out", str(out)]
    assert isinstance(CliRunner().invoke(app, arguments).exception, InputError)
    assert out.read_text() == "mine"
    assert CliRunner().invoke(app, [*arguments, "--force"]).exit_code == 0
    assert verify(out).exit_code == 0


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all"])
def test_what_is_no_bundle_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InputError, match="not a bundle of a run"):
        verify(tmp_path / "a.zip")
    with pytest.raises(InputError, match="no such folder"):
        verify(tmp_path / "missing.zip")
