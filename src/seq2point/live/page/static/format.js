/* Numbers and times as people read them, and small pieces of the page. */

export const UNKNOWN = "–";
const SIGNS = { GBP: "£", EUR: "€", USD: "$" };
const SVG = "http://www.w3.org/2000/svg";
const clocks = new Map();

export const find = (selector) => document.querySelector(selector);

export function watts(value) {
  if (value === null || value === undefined) return UNKNOWN;
  return Math.abs(value) < 1000 ? `${Math.round(value)} W` : `${(value / 1000).toFixed(2)} kW`;
}

/* Watts that are added up: never in kW, which would hide some of them. */
export function wholeWatts(value) {
  return value === null || value === undefined ? UNKNOWN : `${Math.round(value).toLocaleString("en")} W`;
}

export function kwh(value) {
  if (value === null || value === undefined) return UNKNOWN;
  return value > 0 && value < 0.005 ? "<0.01" : value.toFixed(2);
}

export function money(value, currency) {
  if (value === null || value === undefined) return UNKNOWN;
  const sign = SIGNS[currency];
  return sign ? `${sign}${value.toFixed(2)}` : `${value.toFixed(2)} ${currency}`.trim();
}

export function duration(seconds) {
  const minutes = Math.max(Math.round(seconds / 60), 1);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

export function age(seconds) {
  return seconds < 90 ? `${Math.round(seconds)} s` : duration(seconds);
}

function formatter(zone, options) {
  const key = `${zone} ${JSON.stringify(options)}`;
  if (!clocks.has(key)) clocks.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }));
  return clocks.get(key);
}

export function clock(time, zone) {
  return formatter(zone, { hour: "2-digit", minute: "2-digit" }).format(new Date(time * 1000));
}

export function day(time, zone) {
  return formatter(zone, { weekday: "short", day: "numeric", month: "short" }).format(new Date(time * 1000));
}

/* A time's local date, as 2025-06-10. */
export function isoDate(time, zone) {
  const parts = formatter(zone, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(new Date(time * 1000));
  return ["year", "month", "day"].map((type) => parts.find((part) => part.type === type).value).join("-");
}

const DAY_S = 86400;

/* A time of another day than `near` has its weekday, too, and one of long ago its date. */
export function moment(time, zone, near) {
  if (day(time, zone) === day(near, zone)) return clock(time, zone);
  const options = Math.abs(near - time) < 6 * DAY_S ? { weekday: "short" } : { day: "numeric", month: "short" };
  return `${formatter(zone, options).format(new Date(time * 1000))} ${clock(time, zone)}`;
}

export function date(text, options = { weekday: "short", day: "numeric", month: "short" }) {
  return formatter("UTC", options).format(new Date(`${text}T00:00:00Z`));
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function sentence(text) {
  const bare = capital(text.trim());
  return /[.!?]$/.test(bare) ? bare : `${bare}.`;
}

export function write(name, text, parent, attributes = {}) {
  const element = document.createElement(name);
  element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (parent) parent.append(element);
  return element;
}

export function draw(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (parent) parent.append(element);
  return element;
}

export function swatch(style) {
  const svg = draw("svg", { class: "swatch", viewBox: "0 0 14 14", "aria-hidden": "true" });
  if (style === "mains") draw("line", { x1: 0, x2: 14, y1: 7, y2: 7 }, svg);
  else draw("rect", { class: style, x: 0, y: 0, width: 14, height: 14, rx: 2 }, svg);
  return svg;
}

/* Change a text where it differs alone: what has not changed is not read out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
