"""The report in a real browser: it draws, filters, asks the network for nothing, and is whole without its script."""

from __future__ import annotations

import csv
import io
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomlkit
from PIL import Image

from qbench.gate.phrasing import headline, waived
from qbench.report.html import Look, page, sections_of
from qbench.results import load
from tests.integration.conftest import SPEC
from tests.unit.conftest import made_run
from tests.unit.gate.conftest import Study
from tests.unit.gate.test_writers import some_waived
from tests.unit.report.intervals import with_intervals

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FOUND = next((path for name in BROWSERS if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(
    FOUND is None, reason="no Chromium: install Debian's chromium or chromium-headless-shell"
)

SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 320, "height": 640}}

SCROLL = """async () => {
  for (const fold of document.querySelectorAll("#appendix > section > details")) fold.open = true;
  for (const chart of document.querySelectorAll("[data-chart]")) {
    chart.scrollIntoView({ block: "center" });
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
}"""

RESET = """() => {
  if (location.search) document.querySelector("#filters").reset();
  for (const choice of document.querySelectorAll("[id^=choice-] select")) if (choice.selectedIndex) {
    choice.selectedIndex = 0;
    choice.dispatchEvent(new Event("change"));
  }
  scrollTo(0, 0);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=FOUND, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(small: Path) -> Path:
    """The report of the small run of the demo."""
    return small / "report.html"


@pytest.fixture(scope="module")
def one_by_one(small: Path, qbench: Any, tmp_path_factory: Any) -> Path:
    """The report of one model with one quantizer on two benchmarks, whose answers the small run has computed."""
    folder = tmp_path_factory.mktemp("one")
    spec = tomllib.loads(SPEC) | {"name": "one", "quantizers": ["fp32", "hf-int4"]}
    spec["benchmarks"] = [x for x in spec["benchmarks"] if x["name"] in ("facet", "fairface")]
    (folder / "one.toml").write_text(tomlkit.dumps(spec))
    qbench("run", "one.toml", "--out", "run", cwd=folder)
    return folder / "run" / "report.html"


class Visit:
    """A page as somebody opens it: offline, and everything that goes wrong is written down."""

    def __init__(self, browser: Any, path: Path, **how: Any) -> None:
        self.context = browser.new_context(offline=True, reduced_motion="reduce", **how)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda m: self.said.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.goto(path.as_uri())
        self.here = path.as_uri()

    def draw(self) -> None:
        """Open the appendix, bring every chart into view, and wait until it is live."""
        # Not the driver's own scrolling: it waits until nothing moves, and charts move what stands below them.
        self.page.evaluate(SCROLL)
        self.page.wait_for_function("[...document.querySelectorAll('[data-chart]')].every(x => x.dataset.live)")

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.fixture(scope="module")
def kept(browser: Any, report: Path) -> Iterator[Visit]:
    """A visit of the report whose charts have all been drawn."""
    with Visit(browser, report) as visit:
        visit.draw()
        yield visit


@pytest.fixture
def drawn(kept: Visit) -> Iterator[Visit]:
    """The visit with all charts drawn, and every filter as it was for the next test."""
    yield kept
    kept.page.mouse.move(0, 0)
    kept.page.evaluate(RESET)
    kept.page.wait_for_function("!location.search && document.querySelector('#filters output').textContent === ''")


def test_charts_are_live_and_nothing_is_asked_for(drawn: Visit) -> None:
    assert drawn.page.locator("[data-live=yes] svg.marks").count() > 8
    assert drawn.said == []
    assert [url for url in drawn.asked if url != drawn.here] == []


def test_the_first_chart_is_live_before_anybody_scrolls(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        visit.page.locator("[data-chart]").first.locator("svg.marks").wait_for(state="attached")


def test_a_page_is_few_nodes_and_few_bytes(drawn: Visit, report: Path) -> None:
    assert drawn.page.evaluate("document.querySelectorAll('*').length") < 20_000
    assert report.stat().st_size < 8_000_000


def test_a_chart_is_not_blank(drawn: Visit) -> None:
    image = drawn.page.locator("#chart-changes-facet-accuracy").screenshot()
    pixels = np.asarray(Image.open(io.BytesIO(image)).convert("L"))
    assert pixels.std() > 5


def test_hovering_gives_value_interval_and_n(drawn: Visit) -> None:
    drawn.page.locator("#chart-changes-facet-accuracy .mark-symbol path").last.hover(force=True)
    tip = drawn.page.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    words = tip.inner_text()
    assert all(x in words for x in ("Change", "[", "Verdict", "Margin", "n"))


def test_filters_hide_rows_and_redraw(drawn: Visit) -> None:
    drawn.page.select_option("[name=quantizer]", "hf-int4")
    drawn.page.wait_for_function(
        "!document.querySelector('#chart-changes-facet-accuracy').textContent.includes('hf-int8')"
    )
    assert "hf-int4" in drawn.page.locator("#chart-changes-facet-accuracy").text_content()
    shown = drawn.page.locator("#accuracy tbody tr:visible").all_text_contents()
    shown += drawn.page.locator("#summary tbody tr:visible").all_text_contents()
    assert shown
    assert not [row for row in shown if "hf-int8" in row]
    assert "rows of the tables are hidden" in drawn.page.locator("#filters output").inner_text()
    drawn.page.select_option("[name=quantizer]", "")
    drawn.page.wait_for_function(
        "document.querySelector('#chart-changes-facet-accuracy').textContent.includes('hf-int8')"
    )


def test_any_number_can_be_chosen_in_the_heat_map(drawn: Visit) -> None:
    choice = drawn.page.locator("#choice-grid select")
    before = drawn.page.locator("#chart-grid").text_content()
    choice.select_option(index=choice.locator("option").count() - 1)
    drawn.page.wait_for_function("b => document.querySelector('#chart-grid').textContent !== b", arg=before)


def test_groups_are_bars_with_their_numbers_and_follow_the_filters(drawn: Visit) -> None:
    bars = drawn.page.locator("#chart-groups-facet .mark-rect path")
    before = bars.count()
    assert before > 8
    bars.last.scroll_into_view_if_needed()
    drawn.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    bars.last.hover(force=True)  # at rest: sections near it have been laid out
    tip = drawn.page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    assert all(x in tip.inner_text() for x in ("Value", "Change", "[", "n"))
    drawn.page.select_option("[name=attribute]", "gender")
    drawn.page.wait_for_function("!document.querySelector('#chart-groups-facet').textContent.includes('age: ')")
    assert bars.count() < before


def test_a_choice_in_a_chart_outlives_a_filter(drawn: Visit) -> None:
    choice = drawn.page.locator("#choice-grid select")
    choice.select_option(index=2)
    chosen = choice.input_value()
    drawn.page.select_option("[name=quantizer]", "hf-int4")
    drawn.page.wait_for_function("!document.querySelector('#chart-grid').textContent.includes('hf-int8')")
    assert drawn.page.locator("#choice-grid select").input_value() == chosen


def test_pairs_of_dots_are_drawn_before_and_after(drawn: Visit) -> None:
    dots = drawn.page.locator("[id^=chart-before-after] .mark-symbol path")
    assert dots.count() > 8
    assert drawn.page.locator("#changes").get_by_text("before and after").count() >= 2


def test_a_table_is_saved_as_csv(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        with visit.page.expect_download() as saved:
            visit.page.locator("#changes details").first.locator("summary").click()
            visit.page.locator("#changes button.csv").first.click()
        with Path(saved.value.path()).open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert saved.value.suggested_filename.endswith(".csv")
    assert len({len(row) for row in rows}) == 1
    assert any(cell.startswith("change ") for row in rows for cell in row)  # what a strip shows, in words


def test_without_script_and_style_all_is_there(browser: Any, report: Path, tmp_path: Path) -> None:
    strict = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    copy = tmp_path / "strict.html"
    copy.write_text(report.read_text(encoding="utf-8").replace("<head>", f"<head>{strict}", 1), encoding="utf-8")
    with Visit(browser, copy, java_script_enabled=False) as visit:
        assert visit.page.locator(".verdict").first.inner_text()
        assert visit.page.locator("figure svg").count() > 8
        box = visit.page.locator("#chart-changes-facet-accuracy svg").bounding_box()
        assert box is not None
        assert box["width"] > 300
        assert visit.page.locator("#summary table").first.is_visible()
        visit.page.locator("#coverage summary").first.click()
        assert visit.page.locator("#coverage table").first.is_visible()


def serious(visit: Visit) -> list[str]:
    """The serious problems that axe finds on the page as it is shown."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(visit.page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{x['id']}: {x['nodes'][0]['html'][:200]}" for x in found if x["impact"] in ("serious", "critical")]


def test_axe_finds_no_serious_problem_on_a_wide_page_and_in_print(browser: Any, report: Path) -> None:
    with Visit(browser, report, viewport=SIZES["wide"], color_scheme="light", bypass_csp=True) as visit:
        visit.draw()
        assert serious(visit) == []
        visit.page.emulate_media(media="print")
        assert serious(visit) == []


def test_a_narrow_dark_page_has_no_serious_problem_and_nothing_sticks_out(browser: Any, report: Path) -> None:
    with Visit(browser, report, viewport=SIZES["narrow"], color_scheme="dark", bypass_csp=True) as visit:
        visit.draw()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= SIZES["narrow"]["width"]
        assert serious(visit) == []


def test_long_names_without_spaces_do_not_widen_a_narrow_page(browser: Any, tmp_path: Path) -> None:
    long, emoji = "m" * 300, "\U0001f469\u200d\U0001f52c" * 40
    hebrew = "\u05e9\u05dc\u05d5\u05dd" * 20 + "\u202e"
    run = made_run(tmp_path / "run", models=(long, hebrew), quantizers=("fp32", emoji), benchmarks=("facet",))
    run.run["name"] = long
    for frame in run.metrics.values():
        frame["group"] = frame["group"].replace({"fem": long, "older": emoji})
        frame["attribute"] = frame["attribute"].replace({"gender": hebrew})
    path = tmp_path / "page.html"
    path.write_text(page(with_intervals(load(run.write())), Look(sections=())), encoding="utf-8")
    with Visit(browser, path, viewport={"width": 390, "height": 844}) as visit:
        visit.draw()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert long in visit.page.locator("#summary tbody th").first.inner_text()


def test_forced_colours_keep_marks_and_verdict(browser: Any, report: Path) -> None:
    with Visit(browser, report, forced_colors="active") as visit:
        visit.draw()
        marks = visit.page.locator("#chart-changes-facet-accuracy .mark-symbol path").all()
        behind = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        drawn = "x => [getComputedStyle(x).stroke, getComputedStyle(x).fill]"
        assert marks
        assert all(any(c not in ("none", behind) for c in mark.evaluate(drawn)) for mark in marks)
        assert visit.page.locator(".verdict").first.evaluate("x => getComputedStyle(x).color") != behind


def test_it_can_be_read_by_keyboard(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.className") == "skip"
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        for _ in range(3):
            visit.page.keyboard.press("Tab")
        assert visit.page.evaluate(outline) != "none"


SCREEN, A4 = 900, {"format": "A4"}
"""The height of a screen of 1,280 × 900 pixels, and the paper."""


def screens(visit: Visit) -> float:
    """How many screens there are before the appendix."""
    return visit.page.evaluate("document.querySelector('#appendix').getBoundingClientRect().top + scrollY") / SCREEN


def printed_pages(visit: Visit) -> int:
    """How many pages of A4 a printer gets."""
    return len(re.findall(rb"/Type\s*/Page\b", visit.page.pdf(**A4)))


def test_the_first_screen_answers(browser: Any, report: Path) -> None:
    with Visit(browser, report, viewport=SIZES["wide"]) as visit:
        table = visit.page.locator("#summary table").first.bounding_box()
        assert table is not None
        assert table["y"] + table["height"] <= SCREEN
        heads = visit.page.locator("#summary table").first.locator("thead th").all_text_contents()
        assert "The group that loses most" in heads
        assert "Inconclusive" in heads


def test_a_report_is_short_before_its_appendix(browser: Any, report: Path, one_by_one: Path) -> None:
    for path, most in ((report, 10), (one_by_one, 6)):
        with Visit(browser, path, viewport=SIZES["wide"]) as visit:
            visit.page.wait_for_selector("[data-live=yes]")
            assert 1 < screens(visit) <= most


def test_the_main_part_is_printed_on_few_pages_and_what_is_folded_is_not(browser: Any, report: Path) -> None:
    with Visit(browser, report, viewport=SIZES["wide"]) as visit:
        folded = printed_pages(visit)
        assert folded <= 8
        visit.page.emulate_media(media="print")
        assert visit.page.locator("#filters").is_hidden()
        assert visit.page.locator("#appendix").is_hidden()
        visit.page.evaluate("document.querySelector('#coverage details').open = true")
        assert visit.page.locator("#coverage table").first.is_visible()
        visit.page.emulate_media(media="screen")
        visit.page.get_by_role("button", name="Open all").click()
        assert printed_pages(visit) > folded


def test_filters_are_in_the_address_and_change_the_answer(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        whole = visit.page.locator(".band:visible").inner_text()
        visit.page.select_option("[name=quantizer]", "hf-int4")
        visit.page.locator(".band:visible", has_text="for hf-int4").wait_for()
        address = visit.page.url
        assert "quantizer=hf-int4" in address
        visit.page.goto(address)
        assert visit.page.locator("[name=quantizer]").input_value() == "hf-int4"
        assert "for hf-int4" in visit.page.locator(".band:visible").inner_text()
        rows = visit.page.locator("#summary tbody tr:visible")
        assert rows.count() == 1
        assert "hf-int4" in rows.first.inner_text()
        visit.page.get_by_role("button", name="Show all").click()
        visit.page.locator(".band:visible", has_text="for hf-int4").wait_for(state="hidden")  # on a busy machine
        assert visit.page.locator(".band:visible").inner_text() == whole
        assert "?" not in visit.page.url


def test_the_answer_follows_the_filter_for_a_benchmark_or_says_what_does_not(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        answers = set()
        for benchmark in ("imagenet", "fairface"):
            visit.page.select_option("[name=benchmark]", benchmark)
            shown = visit.page.locator(".band:visible")
            assert shown.count() == 1
            assert f"for {benchmark}" in shown.inner_text()
            assert f"on {benchmark}" in shown.locator("p").last.inner_text()
            rows = visit.page.locator("#summary table").first.locator("tbody tr:visible").all_text_contents()
            answers.add((shown.inner_text(), *rows))
            parts = visit.page.locator(f'.band[data-benchmark="{benchmark}"]').all()
            judged, of = (sum(int(x.get_attribute(key) or 0) for x in parts) for key in ("data-judged", "data-of"))
            told = shown.locator(".tally").all_text_contents()
            assert told in ([], [f"{judged:,} of {of:,}"])
            assert of > len(parts) > 1 or benchmark == "imagenet"
            assert rows
            others = {"imagenet", "coco", "facet", "fairface"} - {benchmark}
            tiles = "".join(visit.page.locator("#summary dl div").filter(has_text="Benchmarks").all_text_contents())
            assert not [x for x in others if any(f"{x}\u2069" in text for text in (*rows, tiles))]
            assert "of the whole run only is hidden" in visit.page.locator("#filters output").inner_text()
        assert len(answers) == 2
        visit.page.select_option("[name=attribute]", "gender")
        visit.page.fill("[name=search]", "female")
        assert "does not follow the search" in visit.page.locator(".beside:visible").inner_text()
        visit.page.get_by_role("button", name="Show all").click()
        visit.page.locator(".beside").wait_for(state="hidden")
        assert visit.page.locator("#summary table:visible").count() > 0


def test_the_filter_for_an_attribute_leaves_no_number_over_all_groups(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        tile = visit.page.locator("#summary dl div").filter(has_text="Benchmarks")
        assert tile.inner_text().count("\u2069") == 4
        visit.page.select_option("[name=attribute]", "gender")
        visit.page.locator(".band:visible", has_text="for gender").wait_for()
        assert "for gender=" in visit.page.locator(".band:visible p").last.inner_text()
        table = visit.page.locator("#summary table").first
        heads = table.locator("thead th").all_text_contents()
        for row in table.locator("tbody tr:visible").all():
            cells = dict(zip(heads, row.locator("th, td").all_text_contents(), strict=True))
            assert cells["Over all items, at worst"] == "–"
            of_groups = cells["The group that loses most"]
            assert "gender: " in of_groups or of_groups in ("none loses", "none that is judged loses")
        compared = tile.inner_text()
        assert [x for x in ("imagenet", "coco", "facet", "fairface") if f"{x}\u2069" in compared] == [
            "facet",
            "fairface",
        ]
        visit.page.select_option("[name=benchmark]", "imagenet")
        visit.page.locator(".band:visible").wait_for(state="hidden")
        for row in table.locator("tbody tr:visible").all():
            cells = dict(zip(heads, row.locator("th, td").all_text_contents(), strict=True))
            assert {text for head, text in cells.items() if head not in ("Model", "Quantizer")} == {"–"}


def test_a_selection_names_all_that_is_waived_in_it(browser: Any, tmp_path: Path) -> None:
    """The script adds up what the waivers let pass in the parts that the filters leave, as the gate says it of them."""
    model, study = "b32", Study()
    run = made_run(tmp_path / "run", models=(model,), quantizers=("fp32", "int8", "int4"), benchmarks=("facet",))
    results, gate = with_intervals(load(run.write())), some_waived(study, model)
    path = tmp_path / "page.html"
    look = Look(sections=())
    path.write_text(page(results, look, sections=sections_of(results, look, gate=gate)), encoding="utf-8")
    answers = {variant.quantizer: variant for variant in gate.variants}
    with Visit(browser, path) as visit:
        shown = visit.page.locator(".band:visible p").last
        cell = visit.page.locator("#summary table", has_text="May it ship?").first.locator("tbody tr:visible td").first
        for quantizer, answer in answers.items():
            visit.page.select_option("[name=quantizer]", quantizer)
            rows = [row for row in gate.rows if row.quantizer == quantizer]
            told = headline([row for row in rows if row.attribute == rows[0].attribute]).told
            assert shown.text_content().endswith(waived(rows, told))
            assert cell.text_content().split(". ", 1)[1] == answer.waived
            visit.page.select_option("[name=attribute]", "age")
            assert cell.text_content().endswith(waived([row for row in rows if row.attribute == "age"]))
            visit.page.select_option("[name=attribute]", "")


def test_a_value_in_the_address_that_the_run_does_not_have_is_said(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        whole = visit.page.locator(".band:visible").inner_text()
        visit.page.goto(f"{visit.here}?quantizer=hf-int9&attribute=gender")
        said = visit.page.locator("#filters output")
        assert "the quantizer “hf-int9”, which this report does not have" in said.inner_text()
        assert "for gender" in visit.page.locator(".band:visible").inner_text()  # what is known is applied
        visit.page.get_by_role("button", name="Show all").click()
        visit.page.locator(".band:visible", has_text="for gender").wait_for(state="hidden")
        assert said.inner_text() == ""
        assert visit.page.locator(".band:visible").inner_text() == whole


def test_what_the_address_asks_for_and_is_not_applied_is_said(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        visit.page.goto(f"{visit.here}?quantizer=no&quantizer=hf-int8&quantizer=hf-int4&quantizer=hf-int8&length=1")
        said = visit.page.locator("#filters output").inner_text()
        assert "the quantizer “no”, which this report does not have" in said
        assert "the quantizer “hf-int4” as well; only “hf-int8” is applied" in said
        assert "“length”, by which this report cannot be filtered" in said
        assert said.count("The address") == 3
        assert "for hf-int8" in visit.page.locator(".band:visible").inner_text()


def test_the_filter_for_a_benchmark_hides_the_parts_of_the_others(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        visit.page.select_option("[name=benchmark]", "facet")
        heads = visit.page.locator("#changes h3:visible").all_text_contents()
        assert heads == ["facet"]
        assert visit.page.locator("#changes figure:visible").count() == 2


def test_a_search_leaves_the_rows_with_these_words(drawn: Visit) -> None:
    drawn.page.fill("[name=search]", "gender: fem")
    shown = drawn.page.locator("#changes tbody tr").evaluate_all(
        "x => x.filter(r => !r.hidden).map(r => r.textContent)"
    )
    assert all("gender: fem" in " ".join(row.split()).lower() for row in shown)
    figure = drawn.page.locator("#chart-changes-facet-accuracy")
    drawn.page.wait_for_function("!document.querySelector('#chart-changes-facet-accuracy').textContent.includes('age')")
    assert "gender: fem" in (figure.text_content() or "")
    assert "search=gender" in drawn.page.url


def test_a_table_is_sorted_by_the_column_that_is_clicked(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        visit.page.locator("#changes summary").filter(has_text="mean_disparity on").click()
        table = visit.page.locator("#changes details[open] table")
        head = table.locator("thead th").filter(has_text=re.compile(r"^After"))
        at = head.evaluate("x => x.cellIndex")

        def values() -> list[float]:
            texts = table.locator(
                f"tbody tr td:nth-child({at + 1}), tbody tr th:nth-child({at + 1})"
            ).all_text_contents()
            return [float(x.replace("\N{MINUS SIGN}", "-").split()[0]) for x in texts]

        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        assert values() == sorted(values(), reverse=True)
        head.get_by_role("button").click()
        assert values() == sorted(values())
        assert len(set(values())) > 2


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_capture_of_the_whole_page_is_nowhere_blank(browser: Any, report: Path, *, scripts: bool) -> None:
    with Visit(browser, report, viewport=SIZES["wide"], java_script_enabled=scripts) as visit:
        pixels = np.asarray(Image.open(io.BytesIO(visit.page.screenshot(full_page=True))).convert("L"))
    blank = [y for y in range(0, len(pixels) - SCREEN, SCREEN // 2) if pixels[y : y + SCREEN].std() < 5]
    assert len(pixels) > 2 * SCREEN
    assert blank == []


def test_nothing_sticks_out_of_a_telephone(browser: Any, report: Path) -> None:
    with Visit(browser, report, viewport={"width": 390, "height": 844}) as visit:
        visit.draw()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
        # charts are made narrower, so that marks and labels are seen together
        assert visit.page.evaluate("document.querySelector('#chart-changes-facet-accuracy svg').clientWidth") < 390
        labels = visit.page.locator("#chart-changes-facet-accuracy .role-axis-label")
        assert labels.count() > 0
        assert not [text for text in labels.all_text_contents() if "…" in text]


def test_a_telephone_draws_all_charts_of_the_main_part_without_scrolling(browser: Any, report: Path) -> None:
    with Visit(browser, report, viewport={"width": 390, "height": 844}) as visit:
        charts = visit.page.evaluate(
            "[...document.querySelectorAll('[data-chart]')].filter(x => !x.closest('details')).map(x => x.id)"
        )
        assert charts
        for chart in charts:
            visit.page.locator(f"#{chart}[data-live]").wait_for(state="attached")
        assert visit.page.locator("details [data-live]").count() == 0


def test_a_link_to_a_section_of_the_appendix_opens_it(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        visit.page.goto(f"{report.as_uri()}#coverage")
        assert visit.page.locator("#coverage table").first.is_visible()
