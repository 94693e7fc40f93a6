"""The report: one inert, self-contained file that says what it found and what it does not know."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qbench.errors import InputError
from qbench.report.html import Look, environment, render, template_folder
from qbench.report.html import page as whole_page
from qbench.results import load
from tests.unit.conftest import made_run

Make = Callable[..., Any]
TABLES = Look(charts=False, sections=())
"""Charts are drawn in tests of their own: each costs more than all of this."""


def page(results: Any) -> str:
    return whole_page(results, TABLES)


A, B = "openai/ViT-B-32", "laion/ViT-B-16"
HOSTILE = (
    "<script>alert(1)</script>",
    "{{7*7}}",
    "</style><img src=x onerror=alert(1)>",
    "\u202egnp.exe\u2066 \u05d0",
    "']]>\"><svg onload=alert(1)>",
    "x" * 3000,
)
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; complains about tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        """What a reader reads."""
        return re.sub(r"[\u2068\u2069]", "", " ".join(" ".join(self.words).split()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run of two models and three quantizers on four benchmarks."""
    return page(load(made_run(tmp_path_factory.mktemp("whole") / "run").write()))


def _all(*names: str) -> Any:
    return lambda run: [run.add(m, q, b) for b in names for m in (A, B) for q in ("fp32", "hf-int8", "hf-int4")]


def test_same_results_same_bytes(make_run: Make, tmp_path: Path) -> None:
    folder = make_run().write()
    first = render(load(folder), tmp_path / "new" / "a.html", TABLES).read_bytes()
    assert first == render(load(folder), tmp_path / "b.html", TABLES).read_bytes()
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.html"]
    assert str(tmp_path).encode() not in first


def test_it_asks_for_nothing_and_runs_nothing(whole: str) -> None:
    parsed = Page(whole)
    assert not {t for t, _ in parsed.tags} & {"script", "img", "link", "iframe", "object", "base", "form"}
    for _, attributes in parsed.tags:
        assert not [k for k in attributes if k.startswith("on") or k in ("src", "style", "srcset")]
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in whole
    assert "@import" not in whole


def test_the_policy_allows_its_own_style_and_nothing_else(make_run: Make) -> None:
    text = page(load(make_run(benchmarks=("coco",)).write()))
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    (policy,) = [a["content"] for t, a in Page(text).tags if t == "meta" and "http-equiv" in a]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; script-src 'none'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def test_every_template_escapes_whatever_its_name() -> None:
    names = environment().list_templates(extensions=["j2"])
    assert "report.html.j2" in names
    assert environment().autoescape is True
    assert environment().from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
    for path in template_folder().glob("*.j2"):
        source = path.read_text(encoding="utf-8")
        assert "| safe" not in source
        assert "|safe" not in source
    assert not list(template_folder().rglob("*.py"))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_inert_wherever_they_stand(empty_run: Any, name: str) -> None:
    empty_run.run |= {"name": name, "notes": [name], "spec": {name: name}}
    empty_run.environment |= {"cpu": name, "packages": {name: name}}
    for model in (A, name):
        for quantizer in ("fp32", "hf-int8", name):
            cell = empty_run.add(model, quantizer, "facet", right=0.05 if model == name else 0.6)
            record = empty_run.records[cell]
            record["benchmark_info"]["choices"] = {name: name}
            record["benchmark_info"]["attributes"][0] = {
                "name": "gender",
                "groups": ["masc", "fem"],
                "pairs": [["masc", "fem"]],
            }
            record["data_info"]["missing"] = {"count": 1, "of": 81, "by_group": {"age": {name: 1}}}
            frame = empty_run.metrics[cell]
            empty_run.metrics[cell] = frame.assign(**{"class": frame["class"].replace("class 1", name)})
            empty_run.items[cell]["age"] = name
            for layer in record["coverage"]["layers"]:
                layer |= {"name": name, "reason": name}
    empty_run.fail(B, "fp32", "coco", what=name)
    text = page(load(empty_run.write()))
    parsed = Page(text)
    assert not {t for t, _ in parsed.tags} & {"script", "img"}
    assert not [a for _, a in parsed.tags if any(k.startswith("on") for k in a)]
    assert not re.search("[\u202a-\u202e\u2066\u2067\u200e\u200f\x00-\x08]", text)
    if "7*7" in name:
        assert "{{7*7}}" in text
    assert text.count("<style>") == text.count("</style>") == 1


def test_ids_are_unique_and_links_lead_somewhere(whole: str) -> None:
    tags = Page(whole).tags
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(set(ids)) == len(ids)
    wanted = [(a.get("href") or "").removeprefix("#") for t, a in tags if t == "a"]
    wanted += [a["aria-labelledby"] or "" for _, a in tags if "aria-labelledby" in a]
    assert wanted
    assert set(wanted) <= set(ids)


def test_every_table_has_a_caption_and_every_chart_words(whole: str) -> None:
    parsed = Page(whole)
    count = {name: sum(t == name for t, _ in parsed.tags) for name in ("table", "caption", "title")}
    assert count["table"] == count["caption"] > 5
    words = [a.get("aria-label") for t, a in parsed.tags if t == "svg" and a.get("role") == "img"]
    assert len(words) > 10
    assert all(words)
    assert count["title"] == 1
    assert all("scope" in a for t, a in parsed.tags if t == "th")


def test_the_first_screen_says_what_was_compared_and_what_not(whole: str) -> None:
    text = Page(whole).text
    summary = text[
        text.index("NOT SHOWN SAFE") if "NOT SHOWN SAFE" in text else 0 : text.index("Groups and gaps Each row")
    ]
    for words in (
        "2: openai/ViT-B-32, laion/ViT-B-16",
        "hf-int8, hf-int4, each against fp32",
        "facet (80 items)",
        "Cells done 24 of 24",
        "Note. The people are drawings.",
        "The group that loses most",
        "What would decide it",
    ):
        assert words in summary


def test_the_numbers_are_the_runs(make_run: Make) -> None:
    run = make_run(models=(A,), quantizers=("fp32", "hf-int4"), benchmarks=("imagenet",))
    before, after = run.run["cells"]
    for name, value in ((before, 0.6334), (after, 0.6121)):
        run.metrics[name].loc[0, "value"] = value
    parsed = Page(page(load(run.write())))
    text = parsed.text
    assert "63.3 % 61.2 % −2.1" in text
    assert "change −2.1\u00a0points" in [a.get("aria-label") for t, a in parsed.tags if t == "svg"]
    assert "−2.1 inconclusive 80" in text


def test_the_coverage_names_the_control_and_every_layer_with_its_error(make_run: Make) -> None:
    run = make_run(models=(A,), quantizers=("fp32", "hf-int4"), benchmarks=("imagenet",))
    record = run.records[run.run["cells"][1]]
    record["control"] = {"name": "fp16", "note": "products in float32"}
    record["coverage"]["layers"][0] |= {"error": 0.0912, "sparsity": 0.25}
    text = Page(page(load(run.write()))).text
    assert "openai/ViT-B-32 hf-int4 float32 fp16, not in this run products in float32" in text
    assert "vision.fc1 image 4,096 0.0912 (20.8)" in text
    assert "text_projection text 4,096 left out" in text
    assert "0.0912 0.0912 25.0 %" in text
    record["control"]["name"] = "fp32"
    assert "openai/ViT-B-32 hf-int4 float32 fp32 products in float32" in Page(page(load(run.write()))).text


def test_coverage_of_an_earlier_version_is_not_known_rather_than_zero(make_run: Make) -> None:
    text = Page(page(load(make_run(models=(A,), quantizers=("fp32", "hf-int4")).write()))).text
    assert "unknown unknown unknown 2.0 MB unknown" in text
    assert "openai/ViT-B-32 hf-int4 float32 none named" in text


def test_items_without_a_label_stand_beside_the_others(make_run: Make) -> None:
    text = Page(page(load(make_run(benchmarks=("facet",)).write()))).text
    assert "gender: masc (n = 30) gender: fem (n = 30) gender: non_binary – unlabelled (n = 30)" in text
    assert "gender non_binary 26 32.5 % unlabelled: counted separately" in text


def test_undetermined_numbers_say_so(make_run: Make) -> None:
    run = make_run(benchmarks=("facet", "fairface"))
    name = run.run["cells"][1]
    frame = run.metrics[name]
    frame.loc[frame["group"] == "fem", ["value", "n"]] = [np.nan, 0]
    text = Page(page(load(run.write()))).text
    assert "undetermined (n = 1,000)" in text
    assert "undetermined (no items)" in text
    assert "the cut-off takes the whole gallery" in text
    assert not re.search(r"\bnan\b", text, re.I)


def test_no_minus_zero(make_run: Make) -> None:
    run = make_run(models=(A,), quantizers=("fp32", "hf-int8"), benchmarks=("imagenet", "facet"))
    for name, other in ((run.run["cells"][1], run.run["cells"][0]), (run.run["cells"][3], run.run["cells"][2])):
        run.metrics[name]["value"] = run.metrics[other]["value"] - 1e-9
    text = page(load(run.write()))
    assert not re.search(r"[-−]0\.0+(?![0-9])", re.sub(r"<svg.*?</svg>|<style>.*?</style>", "", text, flags=re.S))


def test_missing_images_are_counted_by_group(make_run: Make) -> None:
    run = make_run(benchmarks=("facet",))
    for record in run.records.values():
        record["data_info"]["missing"] = {"count": 3, "of": 83, "by_group": {"age": {"young": 2, "": 1}}}
    text = Page(page(load(run.write()))).text
    assert "Missing facet 3 items of 83 have no image" in text
    assert "age young: 2, age unlabelled: 1" in text


def test_failures_and_gaps_are_shown(empty_run: Any) -> None:
    _all("facet")(empty_run)
    empty_run.fail(A, "hf-int8", "coco")
    empty_run.add(B, "hf-int8", "coco")
    missing = "cells/coco/some-model/torch-int8-1a2b3c4d"
    empty_run.run["cells"].append(missing)
    empty_run.run["labels"] = {missing: {"model": "some-model", "quantizer": "torch-int8", "benchmark": "coco"}}
    text = Page(page(load(empty_run.write()))).text
    assert "Cells done 7 of 9 Cells failed 1 of 9 Cells missing 1 of 9" in text
    assert "Failed openai/ViT-B-32 hf-int8 coco layer 3: the width is no multiple of 64" in text
    assert "this run has no fp32 of this model on this benchmark" in text
    assert "some-model torch-int8 coco" in text


def test_nothing_missing_is_said_too(whole: str) -> None:
    assert "Every cell of the plan is done" in Page(whole).text


def test_numbers_that_the_data_cannot_give_are_listed_with_cause_and_remedy(empty_run: Any) -> None:
    said = {"metric": "skew@1000", "attribute": "race", "group": "", "classes": ["a good person"]}
    for quantizer in ("fp32", "hf-int8"):
        cell = empty_run.add(A, quantizer, "fairface")
        whole = {**said, "cause": "k is the whole gallery", "remedy": "Use ks = [100]."}
        empty_run.records[cell]["data_info"]["unavailable"] = [whole]
    text = Page(page(load(empty_run.write()))).text
    assert "fairface skew@1000 race, 1 class k is the whole gallery Use ks = [100]." in text.replace("\xa0", " ")


def test_chance_level_is_on_the_first_screen_and_marked_in_the_tables(empty_run: Any) -> None:
    for benchmark in ("facet", "fairface"):
        for model in (A, B):
            for quantizer in ("fp32", "hf-int8"):
                empty_run.add(model, quantizer, benchmark, right=0.05 if model == A else 0.6)
    text = Page(page(load(empty_run.write()))).text
    assert "At chance level openai/ViT-B-32 fp32 facet Its answers (top1) cannot be told from chance" in text
    assert "At chance level on another benchmark openai/ViT-B-32 fp32 fairface" in text
    assert "The same holds for hf-int8 of this model" in text
    assert "hf-int8 baseline at chance level" in text
    assert "The comparisons of 4 metrics (of one model on one benchmark) are void" in text  # those over all classes


@pytest.mark.parametrize("quantizers", [(), ("fp32",)])
def test_a_run_without_a_comparison_still_reports(make_run: Make, quantizers: tuple[str, ...]) -> None:
    text = Page(page(load(make_run(quantizers=quantizers).write()))).text
    assert "This run has nothing to compare." in text
    assert ("baseline" in text) is bool(quantizers) or "none, each against" in text


def test_a_damaged_file_that_only_one_section_reads_is_an_error_and_not_a_failed_section(empty_run: Any) -> None:
    """In a folder of an earlier version, which has no digests."""
    names = [empty_run.add(A, q, "facet") for q in ("fp32", "hf-int8")]
    empty_run.run["drift"] = [f"{names[1]}/drift-1234abcd.parquet"]
    (empty_run.write() / empty_run.run["drift"][0]).write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"drift-1234abcd\.parquet"):
        page(load(empty_run.folder))


def test_many_classes_stay_few_rows_with_a_count(empty_run: Any) -> None:
    for quantizer in ("fp32", "hf-int8"):
        empty_run.add(A, quantizer, "imagenet", classes=1000)
    text = page(load(empty_run.write()))
    assert len(text) < 100_000
    assert "20 rows of 1,000" in Page(text).text
    assert "980 more rows are not shown" in Page(text).text


def test_a_section_with_nothing_to_show_is_only_named(make_run: Make) -> None:
    def ids(run: Any) -> tuple[set[str | None], str]:
        parsed = Page(page(load(run.write())))
        return {a.get("id") for t, a in parsed.tags if t == "section"}, parsed.text

    run = make_run(models=(A,), benchmarks=("facet",))
    there, text = ids(run)
    assert not {"noise", "speed", "drift", "runs", "gallery", "cuts"} & there
    gone = text[text.index("Sections that are not on this page") :]
    assert "Batch noise Not measured in this run" in gone
    assert "Other runs No other run was given" in gone
    run.add_noise(2)
    there, text = ids(run)
    assert "noise" in there
    assert "Batch noise Not measured" not in text


def test_a_missing_record_of_the_machine_is_said(empty_run: Any) -> None:
    for quantizer in ("fp32", "hf-int8"):
        empty_run.add(A, quantizer, "facet")
    folder = empty_run.write()
    said = "the run folder has no environment.json"
    assert said not in page(load(folder))
    (folder / "environment.json").unlink()
    assert said in page(load(folder))
