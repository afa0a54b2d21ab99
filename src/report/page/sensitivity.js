// Shows the sensitivity table that lies in the page as JSON.
"use strict";
(() => {
const report = JSON.parse(find("data").textContent), {rows} = report;

// One bar a row; weights and activations in colours of their own.
function showChart() {
  const host = find("unit_chart"), tip = make("div", {class: "tip", hidden: ""});
  if (!rows.length) return;
  const shown = rows.map(({sqnr_db}) => (sqnr_db === noError ? null : sqnr_db));
  const least = rows.reduce((a, b) => ((b.sqnr_db ?? noError) < (a.sqnr_db ?? noError) ? b : a));
  const of = (kind) => rows.map((row, index) => (row.kind === kind ? shown[index] : null)), bars = uPlot.paths.bars({size: [0.75, 36]});
  const pointOut = ({cursor, over, root}) => {
    const row = rows[cursor.idx], left = over.offsetLeft + cursor.left, end = cursor.left > over.clientWidth / 2;
    tip.hidden = row === undefined || cursor.left < 0;
    if (tip.hidden) return;
    tip.replaceChildren(`${cursor.idx + 1}. ${row.name}`, make("br"), `${row.bits}-bit ${row.kind}, ${row.op_type}, ${decibels(row.sqnr_db)}`);
    Object.assign(tip.style, {left: end ? "auto" : `${left + 12}px`, right: end ? `${root.clientWidth - left + 12}px` : "auto"});
  };
  chart(host, `SQNR of the output for each of ${plural(rows.length, "row")}; the lowest ${decibels(least.sqnr_db)} for ${least.name}`, 280, {
    scales: {x: {time: false, range: [-0.6, rows.length - 0.4]}, y: {range: (drawn, low, high) => [Math.min(0, low), Math.max(1, high) * 1.05]}},
    axes: [axis({grid: {show: false}, size: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500], values: (drawn, ticks) => ticks.map((tick) => (rows[tick] ? tick + 1 : ""))}),
      decibelAxis("SQNR")],
    series: [{}, filled("accent", bars), filled("clipped", bars)],
    cursor: {drag: {x: false, y: false}, y: false, points: {show: false}}, hooks: {setCursor: [pointOut]},
  }, [rows.map((row, index) => index), of("activations"), of("weights")]);
  host.append(tip);
}

function showTable() {
  const sorted = rows.map((row, index) => ({...row, number: index + 1})).sort((a, b) => (b.noise ?? 0) - (a.noise ?? 0));
  find("unit_table").append(table("Sensitivity", [figure("#", "number"), text("What", "kind"), figure("Bits", "bits"), text("Operator", "op_type"),
    long("Name", "name"), figure("SQNR", "sqnr_db", decibels), figure("PSNR", "psnr_db", decibels), figure("Worst picture", "psnr_db_worst", decibels),
    figure("Pixels as FP32", "agreement", percent)], sorted));
}

find("made").textContent = [report.scheme, report.target, plural(report.samples, "sample"), "quantize " + report.program].join(" · ");
find("command_line").append(command(report.command));
for (const show of [showChart, showTable]) show();
})();
