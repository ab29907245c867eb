/* Days of a test: the mains above, what an appliance used and what was predicted below; to zoom. */

const LANE = 64, APPLIANCE = 170, DAY_LEFT = 52, DAY_RIGHT = 8, GAP = 18, FOOT = 22;

async function loadDays(figure) {
  const days = JSON.parse(figure.dataset.days);
  const total = days.reduce((sum, day) => sum + day.count, 0);
  const [all] = await unpackWatts(figure.dataset.power, [total]);
  let at = 0;
  for (const day of days) {
    const shared = document.getElementById(`day-${day.shared}`).textContent;
    [day.mains, day.truth] = await unpackWatts(shared, [day.count, day.count]);
    day.predicted = all.subarray(at, at += day.count);
  }
  figure.loaded = days;
}

function prepareDays(figure) {
  figure.ready ??= typeof DecompressionStream === "undefined" ? Promise.resolve() : loadDays(figure);
  return figure.ready;
}

/* The shape of some samples: a step each, or the span of those that share a column. */
function outlineSamples(watts, first, end, x, y, columns) {
  let path = "", gap = true;
  const width = Math.max(1, (end - first) / columns);
  for (let column = 0; first + column * width < end; column++) {
    const from = Math.round(first + column * width), to = Math.min(Math.max(Math.round(first + (column + 1) * width), from + 1), end);
    let low = Infinity, high = -Infinity;
    for (let i = from; i < to; i++) {
      if (watts[i] < low) low = watts[i];
      if (watts[i] > high) high = watts[i];
    }
    if (low > high) { gap = true; continue; }
    const place = y(watts[from] >= 0 ? watts[from] : low).toFixed(1);
    path += gap ? `M${x(from).toFixed(1)} ${place}` : `V${place}`;
    if (high > low) path += `V${y(high).toFixed(1)}V${y(low).toFixed(1)}V${y(watts[to - 1] >= 0 ? watts[to - 1] : high).toFixed(1)}`;
    path += `H${x(to).toFixed(1)}`;
    gap = false;
  }
  return path;
}

function findTop(series, first, end) {
  let top = 10;
  for (const watts of series) for (let i = first; i < end; i++) if (watts[i] > top) top = watts[i];
  return top;
}

function nameClock(day, sample) {
  return new Date((day.start + sample * day.step) * 1000).toISOString().slice(11, day.step < 60 ? 19 : 16);
}

function showDay(figure) {
  const { day, first, end } = figure.view, series = [day.mains, day.truth, day.predicted];
  const width = Math.max(320, Math.round(figure.clientWidth || 900)), height = TOP + LANE + GAP + APPLIANCE + FOOT;
  const right = width - DAY_RIGHT, columns = right - DAY_LEFT;
  const x = (sample) => DAY_LEFT + columns * (sample - first) / (end - first);
  const span = `${nameClock(day, first)} to ${end === day.count ? "the end of the day" : nameClock(day, end)}`;
  const svg = figure.svg;
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", `${figure.dataset.label}, ${day.label}, ${span}. Arrows move, plus and minus zoom.`);
  for (const [tops, at, tall, marks] of [[[day.mains], TOP, LANE, 2], [[day.truth, day.predicted], TOP + LANE + GAP, APPLIANCE, 4]]) {
    const top = findTop(tops, first, end), y = (watts) => at + tall * (1 - watts / top);
    drawMarks(svg, top, y, DAY_LEFT, right, marks);
    for (const watts of tops) {
      const path = outlineSamples(watts, first, end, x, y, columns);
      if (path) draw("path", { class: ["mains", "val", "train"][series.indexOf(watts)], d: path }, svg);
    }
  }
  const seconds = (end - first) * day.step;
  const hop = [60, 300, 600, 1800, 3600, 7200, 10800, 21600].find((step) => seconds / step <= width / 70) ?? 43200;
  const begin = day.start + first * day.step;
  for (let time = Math.ceil(begin / hop) * hop; time < begin + seconds; time += hop) {
    const at = x((time - day.start) / day.step);
    if (at > DAY_LEFT + 16 && at < right - 16) draw("text", { x: at, y: height - 5 }, svg, new Date(time * 1000).toISOString().slice(11, 16));
  }
  figure.output.textContent = `${span}, UTC`;
}

function zoomTo(figure, first, end) {
  const { day } = figure.view, width = Math.min(Math.max(Math.round(end - first), 8), day.count);
  const from = Math.min(Math.max(Math.round(first), 0), day.count - width);
  figure.view = { day, first: from, end: from + width };
  showDay(figure);
}

function zoomBy(figure, factor, shift = 0) {
  const { first, end } = figure.view, width = (end - first) * factor, middle = (first + end) / 2 + shift * (end - first);
  zoomTo(figure, middle - width / 2, middle + width / 2);
}

function findSample(figure, event) {
  const { left, width } = figure.svg.getBoundingClientRect(), { first, end } = figure.view;
  const scale = figure.svg.viewBox.baseVal.width / width;
  const share = ((event.clientX - left) * scale - DAY_LEFT) / (figure.svg.viewBox.baseVal.width - DAY_LEFT - DAY_RIGHT);
  return Math.min(Math.max(first + share * (end - first), first), end - 1e-6);
}

function readSample(figure, sample) {
  const { day } = figure.view, i = Math.floor(sample);
  const say = (watts) => Number.isNaN(watts) ? "unknown" : `${Math.round(watts).toLocaleString("en")} W`;
  figure.output.textContent = `${nameClock(day, i)}: mains ${say(day.mains[i])}, used ${say(day.truth[i])}, predicted ${say(day.predicted[i])}`;
}

function watchPointer(figure) {
  let from = null;
  figure.svg.addEventListener("pointerdown", (event) => { from = findSample(figure, event); });
  figure.svg.addEventListener("pointermove", (event) => readSample(figure, findSample(figure, event)));
  figure.svg.addEventListener("pointerup", (event) => {
    const to = findSample(figure, event), begin = from;
    from = null;
    if (begin !== null && Math.abs(to - begin) > 0.02 * (figure.view.end - figure.view.first)) zoomTo(figure, Math.min(begin, to), Math.max(begin, to));
  });
  figure.svg.addEventListener("pointercancel", () => { from = null; });
  figure.svg.addEventListener("dblclick", () => zoomTo(figure, 0, figure.view.day.count));
  figure.svg.addEventListener("keydown", (event) => {
    const act = { "+": [0.5], "=": [0.5], "-": [2], ArrowLeft: [1, -0.25], ArrowRight: [1, 0.25], Home: [1e9], Escape: [1e9] }[event.key];
    if (!act || event.ctrlKey || event.metaKey) return;
    zoomBy(figure, ...act);
    event.preventDefault();
  });
}

function addDayControls(figure) {
  const bar = document.createElement("div"), label = document.createElement("label"), chooser = document.createElement("select");
  bar.className = "controls";
  chooser.append(...figure.loaded.map((day, i) => new Option(day.label, i)));
  chooser.addEventListener("change", () => {
    const day = figure.loaded[chooser.value];
    figure.view = { day, first: 0, end: day.count };
    showDay(figure);
  });
  label.append("Day ", chooser);
  bar.append(label);
  for (const [name, factor] of [["Closer", 0.5], ["Further", 2], ["Whole day", 1e9]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => zoomBy(figure, factor));
    bar.append(button);
  }
  figure.output = document.createElement("output");
  bar.append(figure.output);
  figure.append(bar);
}

/* Draws the days of a figure that is prepared; of one that is not, the words stay alone. */
function drawDays(figure) {
  if (!figure.loaded) return;
  addDayControls(figure);
  figure.svg = draw("svg", { role: "img", tabindex: "0" }, figure);
  figure.view = { day: figure.loaded[0], first: 0, end: figure.loaded[0].count };
  watchPointer(figure);
  showDay(figure);
}
