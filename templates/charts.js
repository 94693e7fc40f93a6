// Makes the charts interactive; filters, searches and sorts; keeps the filters in the address; offers each table as CSV.
// The page is complete without it.
(() => {
  "use strict";
  const specs = JSON.parse(document.getElementById("charts").textContent);
  const form = document.getElementById("filters");
  const fields = [...form.elements].filter((field) => field.name);
  const appendix = document.getElementById("appendix");
  let chosen = {};
  let sought = "";
  let refused = []; // what the address asks for and the page does not have
  const seen = new Set();
  const drawn = new Map();
  const plain = (text) => text.replace(/[\u2066-\u2069]/g, "").replace(/\s+/g, " ").trim();
  const same = (one, other) => plain(one) === plain(other);
  const NARROW = 700;
  const LABELS = 140;

  // Nothing may be loaded; the policy of the page forbids it as well.
  const loader = {
    load: () => Promise.reject(new Error("no network")),
    sanitize: () => Promise.reject(new Error("no network")),
    http: () => Promise.reject(new Error("no network")),
    file: () => Promise.reject(new Error("no files")),
  };
  const options = {
    mode: "vega-lite", ast: true, renderer: "svg", actions: false, defaultStyle: false, loader,
    tooltip: { disableDefaultStyle: true },
  };

  // --- charts

  // Whether something with these names is within the filters; what it has no name for does not matter. A benchmark that
  // has no number of an attribute is not within the filter for that attribute.
  const having = JSON.parse(form.dataset.having || "{}");
  const without = (names) =>
    chosen.attribute && names.attribute === undefined && names.benchmark !== undefined
    && having[chosen.attribute] && !having[chosen.attribute].some((one) => same(one, names.benchmark));
  const within = (names) =>
    Object.entries(chosen).every(([key, value]) => !value || names[key] === undefined || same(names[key], value))
    && !without(names);
  const found = (text) => plain(text).toLowerCase().includes(sought);
  const matches = (row) =>
    within(row)
    && (!sought || found(Object.values(row).filter((x) => typeof x === "string").join(" ")));

  // Offers the choices of a chart for the rows that the filters leave; the reader's choice stays if it is among them.
  function choose(spec, before) {
    const names = (spec.usermeta || {}).choices || {};
    for (const param of spec.params || []) {
      const there = new Set(spec.data.values.map((row) => row[names[param.name]]));
      const left = param.bind.options.filter((x) => there.has(x));
      const wanted = before ? before.signal(param.name) : param.value;
      param.bind.options = left;
      param.value = left.includes(wanted) ? wanted : left[0];
    }
  }

  const printed = (mark) => mark.type === "text" && mark.x && mark.x.expr;

  function fit(spec, width) {
    if (width >= NARROW) return;
    spec.config.axis = { ...spec.config.axis, labelLimit: LABELS };
    if (typeof spec.width === "number") spec.width = Math.min(spec.width, Math.max(120, width - LABELS - 40));
    if (spec.columns) spec.columns = 1;
    spec.config.legend = { ...spec.config.legend, orient: "top", direction: "horizontal" };
    // What is printed beside the marks has no space: the change is printed above its interval, the rest is in the tooltip.
    if (spec.layer) spec.layer = spec.layer.filter(({ mark, encoding }) => !printed(mark) || encoding.text.field === "said");
    for (const { mark } of spec.layer || []) if (printed(mark)) Object.assign(mark, { x: 0, dy: -15, fontSize: 10 });
    for (const { encoding } of spec.layer || []) {
      const axis = encoding && encoding.y && encoding.y.axis;
      if (!axis || !axis.labelExpr) continue;
      axis.labelOffset = -12;
      axis.labelExpr = `split(${axis.labelExpr}, " \u00b7 ")`; // one line for each name, so that none is cut
      spec.height = { step: 42 };
    }
  }

  async function draw(figure) {
    const name = figure.dataset.chart;
    const spec = structuredClone(specs[name]);
    const values = spec.data.values.filter(matches);
    spec.data.values = values;
    const before = drawn.get(figure);
    const choice = document.getElementById(`choice-${name}`);
    figure.classList.toggle("empty", values.length === 0);
    if (values.length > 0) choose(spec, before && before.view);
    choice.replaceChildren();
    if (values.length === 0) {
      figure.replaceChildren("The filters hide everything in this chart.");
      return;
    }
    fit(spec, figure.parentElement.clientWidth);
    const place = document.createElement("div");
    const made = await window.vegaEmbed(place, spec, { ...options, bind: choice });
    if (before) before.finalize();
    drawn.set(figure, made);
    // The figure has a description; Vega's groups have roles without a name.
    for (const svg of place.querySelectorAll("svg")) svg.setAttribute("aria-hidden", "true");
    figure.replaceChildren(place);
    figure.dataset.live = "yes";
  }

  const redraw = (figure) => draw(figure).catch((error) => console.error(`chart ${figure.dataset.chart}: ${error}`));
  const begin = (figure) => {
    if (seen.has(figure)) return;
    seen.add(figure);
    watcher.unobserve(figure);
    redraw(figure);
  };
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) begin(entry.target);
  }, { rootMargin: "200px" });
  const figures = [...document.querySelectorAll("[data-chart]")];

  // --- tables

  const COLUMNS = { model: ["Model"], quantizer: ["Quantizer"], benchmark: ["Benchmark"], attribute: ["Groups", "Attribute"] };
  const tables = [...document.querySelectorAll("main table")].map((table) => {
    const heads = [...table.tHead.rows[0].cells].map((cell) => plain(cell.textContent));
    const at = {};
    for (const [key, names] of Object.entries(COLUMNS)) at[key] = heads.findIndex((head) => names.includes(head));
    const fold = table.closest("details:not(.part)");
    const count = fold && fold.querySelector(".count");
    return { table, at, fold, count, all: count && count.textContent, rows: table.tBodies[0].rows };
  });

  function keeps(key, cell, value) {
    const flag = cell.querySelector(".flag"); // a warning beside the name
    const text = plain(cell.textContent.slice(0, flag ? -flag.textContent.length : undefined));
    if (key === "attribute") return text === value || text.startsWith(`${value}: `); // over all groups: "all", or nothing
    return text === "" || text === value;
  }

  function filterTables() {
    let hidden = 0;
    for (const { table, at, fold, count, all, rows } of tables) {
      let here = 0;
      for (const row of rows) {
        const show = Object.entries(chosen).every(([key, value]) => !value || at[key] < 0 || keeps(key, row.cells[at[key]], value))
          && (!sought || found(row.textContent));
        row.hidden = !show;
        here += show ? 0 : 1;
      }
      if (count) count.textContent = here ? `${rows.length - here} of ${rows.length} rows` : all;
      hidden += here;
    }
    return hidden;
  }

  // Hides what is summarised over something that is filtered by, with its fold and with what is said below it.
  const summarised = [...document.querySelectorAll("[data-over]")].map((one) =>
    ({ over: one.dataset.over.split(" "), fold: one.closest("details:not(.part)"), one: one.closest(".scroll") || one }));
  function hideSummaries() {
    let count = 0;
    for (const { over, fold, one } of summarised) {
      const hide = over.some((key) => chosen[key]);
      count += hide;
      let part = fold || one;
      do {
        part.hidden = hide;
        part = part.nextElementSibling;
      } while (!fold && part && part.matches("p.under"));
    }
    return count;
  }

  const number = (text) => {
    const first = /[-+\u2212]?\d[\d,]*(\.\d+)?/.exec(text);
    return first ? Number(first[0].replace("\u2212", "-").replaceAll(",", "")) : NaN;
  };

  function sort(table, column, head) {
    const up = head.getAttribute("aria-sort") === "descending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const numeric = head.classList.contains("num");
    const value = (row) => (numeric ? number(row.cells[column].textContent) : plain(row.cells[column].textContent));
    const order = (a, b) => {
      if (!numeric) return a.localeCompare(b);
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b) || 0;
      return a - b;
    };
    const rows = [...table.tBodies[0].rows].map((row) => [value(row), row]);
    rows.sort(([a], [b]) => {
      const unknown = numeric ? Number.isNaN(a) - Number.isNaN(b) : 0; // these stay last
      return unknown || (up ? order(a, b) : order(b, a));
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  }

  for (const { table } of tables) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (head.querySelector("svg") || !plain(head.textContent) || table.tBodies[0].rows.length < 2) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, column, head));
      head.append(button);
    });
  }

  // --- what the filters do beyond rows: the answer for a selection, and the parts of one benchmark

  const bands = [...document.querySelectorAll(".band")];
  const beside = document.createElement("p");
  beside.className = "under beside";
  if (bands.length) bands[bands.length - 1].after(beside);
  const some = (number) => number.toLocaleString("en");
  // What waivers let pass, in sentences, as `waived_words` of the report's blocks makes them.
  function waived(waivers) {
    const kinds = new Map();
    for (const found of waivers) kinds.set(found[0], [...(kinds.get(found[0]) || []), found]);
    return [...kinds.values()].map((mine) => {
      const [one, several] = mine[0];
      const number = mine.reduce((total, found) => total + found[2], 0);
      if (!number) return "";
      const worst = mine.filter((found) => found[2]).reduce((most, found) => (found[3] > most[3] ? found : most))[4];
      const other = mine.some((found) => found[5]) ? "other " : "";
      if (number === 1) return `1 ${other}${one} is waived ${worst}.`;
      return `${some(number)} ${other}${several} are waived; the worst of them ${worst}.`;
    }).filter(Boolean).join(" ");
  }
  // The bands of parts are sorted, the worst first: a selection has the answer of the first part that is in it.
  function answer() {
    const wanted = Object.values(chosen).filter(Boolean);
    const shown = bands.find((band) => Boolean(band.dataset.model) === wanted.length > 0 && within(band.dataset));
    for (const band of bands) band.hidden = band !== shown;
    if (shown && wanted.length) shown.querySelector(".for").textContent = `for ${wanted.join(" × ")}`;
    const tally = shown && shown.querySelector(".tally");
    const judging = bands.filter((band) => band.dataset.of && within(band.dataset));
    const sum = (key) => some(judging.reduce((total, band) => total + Number(band.dataset[key]), 0));
    if (tally) tally.textContent = `${sum("judged")} of ${sum("of")}`;
    const permits = shown && shown.querySelector(".waived");
    if (permits) {
      const of = (band, key) => JSON.parse(band.dataset[key] || "[]");
      const waivers = judging.flatMap((band) => of(band, band === shown ? "untold" : "waivers"));
      permits.textContent = [""].concat(waived(waivers) || []).join(" ");
    }
    const told = [];
    if (!shown) told.push("No rule of the policy judges what the filters leave.");
    if (sought) told.push("The answer does not follow the search.");
    beside.textContent = told.join(" ");
    beside.hidden = !told.length;
  }

  // Texts that say something else of each part of the run: the first part (or the sum of the tallies) that is left, and
  // all that is waived; in a list of what was compared all parts.
  const kept = JSON.parse(document.getElementById("parts").textContent);
  const texts = [...document.querySelectorAll("[data-parts]")].map((place) =>
    ({ place, whole: place.textContent, parts: kept[Number(place.dataset.parts)] }));
  function say() {
    for (const { place, whole, parts } of texts) {
      const follows = Object.keys(chosen).some((key) => chosen[key] && parts.some(({ names }) => names[key] !== undefined));
      const left = parts.filter(({ names }) => within(names));
      const sum = (at) => some(left.reduce((total, part) => total + (part.tally ? part.tally[at] : 0), 0));
      if (!follows && left.length === parts.length) {
        place.textContent = whole;
        continue;
      }
      const [first] = left;
      if (!first) place.textContent = "–";
      else if (first.tally) place.textContent = `${first.lead || ""}${sum(0)} of ${sum(1)}${first.text || ""}`;
      else if (place.tagName === "DD") place.textContent = left.map((part) => part.text).join("; ");
      else {
        const waivers = left.flatMap((part) => part.waivers || []);
        place.textContent = waivers.length ? `${first.text}. ${waived(waivers)}` : first.text;
      }
    }
  }

  const benchmarks = new Set([...(form.elements.benchmark || [])].map((option) => option.value).filter(Boolean));
  function parts() {
    for (const heading of document.querySelectorAll("main h3")) {
      const name = plain(heading.textContent);
      if (!benchmarks.has(name)) continue;
      const hide = !within({ benchmark: name });
      heading.hidden = hide;
      for (let next = heading.nextElementSibling; next && next.tagName !== "H3"; next = next.nextElementSibling) next.hidden = hide;
    }
  }

  function apply() {
    chosen = {};
    for (const field of fields) if (field.name !== "search") chosen[field.name] = field.value;
    sought = form.elements.search.value.trim().toLowerCase();
    say();
    const hidden = filterTables();
    const summaries = hideSummaries();
    answer();
    parts();
    const filtered = Boolean(sought) || Object.values(chosen).some(Boolean);
    if (filtered) for (const fold of document.querySelectorAll("#summary details")) fold.open = true;
    const told = [...refused];
    if (hidden) told.push(`${some(hidden)} ${hidden === 1 ? "row of the tables is" : "rows of the tables are"} hidden.`);
    if (summaries) told.push(`What is said of the whole run only is hidden in ${summaries === 1 ? "one place" : `${summaries} places`}.`);
    form.querySelector("output").textContent = told.join(" ");
    form.querySelector("[type=reset]").hidden = !filtered && !refused.length;
    for (const figure of seen) redraw(figure);
  }

  const remember = () => {
    const query = new URLSearchParams();
    for (const field of fields) if (field.value) query.set(field.name, field.value);
    history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
  };
  const changed = () => {
    refused = [];
    apply();
    remember();
  };
  const asked = new URLSearchParams(location.search);
  // The value as the page has it; undefined where the page does not have it.
  const known = (field, value) =>
    field.tagName === "SELECT" ? [...field.options].map((one) => one.value).find((one) => same(one, value)) : value;
  for (const field of fields) {
    const values = [...new Set(asked.getAll(field.name))].filter(Boolean);
    const [first, ...others] = values.map((value) => known(field, value)).filter(Boolean);
    field.value = first || "";
    for (const value of values.filter((one) => !known(field, one))) {
      refused.push(`The address asks for the ${field.name} “${value}”, which this report does not have, so it is not applied.`);
    }
    for (const value of others) {
      refused.push(`The address asks for the ${field.name} “${value}” as well; only “${first}” is applied.`);
    }
    field.addEventListener(field.tagName === "SELECT" ? "change" : "input", changed);
  }
  for (const key of new Set(asked.keys())) {
    if (fields.some((field) => field.name === key)) continue;
    refused.push(`The address asks for “${key}”, by which this report cannot be filtered, so it is not applied.`);
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => {
    for (const field of fields) field.value = "";
    changed();
  }));
  form.hidden = false;
  apply();

  for (const figure of figures) watcher.observe(figure);
  // The first chart is drawn as soon as there is time, because this prepares what the others need. On a narrow screen
  // all are that are not folded, because the drawings that come with the page are as wide as a desk's screen.
  const soon = document.documentElement.clientWidth < NARROW ? figures.filter((figure) => !figure.closest("details")) : figures.slice(0, 1);
  const idle = window.requestIdleCallback || setTimeout;
  const next = () => idle(() => {
    const figure = soon.shift();
    if (figure) begin(figure);
    if (soon.length) next();
  });
  next();

  // --- the appendix

  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const fold = target && target.querySelector(":scope > details.part");
    if (fold) fold.open = true;
  };
  window.addEventListener("hashchange", open);
  open();
  if (appendix) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small";
    button.textContent = "Open all";
    button.addEventListener("click", () => {
      const folds = [...appendix.querySelectorAll("details.part")];
      const wanted = folds.some((fold) => !fold.open);
      for (const fold of folds) fold.open = wanted;
      button.textContent = wanted ? "Fold all" : "Open all";
    });
    appendix.querySelector("p").append(" ", button);
  }

  // --- CSV

  const words = (cell) => plain(cell.querySelector("svg")?.getAttribute("aria-label") || cell.textContent);
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  for (const { table } of tables) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "csv small";
    button.textContent = "CSV";
    button.setAttribute("aria-label", `Save as CSV: ${plain(table.caption.textContent)}`);
    button.addEventListener("click", () => {
      const rows = [...table.rows].filter((row) => !row.hidden);
      const text = rows.map((row) => [...row.cells].map((c) => quoted(words(c))).join(",")).join("\n");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/csv" }));
      link.download = `${table.caption.id}.csv`;
      link.click();
      URL.revokeObjectURL(link.href);
    });
    table.closest(".scroll").append(button);
  }
})();
