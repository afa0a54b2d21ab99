// Elements of a page, and figures in words, each with the digits that src/report/words.cpp gives it. Text only ever enters a page as text, never as markup: names
// come from other people's models.
"use strict";

const find = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const noError = 999;
// Never "-0.00".
const fixed = (value, digits) => (value === null ? "–" : value.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−"));
const miou = (share) => fixed(share, 4);
const changeOfMiou = (change) => (change > 0 && miou(change) !== miou(0) ? "+" : "") + miou(change);
const decibels = (value) => (value === noError ? "no error" : value === null ? "–" : fixed(value, 2) + " dB");
const percent = (share) => (share === null ? "–" : fixed(Math.floor(share * 1e4 + 1e-6) / 100, 2) + " %");
// Rounded so that a figure that misses its bound does not read as if it met it; "at least" rounds down.
const towards = (value, atLeast, digits) => {
  if (value === null) return "–";
  const power = 10 ** digits, scaled = value * power, whole = Math.round(scaled);
  const rounded = Math.abs(scaled - whole) < 1e-6 ? whole : atLeast ? Math.floor(scaled) : Math.ceil(scaled);
  return String(rounded / power).replace("-", "−");
};
const plural = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;
const short = (value) => (value === null ? "–" : String(Number(value.toPrecision(3))).replace("-", "−"));
const fileName = (path) => path.split("/").pop();

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; count >= 999.95 && unit + 1 < units.length; ++unit) count /= 1000;
  return fixed(count, unit === 0 ? 0 : 1) + " " + units[unit];
}

function compare(ratio, tolerance, more, less, same) {
  if (!(ratio > 0) || !isFinite(ratio)) return ["–", ""];
  if (Math.abs(ratio - 1) < tolerance) return ["1×", same];
  return [fixed(ratio > 1 ? ratio : 1 / ratio, 2) + "×", ratio > 1 ? more : less];
}
const compareSizes = (before, after) => compare(before / after, 0.005, "smaller", "larger", "the same");
const compareSpeeds = (speedup) => compare(speedup, 0.02, "faster", "slower", "as fast");
// Of two medians beside each other: in thousandths where one is below 1 ms.
const digitsOfTimes = ({fp32, quantized}) => (Math.min(fp32.median_ms, quantized.median_ms) < 1 ? 3 : 1);
// The median of the ratios is not always the ratio of the medians.
function ratiosDisagree({fp32, quantized, speedup}) {
  const off = (speedup * quantized.median_ms) / fp32.median_ms;
  return off > 1.2 || (off > 0 && off < 1 / 1.2);
}

// One link per section that has something to show, under the section's own heading.
function listContents() {
  for (const section of document.querySelectorAll("section[id]"))
    if (!section.hidden) find("contents").append(make("a", {href: "#" + section.id}, section.querySelector("h2").textContent));
}

// A command in its frame, with a button that copies it.
function command(text) {
  const button = make("button", {type: "button", class: "copy"}, "Copy"), code = make("code", {}, text);
  const say = (word) => { button.textContent = word; setTimeout(() => { button.textContent = "Copy"; }, 2000); };
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(code);  // also what is left to do where the browser refuses the clipboard
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      say("Selected");
    }
  });
  return make("div", {class: "command"}, make("pre", {tabindex: "0"}, code), button);
}
