// What every chart shares: colours of the page, axes, a width that follows the window, and the word to tests that all was drawn.
"use strict";

const charts = [], colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const filled = (name, paths) => ({fill: () => colour(name), stroke: () => colour(name), width: 0, points: {show: false}, paths});
const axis = (more) => ({stroke: () => colour("muted"), font: "12px system-ui, sans-serif", grid: {stroke: () => colour("line"), width: 1},
  ticks: {stroke: () => colour("line"), width: 1, size: 4}, ...more});
const decibelAxis = (figure) => axis({label: figure + ", dB", labelFont: "12px system-ui, sans-serif", labelSize: 20, size: 40});

function chart(host, label, height, options, data) {
  for (const [name, value] of Object.entries({class: "chart", role: "img", "aria-label": label})) host.setAttribute(name, value);
  const drawn = new uPlot({width: host.clientWidth || 300, height, legend: {show: false}, ...options}, data, host);
  const fit = () => { if (host.clientWidth && host.clientWidth !== drawn.width) drawn.setSize({width: host.clientWidth, height}); };
  new ResizeObserver(fit).observe(host);
  charts.push(drawn);
  return drawn;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((drawn) => drawn.redraw()));

// How many pixels of a small copy of a picture or canvas are not transparent.
function drawnPixels(source) {
  const [width, height] = [200, 100], context = make("canvas", {width, height}).getContext("2d");
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data.filter((value, index) => index % 4 === 3 && value !== 0).length;
}

// For tests/cli/test_report_page.py: what was drawn, as attributes of the page's body.
function sayReady() {
  const images = [...document.querySelectorAll(".pane img")], testing = location.hash === "#selftest";
  const broken = images.filter((image) => !image.complete || !image.naturalWidth || (testing && !drawnPixels(image))).length;
  if (testing) document.body.dataset.canvases = [...document.querySelectorAll("canvas")].map(drawnPixels).join(" ");
  document.body.dataset.ready = `charts:${charts.length} pictures:${images.length} broken:${broken}`;
}
addEventListener("load", () => setTimeout(sayReady));
