/* Two charts on uPlot: power of the last hours, energy of the last days. Both are stacks: sums are
   drawn from the highest down, each over the one above it. */

/* global uPlot */

const TEXT = "12px system-ui, sans-serif";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function stackUp(columns, isKnown) {
  const sums = [];
  let below = isKnown.map(() => 0);
  for (const column of columns) {
    below = below.map((sum, i) => sum + (column[i] ?? 0));
    sums.push(below.map((sum, i) => (isKnown[i] ? sum : null)));
  }
  return sums.reverse();
}

class Chart {
  constructor(root, readout) {
    this.root = root;
    this.readout = readout;
    this.plot = null;
    this.shape = "";
    this.describe = () => "";
    this.isRead = false;
    root.addEventListener("keydown", (event) => this.move(event));
    new ResizeObserver(() => this.resize()).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  size() {
    return { width: Math.max(this.root.clientWidth, 200), height: this.root.clientHeight };
  }

  resize() {
    if (this.plot && this.root.clientWidth) this.plot.setSize(this.size());
  }

  redraw() {
    if (!this.plot) return;
    const data = this.plot.data;
    this.shape = "";
    this.update(this.options, data, this.describe);
  }

  /* `options` is a function, so that colours are those of the moment. */
  update(options, data, describe) {
    this.options = options;
    this.describe = describe;
    const made = options();
    const shape = JSON.stringify(made);
    if (this.plot && shape === this.shape) {
      const at = this.isRead ? this.plot.data[0][this.plot.cursor.idx] : undefined;
      this.plot.setData(data);
      const index = data[0].indexOf(at);
      if (index >= 0) this.point(index);
      return;
    }
    this.shape = shape;
    if (this.plot) this.plot.destroy();
    this.plot = new uPlot({
      ...made,
      ...this.size(),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      hooks: { setCursor: [(plot) => this.read(plot.cursor.idx)] },
    }, data, this.root);
  }

  read(index) {
    if (index === null || index === undefined || !this.describe) return;
    this.isRead = true;
    const text = this.describe(index);
    if (this.readout.textContent !== text) this.readout.textContent = text;
  }

  point(index) {
    const plot = this.plot;
    const to = Math.min(Math.max(index, 0), plot.data[0].length - 1);
    plot.setCursor({ left: plot.valToPos(plot.data[0][to], "x"), top: 10 });
    this.read(to);
  }

  move(event) {
    if (!this.plot) return;
    const last = this.plot.data[0].length - 1;
    const at = this.plot.cursor.idx ?? last;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 12, PageDown: at + 12, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    this.point(to);
    event.preventDefault();
  }
}

function axes(extra) {
  const common = { stroke: colour("soft"), font: TEXT, ticks: { show: false }, grid: { stroke: colour("line"), width: 1 } };
  return [{ ...common, grid: { show: false }, size: 28, ...extra.x }, { ...common, size: 54, ...extra.y }];
}

export class HoursChart extends Chart {
  show(hours, parts, zone, describe) {
    const times = hours.mains.map((_, i) => hours.first_s + i * hours.step_s);
    const sums = stackUp(parts.map((part) => hours.parts[part.name]), hours.mains.map((value) => value !== null));
    const stepped = uPlot.paths.stepped({ align: 1 });
    const highest = Math.max(100, ...hours.mains, ...hours.measured);
    const unit = highest >= 2000 ? 1000 : 1;
    const name = unit === 1000 ? "kW" : "W";
    const options = () => ({
      key: `${name} ${zone}`,
      scales: { x: { time: true }, y: { range: (_, __, top) => [0, Math.max(top * 1.05, 100)] } },
      tzDate: (time) => uPlot.tzDate(new Date(time * 1000), zone),
      axes: axes({
        x: { values: [[3600, "{HH}:{mm}", null, null, null, null, null, null, 1], [60, "{HH}:{mm}", null, null, null, null, null, null, 1]] },
        y: { values: (_, marks) => marks.map((mark) => `${mark / unit} ${name}`) },
      }),
      series: [
        {},
        ...[...parts].reverse().map((part) => ({ paths: stepped, fill: colour(part.style), stroke: colour(part.style), width: 0, points: { show: false } })),
        { stroke: colour("mains"), width: 1.25, paths: stepped, spanGaps: false, points: { show: false } },
      ],
    });
    const line = hours.mains.map((value, i) => value ?? hours.measured[i]);
    this.update(options, [times, ...sums, line], describe);
  }
}

export class DaysChart extends Chart {
  show(days, parts, label, describe) {
    const known = days.map((each) => each.hours_known > 0);
    const sums = stackUp(parts.map((part) => days.map((each) => each.kwh[part.name])), known);
    const bars = uPlot.paths.bars({ size: [0.75, 56] });
    const options = () => ({
      scales: { x: { time: false, range: () => [-0.6, Math.max(days.length - 0.4, 6.6)] }, y: { range: (_, __, top) => [0, Math.max((top || 0) * 1.05, 1)] } },
      axes: axes({
        x: { splits: () => days.map((_, i) => i), values: (_, marks) => marks.map((i) => label(days[i], days.length)) },
        y: { values: (_, marks) => marks.map((mark) => `${mark}${mark === marks[marks.length - 1] ? " kWh" : ""}`) },
      }),
      series: [{}, ...[...parts].reverse().map((part) => ({ paths: bars, fill: colour(part.style), stroke: colour(part.style), width: 0, points: { show: false } }))],
    });
    this.shape = "";
    this.update(options, [days.map((_, i) => i), ...sums], describe);
  }
}
