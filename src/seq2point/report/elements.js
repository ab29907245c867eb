"use strict";

/* What the scripts of all pages share: elements, and numbers that were packed. */

const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes, parent, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/* The bytes of gzip as base64, as a response to read as JSON or bytes. */
function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
}

/* The inverse of packed_series.py: watts of several series, of so many samples each; NaN is unknown. */
async function unpackWatts(text, counts) {
  const code = new Uint8Array(await inflate(text).arrayBuffer());
  let at = 0;
  return counts.map((count) => {
    const watts = new Float32Array(count);
    for (let i = 0, level = 0; i < count; i++) {
      let value = code[at++];
      if (value > 127) value = (value & 127) + (code[at++] << 7);
      level += (value >> 1) ^ -(value & 1);
      watts[i] = level === 0 ? NaN : level <= 51 ? level - 1 : 50 * Math.exp((level - 51) / 50);
    }
    return watts;
  });
}
