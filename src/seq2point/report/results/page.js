(() => {
  /* ---- tables: a heading sorts its column, unknown cells always last ---- */

  const collator = new Intl.Collator("en", { numeric: true });

  function sortBy(table, column, heading) {
    const down = heading.getAttribute("aria-sort") === "ascending";
    const isText = "text" in heading.dataset;
    const keyed = [...table.tBodies[0].rows].map((row) => {
      const cell = row.cells[column];
      const key = isText ? cell.textContent : cell.dataset.v === undefined ? null : Number(cell.dataset.v);
      return [key, row];
    });
    const sign = down ? -1 : 1;
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (isText ? collator.compare(a, b) : a - b);
    });
    findAll("th", table.tHead).forEach((each) => each.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  }

  function makeSortable(table) {
    findAll("th", table.tHead).forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      button.addEventListener("click", () => sortBy(table, column, heading));
      heading.replaceChildren(button);
    });
  }

  /* ---- filters: words and choices, for the tables, the pictures and the cards alike ---- */

  function watchFilters(table, filters) {
    const rows = [...table.tBodies[0].rows];
    const search = find("input", filters), said = find("output", filters);
    const words = rows.map((row) => row.textContent.toLowerCase());
    const others = new Map(rows.map((row) => [row.dataset.i, []]));
    for (const each of findAll("[data-i]")) {
      if (!table.contains(each)) others.get(each.dataset.i).push(each);
    }
    const choices = findAll("th", table.tHead).flatMap((heading, column) => {
      if (!("choice" in heading.dataset)) return [];
      const values = [...new Set(rows.map((row) => row.cells[column].textContent))].sort(collator.compare);
      if (values.length < 2) return [];
      const label = document.createElement("label"), select = document.createElement("select");
      select.append(new Option("all", ""), ...values.map((value) => new Option(value)));
      label.append(heading.textContent, " ", select);
      said.before(label);
      return [{ column, select }];
    });
    function apply() {
      const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        const fits = wanted.every((word) => words[i].includes(word)) &&
          choices.every(({ column, select }) => !select.value || row.cells[column].textContent === select.value);
        shown += fits;
        row.hidden = !fits;
        for (const each of others.get(row.dataset.i)) {
          if (each instanceof SVGElement) each.classList.toggle("off", !fits);
          else each.hidden = !fits;
        }
      });
      said.textContent = shown === rows.length ? `${rows.length} shown` : `${shown} of ${rows.length} shown`;
    }
    search.addEventListener("input", apply);
    choices.forEach(({ select }) => select.addEventListener("change", apply));
    apply();
    filters.hidden = false;
  }

  /* ---- figures: drawn when they are first seen ---- */

  const DRAWINGS = { curve: drawCurve, hours: drawHours, activations: drawActivations, days: drawDays };
  const DRAWN = Object.keys(DRAWINGS).map((name) => `figure.${name}`).join(",");

  function drawFigure(figure) {
    const drawing = Object.keys(DRAWINGS).find((name) => figure.classList.contains(name));
    if (drawing && !find("svg", figure)) DRAWINGS[drawing](figure);
  }

  /* ---- figures: each can be saved as SVG, with its colours as they are seen ---- */

  const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "font-family", "font-size", "text-anchor", "opacity"];

  function writeSvg(svg) {
    const copy = svg.cloneNode(true);
    const sources = findAll("*", svg), copies = findAll("*", copy);
    sources.forEach((source, i) => {
      if (source.localName === "title") return;
      const style = getComputedStyle(source);
      for (const name of KEPT) copies[i].setAttribute(name, style.getPropertyValue(name));
    });
    for (const link of findAll("a", copy)) link.removeAttribute("href");
    const [, , width, height] = svg.getAttribute("viewBox").split(" ");
    copy.setAttribute("xmlns", SVG);
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    const ground = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ width, height, fill: getComputedStyle(document.documentElement).backgroundColor })) ground.setAttribute(key, value);
    copy.prepend(ground);
    return new XMLSerializer().serializeToString(copy);
  }

  function save(figure) {
    drawFigure(figure);
    const place = URL.createObjectURL(new Blob([writeSvg(find("svg", figure))], { type: "image/svg+xml" }));
    const link = document.createElement("a");
    link.href = place;
    link.download = `${figure.dataset.file.replace(/[^\w.-]+/g, "_")}.svg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(place), 1000);
  }

  function addButton(figure) {
    const caption = find("figcaption", figure);
    if (find("button", caption)) return;
    let words = find(".words", caption);
    if (!words) {
      words = document.createElement("span");
      words.className = "words";
      words.append(...caption.childNodes);
    }
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Save as SVG";
    button.setAttribute("aria-label", `Save as SVG: ${figure.dataset.file}`);
    button.addEventListener("click", () => save(figure));
    caption.replaceChildren(words, button);
  }

  async function showFigure(figure) {
    if (figure.classList.contains("days")) await prepareDays(figure);
    drawFigure(figure);
    if (find("svg", figure)) addButton(figure);
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      showFigure(target);
    }
  }, { rootMargin: "300px" });

  /* ---- cards: a link to a result opens it ---- */

  function openTarget() {
    const target = /^#result-\d+$/.test(location.hash) && find(location.hash);
    if (!target) return;
    const card = target.closest(".card");
    card.hidden = false;
    card.open = true;
    card.scrollIntoView();
    find("summary", card).focus({ preventScroll: true });
  }

  document.documentElement.classList.add("scripted");
  findAll(".scripted-only").forEach((each) => { each.hidden = false; });
  findAll("table.sortable").forEach(makeSortable);
  if (find("#filters")) watchFilters(find("#table"), find("#filters"));
  findAll("figure").forEach((figure) => seen.observe(figure));
  if (find("#folds")) {
    find("#folds").hidden = false;
    findAll("#folds button").forEach((button, i) => button.addEventListener("click", () => {
      findAll(".card").forEach((card) => { if (!card.hidden) card.open = i === 0; });
    }));
  }
  addEventListener("hashchange", openTarget);
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#result-']");
    if (link && link.getAttribute("href") === location.hash) openTarget();
  });
  addEventListener("beforeprint", () => findAll(".card[open]").forEach((card) => findAll(DRAWN, card).forEach(drawFigure)));
  addEventListener("load", () => setTimeout(() => findAll(".card[open] figure.days").forEach(prepareDays), 500));
  openTarget();
})();
