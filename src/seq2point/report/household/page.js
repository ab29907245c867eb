(() => {
  const data = JSON.parse(find("#data").textContent);

  function write(name, text, parent, scope) {
    const element = document.createElement(name);
    element.textContent = text;
    if (scope) element.scope = scope;
    parent.append(element);
    return element;
  }

  function step(select, by) {
    select.selectedIndex = Math.min(Math.max(select.selectedIndex + by, 0), select.length - 1);
    select.dispatchEvent(new Event("change"));
  }

  function watchStepper(root) {
    const select = find("select", root);
    const back = find(".back", root), on = find(".on", root);
    back.addEventListener("click", () => step(select, -1));
    on.addEventListener("click", () => step(select, 1));
    return () => {
      back.disabled = select.selectedIndex <= 0;
      on.disabled = select.selectedIndex >= select.length - 1;
    };
  }

  /* ---- bars: one picture at a time, a cursor that reads a bar's row of the table ---- */

  const section = find("#bars");
  const views = findAll(".view", section);
  const chooser = find("select", section);
  const markBars = watchStepper(section);
  const watched = new WeakSet();
  let view = 0;

  function fillChooser() {
    const figures = findAll("figure", views[view]);
    const known = figures.map((figure) => "known" in figure.dataset).lastIndexOf(true);
    chooser.replaceChildren(...figures.map((figure) => new Option(figure.dataset.title)));
    chooser.selectedIndex = known < 0 ? figures.length - 1 : known;
    chooser.closest(".stepper").hidden = chooser.length < 2;
    showBars();
  }

  function showBars() {
    views.forEach((each, i) => {
      each.hidden = i !== view;
      findAll("figure", each).forEach((f, j) => { f.hidden = j !== chooser.selectedIndex; });
    });
    const figure = findAll("figure", views[view])[chooser.selectedIndex];
    if (figure && !watched.has(figure)) watchBars(figure);
    markBars();
  }

  function readRow(row) {
    const heads = findAll("thead th", row.closest("table")).slice(1);
    const cells = findAll("td", row).map((cell, i) => `${heads[i].textContent} ${cell.textContent}`);
    return `${find("th", row).textContent}: ${cells.join("; ")}`;
  }

  function watchBars(figure) {
    const groups = findAll("g[data-row]", figure);
    const readout = find(".readout", figure);
    const chart = find(".chart", figure);
    let at = -1;
    watched.add(figure);
    readout.hidden = false;
    readout.setAttribute("aria-live", "polite");
    function point(i) {
      if (groups[at]) groups[at].classList.remove("at");
      at = Math.min(Math.max(i, 0), groups.length - 1);
      groups[at].classList.add("at");
      readout.textContent = readRow(document.getElementById(groups[at].dataset.row));
    }
    function open() {
      const day = groups[at] && document.getElementById(groups[at].dataset.row).dataset.day;
      if (day) openDay(day, true);
    }
    groups.forEach((group, i) => {
      group.addEventListener("pointerenter", () => point(i));
      group.addEventListener("click", () => { point(i); open(); });
    });
    chart.setAttribute("tabindex", "0");
    chart.setAttribute("role", "application");
    chart.setAttribute("aria-roledescription", "bar chart");
    chart.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: at < 0 ? groups.length - 1 : at - 1, ArrowRight: at + 1, Home: 0, End: groups.length - 1 }[event.key];
      if (to !== undefined) point(to);
      else if (event.key === "Enter") open();
      else return;
      event.preventDefault();
    });
  }

  document.documentElement.classList.add("scripted");
  findAll("input[name=view]", section).forEach((input, i) => input.addEventListener("change", () => { view = i; fillChooser(); }));
  chooser.addEventListener("change", showBars);
  findAll(".controls", section).forEach((each) => { each.hidden = false; });
  fillChooser();

  /* ---- the minutes: unpacked month by month when a day is first seen ---- */

  const months = new Map();

  function unpackMonth(id) {
    if (!months.has(id)) months.set(id, Promise.all([unpackPower(id), unpackRuns(id)]));
    return months.get(id);
  }

  async function unpackRuns(id) {
    return inflate(document.getElementById(`runs-${id}`).textContent).json();
  }

  async function unpackPower(id) {
    const [, first, end] = data.months.find((month) => month[0] === id);
    const count = Math.round((end - first) / data.step_s);
    return unpackWatts(document.getElementById(`power-${id}`).textContent, data.parts.map(() => count));
  }

  /* ---- a day: areas that add up to the mains, what ran below, a cursor that is read ---- */

  const dayPart = find("#day");
  const dayChooser = find("select", dayPart);
  const markDay = watchStepper(dayPart);
  const canvas = find(".canvas", dayPart);
  const dayReadout = find(".readout", dayPart);
  const message = find(".message", dayPart);
  const LEFT = 44, TOP = 10, PLOT = 240, LANE = 30, MOST_RUNS = 8, ZOOMS = [1, 2, 4, 8, 24];
  let shown = null, zoom = 0, cursor = 0, isPointed = false, isSeen = false;

  function ahead(time) {
    let seconds = 0;
    for (const [from, offset] of data.clock) if (from <= time) seconds = offset;
    return seconds;
  }

  function clock(time, isEnd) {
    if (isEnd && time === shown.end) return "24:00";
    return new Date((time + ahead(time)) * 1000).toISOString().slice(11, 16);
  }

  function nameDay(id) {
    return document.getElementById(`row-day-${id}`).firstElementChild.textContent;
  }

  function words(watts) {
    if (watts < 99.5) return `${Math.round(watts)} W`;
    return `${(Math.round(watts / 10) * 10).toLocaleString("en")} W`;
  }

  function chooseLastKnown() {
    const known = data.days.map(([id]) => document.getElementById(`row-day-${id}`).dataset.known);
    return Math.max(known.lastIndexOf("all"), known.includes("all") ? 0 : known.lastIndexOf("some"), 0);
  }

  async function openDay(id, isAsked) {
    dayChooser.selectedIndex = data.days.findIndex((day) => day[0] === id);
    markDay();
    if (isAsked) {
      isSeen = true;
      dayPart.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    }
    if (typeof DecompressionStream === "undefined") {
      message.textContent = "This browser cannot unpack the minutes: it needs Chrome 80, Firefox 113, Safari 16.4 or later. All other figures are complete without them.";
      message.hidden = false;
      return;
    }
    const [, first, end] = data.days.find((day) => day[0] === id);
    const month = id.slice(0, 7);
    const [power, runs] = await unpackMonth(month);
    const offset = Math.round((first - data.months.find((each) => each[0] === month)[1]) / data.step_s);
    const count = Math.round((end - first) / data.step_s);
    const parts = power.map((watts) => watts.subarray(offset, offset + count));
    shown = {
      id, first, end, count,
      power: parts,
      mains: parts[0].map((value, i) => parts.reduce((sum, part) => sum + part[i], 0)),
      runs: runs.filter(([, from, to]) => from < end && to > first),
    };
    zoom = 0;
    cursor = Math.floor(count / 2);
    isPointed = false;
    find(".body", dayPart).hidden = false;
    drawDay();
    listRuns();
    dayReadout.textContent = readRow(document.getElementById(`row-day-${id}`));
    if (isAsked) find("svg", canvas).focus({ preventScroll: true });
  }

  function frame() {
    const width = Math.ceil(shown.count / ZOOMS[zoom]);
    const first = Math.min(Math.max(Math.round(cursor - width / 2), 0), shown.count - width);
    return [first, first + width];
  }

  function chooseMinutes(first, end, most) {
    const count = Math.min(end - first, most);
    return Array.from({ length: count }, (_, column) => {
      const from = first + Math.floor((column * (end - first)) / count);
      const to = first + Math.floor(((column + 1) * (end - first)) / count);
      let best = from;
      for (let i = from; i < to; i++) if (!(shown.mains[i] <= shown.mains[best])) best = Number.isNaN(shown.mains[i]) ? best : i;
      return best;
    });
  }

  function stackUp(minutes) {
    const tops = [];
    let below = new Float32Array(minutes.length);
    for (const watts of shown.power) {
      below = below.map((value, i) => value + watts[minutes[i]]);
      tops.push(below);
    }
    return tops;
  }

  function findStep(top, marks) {
    const rough = Math.max(top, 1) / marks, power = 10 ** Math.floor(Math.log10(rough));
    return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  }

  function outline(tops, floor, x, y) {
    let path = "", i = 0;
    while (i < tops.length) {
      if (Number.isNaN(tops[i])) { i++; continue; }
      const begin = i;
      let there = `M${x(i)} ${y(tops[i])}`, back = "";
      for (; i < tops.length && !Number.isNaN(tops[i]); i++) {
        if (i > begin && tops[i] !== tops[i - 1]) there += `V${y(tops[i])}`;
        if (i + 1 === tops.length || tops[i + 1] !== tops[i] || (floor && floor[i + 1] !== floor[i])) there += `H${x(i + 1)}`;
      }
      if (floor) {
        for (let j = i - 1; j >= begin; j--) {
          if (j === i - 1 || floor[j] !== floor[j + 1]) back += `V${y(floor[j])}`;
          if (j === begin || floor[j - 1] !== floor[j]) back += `H${x(j)}`;
        }
        back += "Z";
      }
      path += there + back;
    }
    return path;
  }

  function drawDay() {
    const [first, end] = frame();
    const width = Math.max(canvas.clientWidth, 280), inner = width - LEFT - 6;
    const tops = stackUp(chooseMinutes(first, end, Math.floor(inner)));
    const mains = tops[tops.length - 1];
    const highest = mains.reduce((most, value) => (value > most ? value : most), 100);
    const gap = findStep(highest, 4), top = Math.ceil(highest / gap) * gap;
    const lanes = data.parts.map((part, i) => i).filter((i) => shown.runs.some((run) => run[0] === i));
    const height = TOP + PLOT + 26 + lanes.length * LANE;
    const x = (i) => Math.round((LEFT + (inner * i) / (end - first)) * 100) / 100;
    const y = (watts) => Math.round((TOP + PLOT * (1 - watts / top)) * 10) / 10;
    const atTime = (time) => x(Math.min(Math.max((time - shown.first) / data.step_s, first), end) - first);
    const hadFocus = canvas.contains(document.activeElement);
    const svg = document.createElementNS(SVG, "svg");
    const name = `${nameDay(shown.id)}: power from ${clock(shown.first + first * data.step_s)} to ${clock(shown.first + end * data.step_s, true)}`;
    const about = { viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "application", "aria-roledescription": "chart", "aria-label": name };
    for (const [key, value] of Object.entries(about)) svg.setAttribute(key, value);
    const unit = top >= 2000 ? 1000 : 1;
    for (let mark = 0; mark <= top; mark += gap) {
      draw("line", { class: "grid", x1: LEFT, x2: width - 6, y1: y(mark), y2: y(mark) }, svg);
      draw("text", { class: "end", x: LEFT - 6, y: y(mark) + 4 }, svg, mark === top ? `${mark / unit} ${unit > 1 ? "kW" : "W"}` : mark / unit);
    }
    drawUnknown(svg, shown.mains.subarray(first, end), x);
    const across = (column) => x((column * (end - first)) / mains.length);
    draw("path", { class: "mains", d: outline(mains, null, across, y) }, svg);
    let floor = new Float32Array(mains.length);
    tops.forEach((stack, i) => {
      draw("path", { class: data.parts[i][1], d: outline(stack, floor, across, y) }, svg);
      floor = stack;
    });
    drawHours(svg, first, end, x, inner);
    lanes.forEach((i, lane) => drawLane(svg, i, TOP + PLOT + 26 + lane * LANE, width, atTime, first, end));
    const line = draw("line", { class: "cursor", y1: TOP, y2: height, x1: x(cursor + 0.5 - first), x2: x(cursor + 0.5 - first) }, svg);
    line.style.visibility = isPointed ? "visible" : "hidden";
    canvas.replaceChildren(svg);
    find("figcaption", dayPart).textContent = name;
    watchDay(svg, line, first, end, x, width, inner);
    if (hadFocus) svg.focus({ preventScroll: true });
    find(".closer", dayPart).disabled = zoom === ZOOMS.length - 1;
    find(".further", dayPart).disabled = zoom === 0;
  }

  function drawUnknown(svg, mains, x) {
    for (let i = 0; i < mains.length; i++) {
      if (!Number.isNaN(mains[i])) continue;
      const begin = i;
      while (i < mains.length && Number.isNaN(mains[i])) i++;
      draw("rect", { class: "unknown", x: x(begin), width: x(i) - x(begin), y: TOP, height: PLOT }, svg);
    }
  }

  function drawHours(svg, first, end, x, inner) {
    const span = (end - first) * data.step_s / 60;
    const every = [5, 10, 15, 30, 60, 120, 180, 240, 360].find((minutes) => (inner * minutes) / span >= 60) || 720;
    for (let i = first; i <= end; i++) {
      const time = shown.first + i * data.step_s;
      const minutes = Math.round((time + ahead(time)) / 60) % 1440;
      if (minutes % every || i > shown.count) continue;
      draw("line", { class: "grid", x1: x(i - first), x2: x(i - first), y1: TOP + PLOT, y2: TOP + PLOT + 4 }, svg);
      draw("text", { x: x(i - first), y: TOP + PLOT + 17, class: i === end ? "last" : "" }, svg, clock(time, true));
    }
  }

  function drawLane(svg, part, top, width, atTime, first, end) {
    draw("text", { class: "name", x: LEFT, y: top + 12 }, svg, data.parts[part][0]);
    draw("rect", { class: "lane", x: LEFT, width: width - LEFT - 6, y: top + 16, height: 9 }, svg);
    for (const [i, from, to] of shown.runs) {
      if (i !== part || to <= shown.first + first * data.step_s || from >= shown.first + end * data.step_s) continue;
      draw("rect", { class: data.parts[i][1], x: atTime(from), width: Math.max(atTime(to) - atTime(from), 1.5), y: top + 16, height: 9 }, svg);
    }
  }

  function describeMinute(i) {
    const time = clock(shown.first + i * data.step_s);
    const watts = shown.power.map((part) => part[i]);
    const mains = shown.mains[i];
    if (Number.isNaN(mains)) return `${time}: not known`;
    const parts = data.parts.map(([label], part) => [label, watts[part]]).filter((pair) => pair[1] >= 0.5).reverse();
    return `${time}: mains ${words(mains)}; ${parts.map(([label, value]) => `${label} ${words(value)}`).join("; ")}`;
  }

  function watchDay(svg, line, first, end, x, width, inner) {
    const point = (i) => {
      cursor = Math.min(Math.max(i, 0), shown.count - 1);
      isPointed = true;
      line.style.visibility = "visible";
      dayReadout.textContent = describeMinute(cursor);
      if (cursor < first || cursor >= end) return drawDay();
      line.setAttribute("x1", x(cursor + 0.5 - first));
      line.setAttribute("x2", x(cursor + 0.5 - first));
    };
    const follow = (event) => {
      const box = svg.getBoundingClientRect();
      const along = ((event.clientX - box.left) * width) / box.width - LEFT;
      if (along >= 0 && along <= inner) point(first + Math.min(Math.floor((along / inner) * (end - first)), end - first - 1));
    };
    svg.addEventListener("pointermove", follow);
    svg.addEventListener("pointerdown", follow);
    svg.addEventListener("keydown", (event) => {
      const hour = Math.round(3600 / data.step_s);
      const to = { ArrowLeft: cursor - 1, ArrowRight: cursor + 1, PageUp: cursor - hour, PageDown: cursor + hour, Home: 0, End: shown.count - 1 }[event.key];
      if (to !== undefined) point(to);
      else if (event.key === "+" || event.key === "=") changeZoom(1);
      else if (event.key === "-") changeZoom(-1);
      else return;
      event.preventDefault();
    });
  }

  function changeZoom(by) {
    zoom = Math.min(Math.max(zoom + by, 0), ZOOMS.length - 1);
    drawDay();
  }

  function nameSpan(seconds) {
    const minutes = Math.max(Math.round(seconds / 60), 1);
    return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  function listRuns() {
    const body = find(".ran tbody", dayPart);
    body.replaceChildren();
    const byPart = data.parts.map((part, i) => shown.runs.filter((run) => run[0] === i));
    for (const runs of byPart) {
      if (runs.length > MOST_RUNS) writeRuns(body, runs, `${data.parts[runs[0][0]][0]}, ${runs.length} times`);
      else runs.forEach((run) => writeRuns(body, [run], data.parts[run[0]][0]));
    }
    find(".ran", dayPart).parentElement.hidden = !shown.runs.length;
  }

  function writeRuns(body, runs, name) {
    const sum = (read) => runs.reduce((total, run) => total + read(run), 0);
    const from = runs[0][1], to = runs[runs.length - 1][2], kwh = sum((run) => run[3]);
    const row = document.createElement("tr");
    write("th", name, row, "row");
    write("td", from < shown.first ? "earlier" : clock(from), row);
    write("td", to > shown.end ? "later" : clock(to, true), row);
    write("td", nameSpan(sum((run) => run[2] - run[1])), row);
    write("td", kwh < 0.005 && kwh > 0 ? "<0.01" : kwh.toFixed(2), row);
    body.append(row);
  }

  dayChooser.replaceChildren(...data.days.map(([id]) => new Option(nameDay(id), id)));
  dayChooser.addEventListener("change", () => openDay(dayChooser.value));
  find(".closer", dayPart).addEventListener("click", () => changeZoom(1));
  find(".further", dayPart).addEventListener("click", () => changeZoom(-1));
  findAll(".controls", dayPart).forEach((each) => { each.hidden = false; });
  dayChooser.selectedIndex = chooseLastKnown();
  markDay();

  function seeDay() {
    if (isSeen || dayChooser.selectedIndex < 0) return;
    isSeen = true;
    openDay(dayChooser.value);
  }

  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    seeDay();
  }, { rootMargin: "200px" }).observe(dayPart);
  new ResizeObserver(() => {
    if (shown && canvas.clientWidth && Math.abs(canvas.clientWidth - canvas.dataset.width) > 1) drawDay();
    canvas.dataset.width = canvas.clientWidth;
  }).observe(canvas);
  addEventListener("beforeprint", seeDay);
})();
