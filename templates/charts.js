// Makes the charts interactive, filters tables and charts, and offers each table as CSV. The page is complete without it.
(() => {
  "use strict";
  const specs = JSON.parse(document.getElementById("charts").textContent);
  const bar = document.getElementById("filters");
  const chosen = {};
  const seen = new Set();
  const drawn = new Map();
  const plain = (text) => text.replace(/[\u2066-\u2069]/g, "");

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

  const matches = (row) =>
    Object.entries(chosen).every(([key, value]) => !value || row[key] === undefined || row[key] === "" || row[key] === value);

  // Offers the choices of a chart for the rows that the filters leave; the reader's choice stays if it is among them.
  function choose(spec, before) {
    const fields = (spec.usermeta || {}).choices || {};
    for (const param of spec.params || []) {
      const there = new Set(spec.data.values.map((row) => row[fields[param.name]]));
      const options = param.bind.options.filter((x) => there.has(x));
      const wanted = before ? before.signal(param.name) : param.value;
      param.bind.options = options;
      param.value = options.includes(wanted) ? wanted : options[0];
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
      figure.replaceChildren("The filters at the top hide everything in this chart.");
      return;
    }
    const place = document.createElement("div");
    const made = await window.vegaEmbed(place, spec, { ...options, bind: choice });
    if (before) before.finalize();
    drawn.set(figure, made);
    // The figure has a description; Vega's groups have roles without a name.
    for (const svg of place.querySelectorAll("svg")) svg.setAttribute("aria-hidden", "true");
    figure.replaceChildren(place);
    figure.dataset.live = "yes";
  }

  const begin = (figure) => {
    if (seen.has(figure)) return;
    seen.add(figure);
    watcher.unobserve(figure);
    draw(figure).catch((error) => console.error(`chart ${figure.dataset.chart}: ${error}`));
  };
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) begin(entry.target);
  }, { rootMargin: "200px" });
  const figures = [...document.querySelectorAll("[data-chart]")];
  for (const figure of figures) watcher.observe(figure);
  // The first chart is drawn as soon as there is time, because this prepares what the others need.
  if (figures.length) (window.requestIdleCallback || setTimeout)(() => begin(figures[0]));

  function filterTables() {
    let hidden = 0;
    for (const table of document.querySelectorAll("main table")) {
      const heads = [...table.tHead.rows[0].cells].map((cell) => plain(cell.textContent.trim()));
      const at = { model: heads.indexOf("Model"), quantizer: heads.indexOf("Quantizer"), attribute: heads.indexOf("Groups") };
      if (Object.values(at).every((i) => i < 0)) continue;
      for (const row of table.tBodies[0].rows) {
        const show = Object.entries(chosen).every(([key, value]) => {
          if (!value || at[key] < 0) return true;
          const text = plain((row.cells[at[key]].querySelector("bdi") || row.cells[at[key]]).textContent);
          return key === "attribute" ? text === "all" || text === value || text.startsWith(`${value}: `) : text === value;
        });
        row.hidden = !show;
        hidden += show ? 0 : 1;
      }
    }
    bar.querySelector("output").textContent = hidden ? `${hidden.toLocaleString("en")} rows of the tables are hidden.` : "";
  }

  for (const select of bar.querySelectorAll("select")) {
    select.addEventListener("change", () => {
      chosen[select.dataset.filter] = select.value;
      filterTables();
      for (const figure of seen) draw(figure).catch((error) => console.error(String(error)));
    });
  }
  bar.hidden = false;

  const words = (cell) => (cell.querySelector("svg")?.getAttribute("aria-label") || cell.textContent).trim().replace(/\s+/g, " ");
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  for (const region of document.querySelectorAll("main .scroll:not(.plot)")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "csv";
    button.textContent = "CSV";
    button.setAttribute("aria-label", `Save as CSV: ${plain(region.querySelector("caption").textContent)}`);
    button.addEventListener("click", () => {
      const rows = [...region.querySelectorAll("tr")].filter((row) => !row.hidden);
      const text = rows.map((row) => [...row.cells].map((c) => quoted(plain(words(c)))).join(",")).join("\n");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/csv" }));
      link.download = `${region.querySelector("caption").id}.csv`;
      link.click();
      URL.revokeObjectURL(link.href);
    });
    region.after(button);
  }
})();
