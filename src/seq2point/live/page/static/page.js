/* The page: what is now each second, charts and tables each time that there is something new. */

import { DaysChart, HoursChart } from "./charts.js";
import { Feed, ask } from "./feed.js";
import { age, capital, clock, date, duration, find, isoDate, kwh, moment, money, say, watts } from "./format.js";
import { describeDay, describeStep, fillDays, fillHealth, fillHours, fillLegend, fillModels, fillParts, fillRuns, roundParts } from "./tables.js";

const FRESH_MS = 15000;

const hoursChart = new HoursChart(find("#hours-plot"), find("#hours-readout"));
const daysChart = new DaysChart(find("#days-plot"), find("#days-readout"));
const page = { now: null, heardAt: 0, isLost: false, shape: "", freshAt: -Infinity, isAsking: false, doubtful: new Set(), told: null };

function sinceHeard() {
  return (performance.now() - page.heardAt) / 1000;
}

function findState(now) {
  if (page.isLost) return ["offline", "Offline: the service does not answer. What you see is old."];
  const health = now.health;
  if (health.age_s === null) return ["waiting", "Waiting for the first reading of the meter."];
  const since = health.age_s + sinceHeard();
  if (health.is_stale || since > health.patience_s) return ["stale", `Stale: no reading for ${age(since)}.`];
  const reading = `last reading ${age(since)} ago`;
  if (!now.is_described) return ["waiting", `Learning the meter’s pace, ${Math.min(health.readings, now.readings_needed)} of ${now.readings_needed} readings; ${reading}`];
  return ["live", `Live, ${reading}`];
}

function describeAnswer(now) {
  if (!now.answered_s) return now.first_answer_s ? `The first estimate comes once a whole window has been read: about ${moment(now.first_answer_s, now.zone, now.reading_s)}.` : " ";
  const behind = now.reading_s ? Math.max(now.reading_s - now.answered_s, 0) : now.delay_s;
  const names = now.parts.slice(1, -1).map((part) => part.name);
  const isKnown = names.some((name) => now.parts_w[name] !== null && now.parts_w[name] !== undefined);
  const late = `As of ${clock(now.answered_s, now.zone)}, ${duration(behind ?? 0)} behind the meter.`;
  if (now.answered_mains_w === null) return `${late} This was kept; the next estimate follows the next readings.`;
  if (isKnown) return `${late} Estimated; the meter measures the mains alone.`;
  return now.first_answer_s && now.first_answer_s > (now.reading_s ?? 0) ? `${late} Appliances come once a whole window has been read: about ${moment(now.first_answer_s, now.zone, now.reading_s)}.` : `${late} Appliances are not known there.`;
}

function showState() {
  if (!page.now) return;
  const [state, text] = findState(page.now);
  const element = find("#state");
  if (element.dataset.state !== state) {
    if (element.dataset.state !== "waiting" || state !== "live") say(find("#told"), text);
    element.dataset.state = state;
  }
  say(find("#state-text"), text);
  fillHealth(page.now, sinceHeard());
}

/* Starts and finishes since the last time are read out, and their tables are brought up to date. */
function tellRuns(now) {
  const label = (name) => capital(now.parts.find((part) => part.name === name)?.label ?? name);
  const latest = Math.max(0, ...now.told.map((each) => each.id));
  const isNew = page.told !== null && latest !== page.told;
  if (isNew) {
    const since = latest > page.told ? page.told : 0; // the service has started anew
    const words = now.told.filter((each) => each.id > since).map((each) => `${label(each.name)} ${each.kind}.`);
    say(find("#told"), words.join(" "));
    page.freshAt = -Infinity;
  }
  page.told = latest;
}

function take(now) {
  page.now = now;
  page.heardAt = performance.now();
  page.isLost = false;
  say(find("#home"), capital(now.home));
  document.title = `${capital(now.home)}: energy, live`;
  say(find("#mains"), watts(now.mains_w));
  say(find("#mains-more"), now.reading_s ? `measured at ${clock(now.reading_s, now.zone)}` : "measured");
  const alwaysOn = roundParts(now).get("always_on");
  say(find("#always-on"), watts(alwaysOn));
  say(find("#always-on-more"), alwaysOn === undefined ? `known after ${now.always_on_after_h} hours of readings` : "what never stops");
  say(find("#as-of"), describeAnswer(now));
  say(find("#foot"), `Times are those of ${now.zone}. Made by seq2point. Nothing leaves this machine.`);
  tellRuns(now);
  fillParts(now, page.doubtful);
  showState();
  refresh();
}

async function refresh(isForced = false) {
  const now = page.now;
  const shape = now.parts.map((part) => part.name).join();
  const isNew = shape !== page.shape;
  if (page.isAsking || !(isForced || isNew || performance.now() - page.freshAt > FRESH_MS)) return;
  page.isAsking = true;
  try {
    if (isNew) await showModels();
    const span = find("input[name=hours]:checked").value;
    const [hours, days, runs] = await Promise.all([ask(`api/hours/${span}`), ask("api/days"), ask("api/runs")]);
    showHours(hours, now);
    showDays(days, now);
    fillRuns(page.now, runs, page.doubtful);
    page.shape = shape;
    page.freshAt = performance.now();
  } catch {
    page.freshAt = performance.now();
  } finally {
    page.isAsking = false;
    document.documentElement.dataset.ready = "yes";
  }
}

async function showModels() {
  const models = await ask("api/models");
  page.doubtful = new Set(models.filter((each) => each.verdict === "not to be relied on").map((each) => each.name));
  fillModels(models);
  fillLegend(page.now.parts, page.doubtful);
  fillParts(page.now, page.doubtful);
}

function showHours(hours, now) {
  hoursChart.show(hours, now.parts, now.zone, (i) => describeStep(hours, now.parts, now.zone, i));
  fillHours(hours, now.parts, now.zone);
}

function showDays(days, now) {
  const today = days[days.length - 1];
  const isToday = !today || today.date === isoDate(now.reading_s ?? now.answered_s, now.zone);
  say(find("#today-name"), isToday ? "Today" : date(today.date)); // answers come hours late: midnight too
  say(find("#today"), today ? `${kwh(today.kwh.mains)} kWh` : "–");
  say(find("#today-more"), today ? (now.currency !== null ? `${money(today.cost.mains, now.currency)} so far` : `up to ${clock(now.answered_s, now.zone)}`) : " ");
  const isWide = find("#days-plot").clientWidth > 560;
  const label = (each) => each ? (isWide ? date(each.date, { weekday: "short", day: "numeric" }) : date(each.date, { day: "numeric" })) : "";
  daysChart.show(days, now.parts, label, (i) => (days[i] ? describeDay(days[i], now.parts, now.currency) : ""));
  fillDays(days, now.parts, now.currency);
}

document.querySelectorAll("input[name=hours]").forEach((input) => input.addEventListener("change", () => refresh(true)));
setInterval(showState, 1000);
new Feed(take, () => { page.isLost = true; showState(); }).start();
