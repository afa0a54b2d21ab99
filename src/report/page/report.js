// Shows the report that lies in the page as JSON. Text only ever enters the page as text, never as markup: names come from other people's models.
"use strict";
(() => {
const report = JSON.parse(document.getElementById("report").textContent);
const find = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// ---- Figures in words; as src/report/words.cpp says them ----
const noError = 999;
const fixed = (value, digits) => (value === null ? "–" : value.toFixed(digits).replace("-", "−"));
const decibels = (value) => (value === noError ? "no error" : value === null ? "–" : fixed(value, 2) + " dB");
const percent = (share) => (share === null ? "–" : fixed(Math.floor(share * 1e4 + 1e-6) / 100, 2) + " %");
const plural = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;
const short = (value) => (value === null ? "–" : String(Number(value.toPrecision(3))).replace("-", "−"));

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

// ---- The summary ----
function tile(label, [value, unit], ...details) {
  find("tiles").append(make("dl", {class: "tile"}, make("dt", {}, label),
    make("dd", {class: "value"}, value, make("small", {}, " " + unit)), make("dd", {class: "detail"}, details.join(" · "))));
}

function showCosts() {
  const {fp32, quantized, latency, memory, decisions, scheme} = report, change = (from, to) => `${from} → ${to}`;
  tile("Size", compare(fp32.bytes / quantized.bytes, 0.005, "smaller", "larger", "the same"), change(bytes(fp32.bytes), bytes(quantized.bytes)));
  if (!latency) {
    tile("Speed", ["–", ""], "not measured");
  } else {
    const npu = latency.speedup < 1 && scheme.endsWith("a16") ? [scheme.toUpperCase() + " is made for NPUs: a CPU computes it in float"] : [];
    tile("Speed", compare(latency.speedup, 0.02, "faster", "slower", "as fast"), change(fixed(latency.fp32.median_ms, 1),
      fixed(latency.quantized.median_ms, 1) + " ms"), plural(latency.runs, "run"), plural(latency.threads, "thread"), ...npu);
  }
  if (memory) {
    const {fp32_peak_bytes: before, quantized_peak_bytes: after} = memory;
    tile("Peak memory", compare(before / after, 0.02, "less", "more", "the same"), change(bytes(before), bytes(after)));
  }
  const kept = decisions.filter((row) => !row.quantized).length;
  tile("Quantized", [String(decisions.length - kept), `of ${plural(decisions.length, "node")}`], `${kept} in float`);
}

function showAccuracy() {
  const {accuracy} = report, {miou_fp32: before, miou_quantized: after} = accuracy;
  if (!accuracy.images.length) return;
  tile("PSNR against FP32", accuracy.psnr_db === noError ? ["no error", ""] : [fixed(accuracy.psnr_db, 1), "dB"],
    `worst ${decibels(accuracy.psnr_db_worst)}`, accuracy.worst_image);
  tile("Pixels as FP32", [percent(accuracy.agreement), ""], "the same class", plural(accuracy.images.length, "image"));
  tile("mIoU against FP32", [fixed(accuracy.miou_vs_fp32, 3), ""], `SQNR ${decibels(accuracy.sqnr_db)}`);
  if (before === undefined || after === undefined) return;
  const change = before === null || after === null ? null : after - before;
  tile("mIoU against labels", [fixed(after, 4), ""], `FP32 ${fixed(before, 4)}`, `${change > 0 ? "+" : ""}${fixed(change, 4)}`);
}

function showWarnings() {
  const {warnings} = report, items = warnings.map((warning) => make("li", {}, warning));
  const box = make("details", {class: "warnings"}, make("summary", {}, plural(warnings.length, "warning")), make("ul", {}, ...items));
  box.open = warnings.length <= 5;
  find("warnings").append(warnings.length ? box : make("span", {class: "muted"}, "No warnings."));
}

function showHeader() {
  const {scheme, target, calibration, seconds, version} = report;
  find("model").textContent = report.quantized.path.split("/").pop();
  find("made").textContent = [`${scheme.toUpperCase()} for ${target}`, plural(calibration.images, "calibration image"),
    `made in ${fixed(seconds, 1)} s`, `quantize ${version}`].join(" · ");
  const lists = {...report, images: report.accuracy.images};
  for (const section of document.querySelectorAll("section[id]")) {
    section.hidden = lists[section.id] !== undefined && lists[section.id].length === 0;
    if (!section.hidden) find("contents").append(make("a", {href: "#" + section.id}, section.querySelector("h2").textContent));
  }
}

// ---- Tables: a column says which field of a row it shows, and how ----
const text = (title, key) => ({title, key, style: ""});
const long = (title, key) => ({title, key, style: "wide"});
const figure = (title, key, show) => ({title, key, show, style: "number"});

function compareValues(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "number" ? a - b : String(a).localeCompare(String(b), undefined, {numeric: true});
}

// Returns the table in its scrolling frame; its setRows() shows other rows and keeps the order chosen.
function table(columns, rows, totals = []) {
  const body = make("tbody"), heads = columns.map(({title, style}) => make("th", {scope: "col", class: style}, make("button", {type: "button"}, title)));
  const cell = ({key, show, style}, row) => make("td", {class: style}, show ? show(row[key], row) : row[key]);
  const line = (row) => make("tr", {}, ...columns.map((column) => cell(column, row)));
  let order = () => 0;
  const fill = () => body.replaceChildren(...[...rows].sort(order).map(line));
  heads.forEach((head, index) => head.firstChild.addEventListener("click", () => {
    const {key} = columns[index], up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    order = (a, b) => (up ? compareValues(a[key], b[key]) : compareValues(b[key], a[key]));
    fill();
  }));
  fill();
  const whole = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body, make("tfoot", {}, ...totals.map(line)));
  return Object.assign(make("div", {class: "scroll", tabindex: "0"}, whole), {setRows: (others) => { rows = others; fill(); }});
}

function showTables() {
  const {layers, accuracy, steps, config} = report, sqnr = figure("SQNR", "sqnr_db", decibels);
  find("layer_summary").textContent = `All ${plural(layers.length, "layer")}`;
  find("layer_table").append(table([long("Node", "node"), text("Operator", "op_type"), long("Tensor", "tensor"), sqnr], layers));
  find("worst_layers").append(...layers.slice(0, 5).map((layer) => make("li", {},
    make("b", {}, decibels(layer.sqnr_db)), layer.node, make("span", {class: "muted"}, " " + layer.op_type))));
  find("image_table").append(table([long("Image", "name"), figure("PSNR", "psnr_db", decibels), sqnr,
    figure("Pixels as FP32", "agreement", percent)], accuracy.images));
  const seconds = figure("Seconds", "seconds", (value) => fixed(value, 2));
  find("step_table").append(table([text("Step", "name"), long("Outcome", "outcome"), seconds], steps));
  find("config_table").append(table([text("Setting", "name"), long("Value", "value")], config));
}

function showDecisions() {
  const all = report.decisions.map((row) => ({...row, kept: row.quantized ? "quantized" : "float"}));
  const shown = table([long("Node", "node"), text("Operator", "op_type"), text("Kept as", "kept"), text("Weights", "weights"),
    text("Activations", "activations"), long("Why", "reason")], all);
  const input = make("input", {type: "search", placeholder: "Filter by any text", "aria-label": "Filter nodes"});
  const kind = make("select", {"aria-label": "Which nodes"}, ...["all", "quantized", "float"].map((name) => make("option", {}, name)));
  const counted = make("span", {class: "muted"}), update = () => {
    const wanted = input.value.toLowerCase(), matches = (row) => Object.values(row).join("\n").toLowerCase().includes(wanted);
    const chosen = all.filter((row) => matches(row) && (kind.value === "all" || row.kept === kind.value));
    counted.textContent = `${chosen.length} of ${plural(all.length, "node")}`;
    shown.setRows(chosen);
  };
  for (const control of [input, kind]) control.addEventListener("input", update);
  update();
  find("decision_table").append(make("div", {class: "tools"}, input, kind, counted), shown);
}

function showSizes() {
  const {sizes, latency, memory} = report, sum = (key) => sizes.reduce((total, size) => total + size[key], 0);
  const total = {kind: "all", tensors: sum("tensors"), fp32_bytes: sum("fp32_bytes"), quantized_bytes: sum("quantized_bytes")};
  const largest = Math.max(1, ...sizes.flatMap((size) => [size.fp32_bytes, size.quantized_bytes]));
  const bar = (name, count) => make("div", {class: "bar " + name, style: `width: ${(100 * count) / largest}%`});
  const bars = (count, row) => (row === total ? "" : make("div", {}, bar("fp32", row.fp32_bytes), bar("quantized", count)));
  find("size_table").append(table([text("Kind", "kind"), figure("Tensors", "tensors"), figure("FP32", "fp32_bytes", bytes),
    figure("Quantized", "quantized_bytes", bytes), {...long("Gray FP32, blue quantized", "quantized_bytes"), show: bars}], sizes, [total]));
  if (!latency && !memory) return;
  const unknown = {median_ms: null, p10_ms: null, p90_ms: null};
  const cost = (name, key) => ({name, ...(latency ? latency[key] : unknown), peak: memory ? memory[key + "_peak_bytes"] : null});
  const time = (title, key) => figure(title, key, (value) => (value === null ? "–" : fixed(value, 2) + " ms"));
  find("cost_table").append(table([text("Model", "name"), time("Median", "median_ms"), time("10 % under", "p10_ms"),
    time("90 % under", "p90_ms"), figure("Peak memory", "peak", (value) => (value === null ? "–" : bytes(value)))],
    [cost("FP32", "fp32"), cost("Quantized", "quantized")]));
}

function showOrigin() {
  const {fp32, quantized, calibration, test, version, onnx_version, onnxruntime_version} = report;
  const row = (what, facts, print) => ({what, facts: facts.join(" · "), print});
  const model = (what, {path, bytes: size, nodes, opset, fingerprint}) =>
    row(what, [path, bytes(size), plural(nodes, "node"), `opset ${opset}`], fingerprint);
  const data = (what, {folder, images, skipped, fingerprint}) =>
    row(what, [folder, plural(images, "image"), ...skipped.map((file) => "skipped " + file)], fingerprint);
  find("command").textContent = report.command;
  find("origin_table").append(table([text("What", "what"), long("Facts", "facts"),
    {...long("Fingerprint", "print"), show: (value) => make("code", {}, value)}], [
    model("FP32 model", fp32), model("Quantized model", quantized), data("Calibration images", calibration), data("Test images", test),
    row("Machine", [report.machine], ""), row("Versions", [`quantize ${version}`, `ONNX ${onnx_version}`, `ONNX Runtime ${onnxruntime_version}`], "")]));
}

// ---- Charts ----
const charts = [], colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const filled = (name, paths) => ({fill: () => colour(name), stroke: () => colour(name), width: 0, points: {show: false}, paths});
const axis = (more) => ({stroke: () => colour("muted"), font: "12px system-ui, sans-serif", grid: {stroke: () => colour("line"), width: 1},
  ticks: {stroke: () => colour("line"), width: 1, size: 4}, ...more});

function chart(host, label, height, options, data) {
  for (const [name, value] of Object.entries({class: "chart", role: "img", "aria-label": label})) host.setAttribute(name, value);
  const drawn = new uPlot({width: host.clientWidth || 300, height, legend: {show: false}, ...options}, data, host);
  const fit = () => { if (host.clientWidth && host.clientWidth !== drawn.width) drawn.setSize({width: host.clientWidth, height}); };
  new ResizeObserver(fit).observe(host);
  charts.push(drawn);
}

// What the bar under the cursor is, beside the cursor on the side with more room.
function pointOut(tip, layers, {cursor, over, root}) {
  const layer = layers[cursor.idx], left = over.offsetLeft + cursor.left;
  tip.hidden = layer === undefined || cursor.left < 0;
  if (tip.hidden) return;
  tip.replaceChildren(`${cursor.idx + 1}. ${layer.node}`, make("br"), `${layer.op_type}, ${decibels(layer.sqnr_db)}`);
  const end = cursor.left > over.clientWidth / 2;
  Object.assign(tip.style, {left: end ? "auto" : `${left + 12}px`, right: end ? `${root.clientWidth - left + 12}px` : "auto"});
}

function showLayerChart() {
  const {layers} = report, host = find("layer_chart"), tip = make("div", {class: "tip", hidden: ""});
  if (!layers.length) return;
  // Drawn to scale, "no error at all" would flatten every other bar.
  const most = Math.max(1, ...layers.map((layer) => layer.sqnr_db).filter((value) => value !== null && value !== noError));
  const values = layers.map((layer) => (layer.sqnr_db === null ? null : Math.min(layer.sqnr_db, most)));
  const rank = (drawn, ticks) => ticks.map((tick) => (layers[tick] ? tick + 1 : ""));
  chart(host, `SQNR of ${plural(layers.length, "layer")}, from ${decibels(layers[0].sqnr_db)} to ${decibels(layers.at(-1).sqnr_db)}`, 230, {
    scales: {x: {time: false, range: [-0.6, layers.length - 0.4]}, y: {range: (drawn, low, high) => [Math.min(0, low), Math.max(1, high) * 1.05]}},
    axes: [axis({grid: {show: false}, size: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500], values: rank}),
      axis({values: (drawn, ticks) => ticks.map((tick) => tick + " dB"), size: 58})],
    series: [{}, filled("accent", uPlot.paths.bars({size: [0.75, 36]}))],
    cursor: {drag: {x: false, y: false}, y: false, points: {show: false}}, hooks: {setCursor: [(drawn) => pointOut(tip, layers, drawn)]},
  }, [layers.map((layer, index) => index), values]);
  host.append(tip);
}

function drawRange(drawn, {low, high, min, max}) {
  const {ctx, bbox} = drawn, at = (value) => drawn.valToPos(value, "x", true);
  const shade = (from, to) => { if (from !== null && to !== null && to > from) ctx.fillRect(at(from), bbox.top, at(to) - at(from), bbox.height); };
  const line = (value, name, width, dash) => {
    if (value === null) return;
    Object.assign(ctx, {strokeStyle: colour(name), lineWidth: width * devicePixelRatio});
    ctx.setLineDash(dash);
    ctx.stroke(new Path2D(`M${at(value)} ${bbox.top}v${bbox.height}`));
  };
  ctx.save();
  Object.assign(ctx, {fillStyle: colour("clipped"), globalAlpha: 0.22});
  shade(min, low);
  shade(high, max);
  ctx.globalAlpha = 1;
  for (const value of [min, max]) line(value, "muted", 1, [3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const value of [low, high]) line(value, "accent", 2, []);
  ctx.restore();
}

function showHistogram(tensor) {
  const {low, high, min, max, first_edge, bin_width} = tensor, counts = [...tensor.counts, 0], host = make("div");
  const range = `covers ${short(low)} to ${short(high)}, seen ${short(min)} to ${short(max)}`;
  find("histogram_grid").append(make("figure", {}, host, make("figcaption", {}, make("b", {}, tensor.tensor),
    `${tensor.type}, ${tensor.method}, ${decibels(tensor.sqnr_db)}`, make("br"), range)));
  const ends = [low, high, min, max].filter((value) => value !== null);
  const from = Math.min(0, ...ends), to = Math.max(0, ...ends), margin = (to - from) * 0.03 || 1;
  chart(host, `Histogram of ${tensor.tensor}: ${range}`, 130, {
    scales: {x: {time: false, range: [from - margin, to + margin]}, y: {range: (drawn, least, most) => [0, (most || 1) * 1.05]}},
    axes: [axis({grid: {show: false}, space: 50, size: 30}), {show: false}], padding: [6, 10, 0, 10], cursor: {show: false},
    series: [{}, filled("values", uPlot.paths.stepped({align: 1}))], hooks: {draw: [(drawn) => drawRange(drawn, tensor)]},
  }, [counts.map((count, index) => first_edge + index * bin_width), counts.map((count) => Math.log10(count + 1))]);
}

// ---- The viewer: one picture at full size, or FP32 against quantized under a slider ----
function openViewer(article, first) {
  const slider = find("viewer_slider"), tabs = [...find("viewer_tabs").children];
  const copy = (kind) => article.querySelector(`.pane[data-kind="${kind}"] img`).cloneNode();
  const show = (kind) => {
    const stack = make("div", {class: "stack"}, ...(kind === "slider" ? [copy("fp32"), copy("quantized"), make("i")] : [copy(kind)]));
    slider.hidden = kind !== "slider";
    slider.oninput = () => stack.style.setProperty("--at", slider.value + "%");
    slider.oninput();
    stack.onpointermove = (event) => { slider.value = (100 * event.offsetX) / stack.clientWidth; slider.oninput(); };
    for (const tab of tabs) tab.setAttribute("aria-pressed", tab.dataset.kind === kind);
    find("viewer_stage").replaceChildren(stack);
  };
  for (const tab of tabs) tab.onclick = () => show(tab.dataset.kind);
  find("viewer_name").textContent = article.querySelector("h3").firstChild.textContent.trim();
  show(first);
  find("viewer").showModal();
  tabs.find((tab) => tab.dataset.kind === first).focus();
}

function preparePictures() {
  find("viewer").addEventListener("click", (event) => { if (event.target === find("viewer")) find("viewer").close(); });
  for (const button of document.querySelectorAll(".picture button"))
    button.addEventListener("click", () => openViewer(button.closest(".picture"), button.dataset.kind));
}

// ---- What was drawn, for tests: tests/cli/test_report_page.py ----
// How many pixels of a small copy of a picture or canvas are not transparent.
function drawnPixels(source) {
  const [width, height] = [200, 100], context = make("canvas", {width, height}).getContext("2d");
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data.filter((value, index) => index % 4 === 3 && value !== 0).length;
}

function sayReady() {
  const images = [...document.querySelectorAll(".pane img")], testing = location.hash === "#selftest";
  const broken = images.filter((image) => !image.complete || !image.naturalWidth || (testing && !drawnPixels(image))).length;
  if (testing) document.body.dataset.canvases = [...document.querySelectorAll("canvas")].map(drawnPixels).join(" ");
  document.body.dataset.ready = `charts:${charts.length} pictures:${images.length} broken:${broken}`;
}

for (const show of [showHeader, showCosts, showAccuracy, showWarnings, showTables, showDecisions, showSizes, showOrigin, showLayerChart]) show();
report.histograms.forEach(showHistogram);
preparePictures();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((drawn) => drawn.redraw()));
addEventListener("load", () => setTimeout(sayReady));
})();
