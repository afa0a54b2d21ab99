// Compares the reports that lie in the page as JSON, with the address of each run's own page where it has one.
"use strict";
(() => {
const {reports, pages} = JSON.parse(find("data").textContent);
const same = (value) => new Set(reports.map((report) => JSON.stringify(value(report)))).size <= 1;
const hues = ["accent", "clipped", "good", "look", "muted", "poor"], hueOf = (index) => hues[index % hues.length];
const dashOf = (index) => [[], [8, 4], [2, 3]][Math.floor(index / hues.length) % 3];

// One row a run; null where something was not measured.
const rows = reports.map((report, index) => {
  const {fp32, quantized, latency, memory, accuracy, verdict, warnings} = report, measured = accuracy.images.length > 0;
  const {miou_quantized: on_labels = null, miou_fp32: fp32_on_labels = null} = accuracy;
  return {number: index + 1, page: pages[index], name: fileName(quantized.path), scheme: report.scheme, verdict: verdict.level, headline: verdict.headline,
    size: quantized.bytes / Math.max(1, fp32.bytes), bytes: quantized.bytes, speed: latency ? latency.speedup : null,
    ms: latency ? fixed(latency.quantized.median_ms, digitsOfTimes(latency)) : null, psnr: measured ? accuracy.psnr_db : null, worst: measured ? accuracy.psnr_db_worst : null,
    sqnr: measured ? accuracy.sqnr_db : null, agreement: measured ? accuracy.agreement : null,
    miou_vs_fp32: measured ? accuracy.miou_vs_fp32 : null, on_labels, fp32_on_labels, peak: memory ? memory.quantized_peak_bytes : null,
    seconds: report.seconds, warnings: warnings.length};
});

function best(key, isBetter) {
  const values = rows.map((row) => row[key]).filter((value) => value !== null);
  return values.length > 1 && !same((report) => rows[reports.indexOf(report)][key]) ? values.reduce((a, b) => (isBetter(a, b) ? a : b)) : undefined;
}

// `show` gives one piece of text or several, between which a narrow column breaks the line.
function rated(title, key, show, isBetter) {
  const top = best(key, isBetter), pieces = (value, row) => (value === null ? ["–"] : [show(value, row)].flat());
  const spaced = (texts) => texts.flatMap((piece, index) => [index ? " " : "", make("span", {class: "piece"}, piece)]);
  return figure(title, key, (value, row) => make(value === top ? "b" : "span", {}, ...spaced(pieces(value, row))));
}

function showRuns() {
  const more = (a, b) => a > b, less = (a, b) => a < b, times = (words) => words.join(" ");
  const columns = [figure("#", "number"),
    {...long("Model", "name"), show: (name, {page}) => (page ? make("a", {href: page}, name) : name)},
    {...text("Verdict", "verdict"), show: (level, row) => make("span", {class: "badge " + level}, row.headline)}, text("Scheme", "scheme"),
    rated("Size", "size", (value, row) => [bytes(row.bytes), times(compareSizes(1, value))], less),
    rated("Speed", "speed", (value, row) => [`${row.ms} ms`, times(compareSpeeds(value))], more),
    rated("Pixels as FP32", "agreement", percent, more), rated("mIoU against FP32", "miou_vs_fp32", miou, more),
    rated("mIoU on labels", "on_labels", (value, row) => [miou(value), `FP32 ${miou(row.fp32_on_labels)}`], more),
    rated("PSNR", "psnr", decibels, more), rated("Worst picture", "worst", decibels, more), rated("SQNR", "sqnr", decibels, more),
    rated("Peak memory", "peak", bytes, less),
    figure("Made in", "seconds", (value) => fixed(value, 1) + " s"), figure("Warnings", "warnings")];
  const measured = columns.filter(({key}) => rows.some((row) => row[key] !== null));
  find("run_table").append(table("Runs", measured, rows));
  find("label_note").hidden = rows.every((row) => row.on_labels === null);
  find("made").textContent = [plural(reports.length, "run"), ...new Set(reports.map((report) => report.machine))].join(" · ");
}

// Figures of runs can only be compared where they were taken on the same thing.
function showNotes() {
  const note = (words) => find("notes").append(make("li", {}, words));
  if (!same((report) => report.fp32.fingerprint)) note("The runs start from different FP32 models: compare each with its own FP32 model only.");
  else if (!same((report) => report.test.fingerprint)) note("The runs were judged on different pictures: their accuracy cannot be compared.");
  if (!same((report) => report.machine)) note("The runs were made on different machines: their speed cannot be compared.");
  find("notes").hidden = !find("notes").children.length;
}

function showTradeoff() {
  const points = rows.filter((row) => row.psnr !== null && row.psnr !== noError).sort((a, b) => a.bytes - b.bytes), host = find("tradeoff_chart");
  find("tradeoff").hidden = points.length < 2;
  if (points.length < 2) return;
  const label = (drawn) => {
    const {ctx} = drawn;
    ctx.save();
    Object.assign(ctx, {fillStyle: colour("ink"), font: `${13 * devicePixelRatio}px system-ui, sans-serif`, textAlign: "left"});
    for (const {number, bytes: size, psnr} of points)
      ctx.fillText(String(number), drawn.valToPos(size, "x", true) + 8 * devicePixelRatio, drawn.valToPos(psnr, "y", true) - 6 * devicePixelRatio);
    ctx.restore();
  };
  const padded = (drawn, low, high) => { const margin = (high - low) * 0.12 || high * 0.1 || 1; return [low - margin, high + margin]; };
  chart(host, "PSNR against size: " + points.map((row) => `${row.name} ${bytes(row.bytes)} ${decibels(row.psnr)}`).join("; "), 260, {
    scales: {x: {time: false, range: padded}, y: {range: padded}},
    axes: [axis({values: (drawn, ticks) => ticks.map(bytes), space: 80}), decibelAxis("PSNR")],
    series: [{}, {stroke: () => colour("accent"), paths: () => null, points: {show: true, size: 9, fill: () => colour("accent")}}],
    cursor: {drag: {x: false, y: false}}, hooks: {draw: [label]},
  }, [points.map((row) => row.bytes), points.map((row) => row.psnr)]);
}

// Only the layers that every run of the same network has.
function showLayers() {
  const known = reports.map((report) => new Map(report.layers.map((layer) => [layer.node, layer])));
  const order = same((report) => report.fp32.fingerprint) ? reports[0].decisions.map((row) => row.node) : [];
  const nodes = [...new Set(order)].filter((node) => known.every((layers) => layers.has(node)));
  find("layers").hidden = nodes.length === 0 || reports.length < 2;
  if (find("layers").hidden) return;
  const valueOf = (layers, node) => { const {sqnr_db} = layers.get(node); return sqnr_db === noError ? null : sqnr_db; };
  const lines = reports.map((report, index) => ({stroke: () => colour(hueOf(index)), width: 2, dash: dashOf(index), points: {show: false}, spanGaps: true}));
  find("layer_legend").append(...rows.map((row, index) => make("li", {class: "key line", style: `--hue: var(--${hueOf(index)})`}, `${row.number} ${row.name}`)));
  chart(find("layer_chart"), `SQNR of ${plural(nodes.length, "layer")} in ${plural(reports.length, "run")}`, 280, {
    scales: {x: {time: false, range: [-0.6, nodes.length - 0.4]}},
    axes: [axis({grid: {show: false}, size: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500], values: (drawn, ticks) => ticks.map((tick) => (nodes[tick] ? tick + 1 : ""))}),
      decibelAxis("SQNR")],
    series: [{}, ...lines], cursor: {drag: {x: false, y: false}},
  }, [nodes.map((node, index) => index), ...known.map((layers) => nodes.map((node) => valueOf(layers, node)))]);
  const cells = nodes.map((node, index) => Object.fromEntries([["number", index + 1], ["node", node],
    ...known.map((layers, run) => ["run" + run, layers.get(node).sqnr_db])]));
  find("layer_table").append(table("Layers of every run", [figure("#", "number"), long("Node", "node"),
    ...rows.map((row, run) => figure(`${row.number} ${row.name}`, "run" + run, decibels))], cells));
}

function showSettings() {
  const settings = reports.map((report) => new Map([["scheme", report.scheme], ["target", report.target], ...report.config.map(({name, value}) => [name, value])]));
  const names = [...new Set(settings.flatMap((values) => [...values.keys()]))];
  const differing = names.filter((name) => new Set(settings.map((values) => values.get(name))).size > 1 && name !== "output");
  find("settings").hidden = differing.length === 0;
  const cells = differing.map((name) => Object.fromEntries([["name", name], ...settings.map((values, run) => ["run" + run, values.get(name) ?? "default"])]));
  find("setting_table").append(table("Settings", [text("Setting", "name"), ...rows.map((row, run) => text(`${row.number} ${row.name}`, "run" + run))], cells));
}

function showCommands() {
  find("command_list").append(...reports.map((report, index) => make("div", {}, make("h3", {}, `${index + 1} `, pages[index] ? make("a", {href: pages[index]}, rows[index].name) : rows[index].name), command(report.command))));
}

for (const show of [showRuns, showNotes, showTradeoff, showLayers, showSettings, showCommands, listContents]) show();
})();
