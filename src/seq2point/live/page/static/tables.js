/* The tables, lists and facts of the page. */

import { UNKNOWN, age, capital, clock, date, day, draw, duration, find, kwh, moment, money, say, sentence, swatch, watts, wholeWatts, write } from "./format.js";

const SHOWN_ROWS = 48;

function fill(table, heads, rows) {
  const head = document.createElement("tr");
  heads.forEach((text) => write("th", text, head, { scope: "col" }));
  find(`${table} thead`).replaceChildren(head);
  find(`${table} tbody`).replaceChildren(...rows.map(([first, ...cells]) => {
    const row = document.createElement("tr");
    write("th", first, row, { scope: "row" });
    cells.forEach((text) => write("td", text, row));
    return row;
  }));
}

function label(part, doubtful) {
  const pieces = [swatch(part.style), part.label];
  if (doubtful.has(part.name)) pieces.push(" ", write("small", "(not to be relied on)", null));
  return pieces;
}

export function fillLegend(parts, doubtful) {
  const mains = { name: "mains", label: "mains", style: "mains" };
  find("#hours-legend").replaceChildren(...[mains, ...[...parts].reverse()].map((part) => {
    const item = document.createElement("li");
    item.append(...label(part, doubtful));
    return item;
  }));
}

function fillBar(row, part, share) {
  const cell = write("td", "", row, { class: "wide" });
  const bar = draw("svg", { class: "bar", "aria-hidden": "true" }, cell);
  draw("rect", { class: part.style, x: 0, y: 0, width: `${Math.round(share * 1000) / 10}%`, height: "100%", rx: 2 }, bar);
}

/* The parts in whole watts, rounded so that they add up to the mains of their time in whole watts. */
export function roundParts(now) {
  const known = Object.entries(now.parts_w).filter(([, value]) => value !== null);
  const whole = new Map(known.map(([name, value]) => [name, Math.floor(value)]));
  const rest = Math.round(now.answered_mains_w ?? 0) - [...whole.values()].reduce((sum, value) => sum + value, 0);
  known.sort(([, one], [, other]) => (other % 1) - (one % 1));
  known.slice(0, Math.max(rest, 0)).forEach(([name]) => whole.set(name, whole.get(name) + 1));
  return whole;
}

/* Since when an appliance is on; why it does not count as on where it draws power all the same. */
function tellSince(cell, name, run, now) {
  const why = now.not_on[name];
  if (run) cell.textContent = run.since_s ? moment(run.since_s, now.zone, now.answered_s) : "before the start";
  else if (why) write("small", "from_w" in why ? `counts from ${watts(why.from_w)}` : "after_s" in why ? `counts after ${duration(why.after_s)}` : `until ${clock(why.until_s, now.zone)}`, cell);
}

/* The parts, always on and other last, and below them the mains of their time, which they add up to. */
export function fillParts(now, doubtful) {
  const rounded = roundParts(now);
  const known = (part) => rounded.get(part.name) ?? null;
  const running = new Map(now.running.map((each) => [each.name, each]));
  const appliances = now.parts.slice(1, -1);
  const others = now.parts.length ? [now.parts[0], now.parts[now.parts.length - 1]] : [];
  const whole = Math.max(now.answered_mains_w ?? 0, 1);
  find("#parts tbody").replaceChildren(...[...appliances, ...others].map((part) => {
    const row = document.createElement("tr");
    const run = running.get(part.name);
    if (run) row.className = "on";
    const head = write("th", "", row, { scope: "row", class: "named" });
    head.append(...label(part, doubtful));
    write("td", wholeWatts(known(part)), row);
    fillBar(row, part, Math.min((known(part) ?? 0) / whole, 1));
    tellSince(write("td", "", row), part.name, run, now);
    write("td", run && run.kwh !== null ? kwh(run.kwh) : "", row);
    return row;
  }));
  const sum = document.createElement("tr");
  const head = write("th", "", sum, { scope: "row", class: "named" });
  head.append(swatch("mains"), now.answered_s ? `mains at ${clock(now.answered_s, now.zone)}` : "mains");
  write("td", wholeWatts(now.answered_mains_w), sum);
  ["wide", "", ""].forEach((style) => write("td", "", sum, { class: style }));
  find("#parts tfoot").replaceChildren(sum);
}

export function fillHours(hours, parts, zone) {
  const every = Math.max(Math.ceil(hours.mains.length / SHOWN_ROWS), 1);
  const mean = (column, i) => {
    const values = column.slice(i, i + every).filter((value) => value !== null);
    return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
  };
  const rows = [];
  for (let i = 0; i < hours.mains.length; i += every) {
    const cells = parts.map((part) => watts(mean(hours.parts[part.name], i)));
    rows.push([clock(hours.first_s + i * hours.step_s, zone), watts(mean(hours.mains, i) ?? mean(hours.measured, i)), ...cells]);
  }
  fill("#hours-table", ["from", "mains", ...parts.map((part) => part.label)], rows.reverse());
}

export function describeStep(hours, parts, zone, i) {
  const time = clock(hours.first_s + i * hours.step_s, zone);
  const mains = hours.mains[i] ?? hours.measured[i];
  if (mains === null) return `${time}: not known`;
  if (hours.mains[i] === null) return `${time}: mains ${watts(mains)}; not told apart yet`;
  const shares = [...parts].reverse().map((part) => [part.label, hours.parts[part.name][i]]);
  const words = shares.filter(([, value]) => value !== null && value >= 0.5).map(([name, value]) => `${name} ${watts(value)}`);
  return `${time}: mains ${watts(mains)}; ${words.join("; ")}`;
}

function known(each) {
  const whole = each.hours - each.hours_known < 0.1;
  return whole ? "all" : `${each.hours_known.toFixed(1)} of ${each.hours} h`;
}

export function fillDays(days, parts, currency) {
  const hasCost = currency !== null;
  const rows = [...days].reverse().map((each) => [
    date(each.date),
    kwh(each.kwh.mains),
    ...(hasCost ? [money(each.cost.mains, currency)] : []),
    ...parts.map((part) => kwh(each.kwh[part.name])),
    known(each),
  ]);
  fill("#days-table", ["day", "kWh in all", ...(hasCost ? ["cost"] : []), ...parts.map((part) => part.label), "known"], rows);
}

export function describeDay(each, parts, currency) {
  if (!each.hours_known) return `${date(each.date)}: not known`;
  const cost = currency === null ? "" : `, ${money(each.cost.mains, currency)}`;
  const shares = [...parts].reverse().filter((part) => each.kwh[part.name] !== null);
  const words = shares.map((part) => `${part.label} ${kwh(each.kwh[part.name])}`);
  return `${date(each.date)}: ${kwh(each.kwh.mains)} kWh${cost} (known: ${known(each)}); ${words.join("; ")}`;
}

export function fillRuns(now, runs, doubtful) {
  const labels = new Map(now.parts.map((part) => [part.name, part]));
  const name = (each) => labels.get(each.name) ?? { label: each.name.replaceAll("_", " "), style: "other" };
  const open = now.running.map((each) => ({ ...each, start_s: each.since_s, end_s: null }));
  const near = now.answered_s ?? 0;
  find("#runs tbody").replaceChildren(...[...open, ...runs].map((each) => {
    const row = document.createElement("tr");
    if (each.end_s === null) row.className = "on";
    const head = write("th", "", row, { scope: "row", class: "named" });
    head.append(...label({ ...name(each), name: each.name }, doubtful));
    write("td", each.start_s ? moment(each.start_s, now.zone, near) : "before the start", row);
    write("td", each.end_s === null ? "still on" : clock(each.end_s, now.zone), row);
    write("td", each.end_s === null ? (each.start_s ? duration(now.answered_s - each.start_s) : UNKNOWN) : duration(each.end_s - each.start_s), row);
    write("td", kwh(each.kwh), row);
    return row;
  }));
  const count = open.length + runs.length;
  find("#runs-region").hidden = count === 0;
  find("#no-runs").hidden = count > 0;
}

const BADGES = { good: "good", "not to be relied on": "bad" };

export function fillModels(models) {
  const common = models.length > 1 ? models[0].limits.filter((limit) => models.every((each) => each.limits.includes(limit))) : [];
  const articles = models.map((each) => {
    const article = document.createElement("article");
    const head = write("h3", `${capital(each.label)} `, article);
    write("span", each.verdict ?? "not tested elsewhere", head, { class: `badge ${BADGES[each.verdict] ?? "care"}` });
    write("p", each.promise ? sentence(each.promise) : "No test in other homes is known of this model.", article);
    each.limits.filter((limit) => !common.includes(limit)).forEach((limit) => write("p", sentence(limit), article));
    if (each.model) write("p", `Model ${each.model}`, article, { class: "hint" });
    return article;
  });
  const shared = document.createElement("div");
  if (common.length) {
    write("p", "For all of these models:", shared);
    const list = write("ul", "", shared);
    common.forEach((limit) => write("li", sentence(limit), list));
  }
  find("#models").replaceChildren(...articles, shared);
}

export function fillHealth(now, sinceHeard_s) {
  const health = now.health, zone = now.zone;
  const facts = [
    ["Last reading", health.age_s === null ? "none yet" : `${age(health.age_s + sinceHeard_s)} ago, of ${day(now.reading_s, zone)}, ${clock(now.reading_s, zone)}`],
    ["A reading each", health.step_s === null ? UNKNOWN : `${Math.round(health.step_s * 10) / 10} s`],
    ["Readings since the start", health.readings.toLocaleString("en")],
    ["Mains known in the last 24 h", health.coverage === null ? UNKNOWN : `${(health.coverage * 100).toFixed(health.coverage < 1 ? 1 : 0)} %`],
    ["Answers come later by", now.delay_s === null ? UNKNOWN : duration(now.delay_s)],
    ["Messages lost", health.lost.toLocaleString("en")],
  ];
  const root = find("#health");
  if (root.children.length !== 2 * facts.length) {
    root.replaceChildren(...facts.flatMap(([name]) => [write("dt", name, null), write("dd", "", null)]));
  }
  facts.forEach(([, text], i) => say(root.children[2 * i + 1], text));
}
