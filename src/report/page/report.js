// Shows the report that lies in the page as JSON.
"use strict";
(() => {
const report = JSON.parse(find("data").textContent);

// ---- The summary ----
function tile(label, [value, unit], ...details) {
  find("tiles").append(make("dl", {class: "tile"}, make("dt", {}, label),
    make("dd", {class: "value"}, value, make("small", {}, " " + unit)), make("dd", {class: "detail"}, details.join(" · "))));
}

function showCosts() {
  const {fp32, quantized, latency, memory, decisions, scheme} = report, change = (from, to) => `${from} → ${to}`;
  tile("Size", compareSizes(fp32.bytes, quantized.bytes), change(bytes(fp32.bytes), bytes(quantized.bytes)));
  if (!latency) {
    tile("Speed", ["–", ""], "not measured");
  } else {
    const npu = latency.speedup < 1 && scheme.endsWith("a16") ? [scheme.toUpperCase() + " is made for NPUs: a CPU computes it in float"] : [];
    const [before, after] = [latency.fp32.median_ms, latency.quantized.median_ms], digits = digitsOfTimes(latency);
    tile("Speed", compareSpeeds(latency.speedup), ...(ratiosDisagree(latency) ? ["median of the ratios in turn"] : []),
      change(fixed(before, digits), fixed(after, digits) + " ms"), plural(latency.runs, "run"), plural(latency.threads, "thread"), ...npu);
  }
  if (memory) {
    const {fp32_peak_bytes: before, quantized_peak_bytes: after} = memory;
    tile("Peak memory", compare(before / after, 0.02, "less", "more", "the same"), change(bytes(before), bytes(after)));
  }
  const kept = decisions.filter((row) => !row.quantized).length;
  if (decisions.length) tile("Quantized", [String(decisions.length - kept), `of ${plural(decisions.length, "node")}`], `${kept} in float`);
}

function showErrors({psnr_db: psnr, psnr_db_worst: worst, worst_image: name, sqnr_db: sqnr, only_classes: classes}) {
  const details = classes ? ["of the classes' numbers, which says little"] : [`worst ${decibels(worst)}`, name];
  tile("PSNR against FP32", psnr === noError ? ["no error", ""] : [fixed(psnr, 2), "dB"], ...details, `SQNR ${decibels(sqnr)}`);
}

// Where the outputs are classes, their agreement comes first.
function showAccuracy() {
  const {accuracy} = report, {miou_fp32: before, miou_quantized: after, only_classes: classes, flipped_margin: flipped} = accuracy;
  if (!accuracy.images.length) return;
  if (!classes) showErrors(accuracy);
  const byMargin = classes ? [`worst ${accuracy.worst_image}`] : [`${percent(flipped === null ? null : 1 - flipped)} by FP32's margin`];
  tile("Pixels as FP32", [percent(accuracy.agreement), ""], "the same class", ...byMargin, plural(accuracy.images.length - accuracy.left_out, "image"));
  tile("mIoU against FP32", [miou(accuracy.miou_vs_fp32), ""], "mean over the classes FP32 finds");
  if (before !== undefined && after !== undefined) {
    const change = before === null || after === null ? null : after - before;
    tile("mIoU against labels", [miou(after), ""], `FP32 ${miou(before)}`, changeOfMiou(change));
    find("label_note").hidden = false;
  }
  if (classes) showErrors(accuracy);
}

function showWarnings() {
  const {warnings} = report, items = warnings.map((warning) => make("li", {}, warning));
  const box = make("details", {class: "warnings"}, make("summary", {}, plural(warnings.length, "warning")), make("ul", {}, ...items));
  box.open = warnings.length <= 5;
  find("warnings").append(warnings.length ? box : make("span", {class: "muted"}, "No warnings."));
}

function showHeader() {
  const {scheme, target, calibration, test, decisions, seconds, version} = report;
  find("title").textContent = fileName(report.quantized.path);
  const time = `${fixed(seconds, 1)} s`, evaluated = decisions.length === 0;  // two models compared, neither of them made here
  find("made").textContent = [...(evaluated ? [scheme.toUpperCase(), `evaluated on ${plural(test.images, "picture")} in ${time}`]
    : [`${scheme.toUpperCase()} for ${target}`, plural(calibration.images, "calibration image"), `made in ${time}`]), `quantize ${version}`].join(" · ");
  const lists = {...report, images: report.accuracy.images};
  const empty = (id) => (["mixed", "kernels"].includes(id) ? !report[id] : lists[id]?.length === 0);
  for (const section of document.querySelectorAll("section[id]")) section.hidden = empty(section.id);
  listContents();
}

function showAdvice() {
  find("advice_list").append(...report.advice.map(({reason, command: words}) => make("li", {}, make("p", {}, reason), command(words))));
}

// ---- Tables ----
function showTables() {
  const {layers, accuracy, config} = report, sqnr = figure("SQNR", "sqnr_db", decibels);
  find("layer_summary").textContent = `All ${plural(layers.length, "layer")}`;
  find("layer_table").append(table("Layers", [long("Node", "node"), text("Operator", "op_type"), long("Tensor", "tensor"), sqnr], layers));
  find("worst_layers").append(...layers.slice(0, 5).map((layer) => make("li", {},
    make("b", {}, decibels(layer.sqnr_db)), layer.node, make("span", {class: "muted"}, " " + layer.op_type))));
  find("image_table").append(table("Test images", [long("Image", "name"), figure("PSNR", "psnr_db", decibels), sqnr,
    figure("Pixels as FP32", "agreement", percent)], accuracy.images));
  find("config_table").append(table("Settings", [text("Setting", "name"), long("Value", "value")], config));
}

// Steps that were judged say what they gained, in decibels on calibration samples.
function showSteps() {
  const steps = report.steps.map((step) => ({sqnr_before_db: null, sqnr_after_db: null, ...step}))
    .map((step) => ({...step, gain: step.sqnr_before_db === null || step.sqnr_after_db === null ? null : step.sqnr_after_db - step.sqnr_before_db}));
  const gained = (gain, {sqnr_before_db: before, sqnr_after_db: after}) => (gain === null ? "" : make("span", {},
    make("b", {class: gain > 0 ? "good" : ""}, `${gain > 0 ? "+" : ""}${fixed(gain, 2)} dB`),
    make("small", {class: "muted"}, ` ${fixed(before, 2)} → ${fixed(after, 2)}`)));
  const gains = steps.some((step) => step.gain !== null) ? [figure("Gain in SQNR", "gain", gained)] : [];
  find("step_table").append(table("Steps", [text("Step", "name"), ...gains, long("Outcome", "outcome"),
    figure("Seconds", "seconds", (value) => fixed(value, 2))], steps));
}

// What was to be reached, at which cost, and which weights and activations were given more bits for it.
function showMixed() {
  const {mixed} = report;
  if (!mixed) return;
  find("mixed_outcome").textContent = `The target is ${mixed.reached ? "" : "not "}reached on ${plural(mixed.images, "picture")} held out of calibration; `
    + `${mixed.raised.length} of ${mixed.units} weights and activations were given more bits, ${plural(mixed.tried, "assignment")} tried.`;
  const limit = (kind) => (goal) => ({wanted: null, ...goal, kind, limit: goal.wanted === undefined ? "" : `${kind} ${goal.wanted}`});
  const shown = (value, {kind}) => towards(value, kind === "at least", value >= 2 ? 2 : 4);
  const goals = [...mixed.reach.map(limit("at least")), ...mixed.cost.map(limit("at most"))];
  find("goal_table").append(table("Targets and estimated costs", [text("Figure", "figure"), text("Wanted", "limit"), figure("With the scheme's bits", "before", shown),
    figure("As made", "after", shown)], goals));
  if (mixed.raised.length) find("raised_table").append(table("More bits", [text("What", "kind"), long("Name", "name"), text("Operator", "op_type"), text("From", "from"),
    text("To", "to"), figure("Noise alone", "noise", (noise) => (noise > 0 ? decibels(10 * Math.log10(noise)) : "none")), figure("Cost", "cost", short)], mixed.raised));
}

// Why nodes stay float, the commonest reason first: one line for the many that share it.
function showFloatReasons() {
  const groups = new Map();
  for (const {op_type, reason} of report.decisions.filter((row) => !row.quantized)) {
    const key = reason || "no reason given", types = groups.get(key) ?? new Map();
    groups.set(key, types.set(op_type, (types.get(op_type) ?? 0) + 1));
  }
  const size = (types) => [...types.values()].reduce((a, b) => a + b, 0);
  find("float_reasons").append(...[...groups].sort((a, b) => size(b[1]) - size(a[1])).map(([reason, types]) => make("li", {},
    make("b", {}, String(size(types))), `${reason}: `, make("span", {class: "muted"},
      [...types].sort((a, b) => b[1] - a[1]).map(([type, count]) => (count > 1 ? `${count} × ${type}` : type)).join(", ")))));
}

function showDecisions() {
  const all = report.decisions.map((row) => ({...row, kept: row.quantized ? "quantized" : "float"}));
  const shown = table("Nodes", [long("Node", "node"), text("Operator", "op_type"), text("Kept as", "kept"), text("Weights", "weights"),
    text("Activations", "activations"), long("Why", "reason")], all);
  const input = make("input", {type: "search", placeholder: "Filter by any text", "aria-label": "Filter nodes"});
  const kind = make("select", {"aria-label": "Which nodes"}, ...["all", "quantized", "float"].map((name) => make("option", {}, name)));
  const counted = make("span", {class: "muted", role: "status"}), update = () => {
    const wanted = input.value.toLowerCase(), matches = (row) => Object.values(row).join("\n").toLowerCase().includes(wanted);
    const chosen = all.filter((row) => matches(row) && (kind.value === "all" || row.kept === kind.value));
    counted.textContent = `${chosen.length} of ${plural(all.length, "node")}`;
    shown.setRows(chosen);
  };
  for (const control of [input, kind]) control.addEventListener("input", update);
  update();
  find("decision_table").append(make("div", {class: "tools"}, input, kind, counted), shown);
}

// The operators that did not become integer kernels, and what was timed to decide whether they should.
function showKernels() {
  const {kernels, placement = []} = report;
  if (!kernels) return;
  find("kernel_counts").textContent = `In the graph that ONNX Runtime makes of the quantized model for a CPU: ${plural(kernels.integer, "integer kernel")}, `
    + `${plural(kernels.float, "float one")}, ${plural(kernels.conversions, "conversion")} between them.`;
  if (kernels.floats.length) find("kernel_table").append(table("Float kernels", [long("Node", "node"), text("Operator", "op_type"), long("Why", "reason")], kernels.floats));
  const time = (title, key) => figure(title, key, (value) => fixed(value, 2) + " ms");
  if (placement.length) find("placement_table").append(table("Placement by measurement", [long("Tried", "what"), figure("Nodes", "nodes"),
    time("Before", "before_ms"), time("After", "after_ms"), {...text("Kept", "kept"), show: (kept) => (kept ? "yes" : "no")}], placement));
}

function showSizes() {
  const {sizes, latency, memory} = report, sum = (key) => sizes.reduce((total, size) => total + size[key], 0);
  const total = {kind: "all", tensors: sum("tensors"), fp32_bytes: sum("fp32_bytes"), quantized_bytes: sum("quantized_bytes")};
  const largest = Math.max(1, ...sizes.flatMap((size) => [size.fp32_bytes, size.quantized_bytes]));
  const bar = (name, count) => make("div", {class: "bar " + name, style: `width: ${(100 * count) / largest}%`});
  const bars = (count, row) => (row === total ? "" : make("div", {}, bar("fp32", row.fp32_bytes), bar("quantized", count)));
  find("size_table").append(table("Sizes", [text("Kind", "kind"), figure("Tensors", "tensors"), figure("FP32", "fp32_bytes", bytes),
    figure("Quantized", "quantized_bytes", bytes), {...long("Gray FP32, blue quantized", "quantized_bytes"), show: bars}], sizes, [total]));
  if (!latency && !memory) return;
  const unknown = {median_ms: null, p10_ms: null, p90_ms: null};
  const cost = (name, key) => ({name, ...(latency ? latency[key] : unknown), peak: memory ? memory[key + "_peak_bytes"] : null});
  const time = (title, key) => figure(title, key, (value) => (value === null ? "–" : fixed(value, digitsOfTimes(latency)) + " ms"));
  find("cost_table").append(table("Speed and memory", [text("Model", "name"), time("Median", "median_ms"), time("10 % under", "p10_ms"),
    time("90 % under", "p90_ms"), figure("Peak memory", "peak", (value) => (value === null ? "–" : bytes(value)))],
    [cost("FP32", "fp32"), cost("Quantized", "quantized")]));
}

function showOrigin() {
  const {fp32, quantized, calibration, test, version, onnx_version, onnxruntime_version} = report;
  const row = (what, facts, print) => ({what, facts: facts.join(" · "), print});
  const model = (what, {path, bytes: size, nodes, opset, fingerprint}) =>
    row(what, [path, bytes(size), plural(nodes, "node"), `opset ${opset}`], fingerprint);
  const port = (what, {name, type, shape, meaning, scale, zero_point: zero}) => row(what, [name, type, shape, ...(meaning ? [meaning] : []),
    ...(scale === undefined ? [] : [`scale ${scale}, zero point ${zero}`])], "");
  const data = (what, {folder, images, skipped, fingerprint}) =>
    row(what, [folder, plural(images, "image"), ...skipped.map((file) => "skipped " + file)], fingerprint);
  find("command").append(command(report.command));
  find("origin_table").append(table("Origin", [text("What", "what"), long("Facts", "facts"),
    {...long("Fingerprint", "print"), show: (value) => make("code", {}, value)}], [
    model("FP32 model", fp32), model("Quantized model", quantized),
    ...report.inputs.map((one) => port("Input", one)), ...report.outputs.map((one) => port("Output", one)), data("Calibration images", calibration), data("Test images", test),
    row("Machine", [report.machine], ""), row("Versions", [`quantize ${version}`, `ONNX ${onnx_version}`, `ONNX Runtime ${onnxruntime_version}`], "")]));
}

for (const show of [showHeader, showAdvice, showCosts, showAccuracy, showWarnings, showTables, showSteps, showMixed, showFloatReasons, showDecisions, showKernels, showSizes,
  showOrigin, preparePictures]) show();
showLayerChart(report);
report.histograms.forEach(showHistogram);
})();
