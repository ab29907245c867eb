/* Figures of a result: losses, hours of the day, activations. */

const WIDTH = 400, HEIGHT = 200, LEFT = 46, RIGHT = 12, TOP = 10, BOTTOM = 22, LEVELS = 1000;

function startPicture(figure) {
  return draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": figure.dataset.label }, figure);
}

/* ---- axes of watts and watt hours: round marks from zero on ---- */

function findStep(top, marks) {
  const rough = Math.max(top, 1e-3) / marks, power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
}

function drawMarks(svg, top, y, left, right, marks = 4) {
  const step = findStep(top, marks);
  for (let i = 0; i * step <= top * 1.0001; i++) {
    draw("line", { class: "grid", x1: left, x2: right, y1: y(i * step), y2: y(i * step) }, svg);
    draw("text", { class: "end", x: left - 6, y: y(i * step) + 4 }, svg, Number((i * step).toPrecision(3)).toLocaleString("en"));
  }
}

/* ---- losses against the step ---- */

function nameLoss(loss) {
  return loss >= 0.001 ? Number(loss.toPrecision(2)).toString() : loss.toExponential(1);
}

function drawCurve(figure) {
  const curve = JSON.parse(figure.dataset.curve);
  const [low, high] = curve.range, last = curve.step.at(-1);
  const svg = startPicture(figure);
  const x = (step) => LEFT + (WIDTH - LEFT - RIGHT) * step / last;
  const y = (level) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - level / LEVELS);
  for (let i = 0; i <= 4; i++) {
    const at = y(LEVELS * i / 4);
    draw("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at }, svg);
    draw("text", { class: "end", x: LEFT - 6, y: at + 4 }, svg, nameLoss(low * (high / low) ** (i / 4)));
  }
  for (let i = 0; i <= 4; i++) {
    const step = Math.round(last * i / 4);
    draw("text", { class: i === 4 ? "end" : "", x: i === 4 ? WIDTH - RIGHT : x(step), y: HEIGHT - 5 }, svg, step.toLocaleString("en"));
  }
  for (const name of ["train", "val"]) {
    let path = "", gap = true;
    curve[name].forEach((level, i) => {
      if (level !== null) path += `${gap ? "M" : "L"}${x(curve.step[i]).toFixed(1)} ${y(level).toFixed(1)}`;
      gap = level === null;
    });
    if (path) draw("path", { class: name, d: path }, svg);
  }
  const known = curve.val.filter((level) => level !== null);
  if (known.length) {
    const best = curve.val.indexOf(Math.min(...known));
    draw("circle", { class: "best", cx: x(curve.step[best]), cy: y(curve.val[best]), r: 4 }, svg);
  }
}

/* ---- power and error by the hour of the day ---- */

function drawHours(figure) {
  const hours = JSON.parse(figure.dataset.hours), svg = startPicture(figure);
  const top = Math.max(...Object.values(hours).flat(), 1);
  const slot = (WIDTH - LEFT - RIGHT) / 24;
  const x = (hour) => LEFT + slot * hour;
  const y = (watts) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - watts / top);
  drawMarks(svg, top, y, LEFT, WIDTH - RIGHT);
  hours.mae_w.forEach((watts, hour) => {
    if (watts === null) return;
    const bar = draw("rect", { class: "error", x: x(hour) + 1.5, y: y(watts), width: slot - 3, height: y(0) - y(watts) }, svg);
    draw("title", {}, bar, `${hour}:00: error ${watts} W, used ${hours.truth_w[hour]} W, predicted ${hours.estimate_w[hour]} W`);
  });
  for (const [name, style] of [["truth_w", "val"], ["estimate_w", "train"]]) {
    let path = "", gap = true;
    hours[name].forEach((watts, hour) => {
      if (watts !== null) path += `${gap ? "M" : "V"}${gap ? `${x(hour).toFixed(1)} ` : ""}${y(watts).toFixed(1)}H${x(hour + 1).toFixed(1)}`;
      gap = watts === null;
    });
    draw("path", { class: style, d: path }, svg);
  }
  for (let hour = 0; hour <= 24; hour += 6) draw("text", { x: x(hour), y: HEIGHT - 5 }, svg, `${hour}:00`);
}

/* ---- the energy of activations: on the line it is right, on the ground nothing was found ---- */

function drawActivations(figure) {
  const [used, predicted] = JSON.parse(figure.dataset.activations), svg = startPicture(figure);
  const most = Math.max(...used, 1), top = Math.max(most, ...predicted);
  const x = (wh) => LEFT + (WIDTH - LEFT - RIGHT) * wh / most;
  const y = (wh) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - wh / top);
  drawMarks(svg, top, y, LEFT, WIDTH - RIGHT);
  const step = findStep(most, 4);
  for (let i = 0; i * step <= most * 1.0001; i++) {
    const isLast = x(i * step) > WIDTH - 40;
    draw("text", { class: isLast ? "end" : "", x: x(i * step), y: HEIGHT - 5 }, svg, `${Number((i * step).toPrecision(3)).toLocaleString("en")}${isLast ? " Wh" : ""}`);
  }
  draw("line", { class: "zero", x1: x(0), y1: y(0), x2: x(most), y2: y(most) }, svg);
  used.forEach((wh, i) => draw("circle", { class: "dot", cx: x(wh).toFixed(1), cy: y(predicted[i]).toFixed(1), r: 3.5 }, svg));
}
