// The report's two kinds of chart: the loss of every layer, and the histogram of one tensor under the range that its encoding covers.
"use strict";

// What the bar under the cursor is, beside the cursor on the side with more room.
function pointOut(tip, layers, {cursor, over, root}) {
  const layer = layers[cursor.idx], left = over.offsetLeft + cursor.left;
  tip.hidden = layer === undefined || cursor.left < 0;
  if (tip.hidden) return;
  tip.replaceChildren(`${cursor.idx + 1}. ${layer.node}`, make("br"), `${layer.op_type}, ${decibels(layer.sqnr_db)}`);
  const end = cursor.left > over.clientWidth / 2;
  Object.assign(tip.style, {left: end ? "auto" : `${left + 12}px`, right: end ? `${root.clientWidth - left + 12}px` : "auto"});
}

// In the order of the network, the chart shows where the loss begins; worst first, how few layers make most of it.
function showLayerChart({layers, decisions}) {
  const host = find("layer_chart"), tip = make("div", {class: "tip", hidden: ""});
  if (!layers.length) return;
  const place = new Map(decisions.map((row, index) => [row.node, index]));
  const inOrder = [...layers].sort((a, b) => (place.get(a.node) ?? 0) - (place.get(b.node) ?? 0));
  let shown = layers;
  // Drawn to scale, "no error at all" would flatten every other bar.
  const most = Math.max(1, ...layers.map((layer) => layer.sqnr_db).filter((value) => value !== null && value !== noError));
  const data = () => [shown.map((layer, index) => index), shown.map(({sqnr_db}) => (sqnr_db === null ? null : Math.min(sqnr_db, most)))];
  const rank = (drawn, ticks) => ticks.map((tick) => (shown[tick] ? tick + 1 : ""));
  const drawn = chart(host, `SQNR of ${plural(layers.length, "layer")}, from ${decibels(layers[0].sqnr_db)} to ${decibels(layers.at(-1).sqnr_db)}`, 230, {
    scales: {x: {time: false, range: [-0.6, layers.length - 0.4]}, y: {range: (chart, low, high) => [Math.min(0, low), Math.max(1, high) * 1.05]}},
    axes: [axis({grid: {show: false}, size: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500], values: rank}), decibelAxis("SQNR")],
    series: [{}, filled("accent", uPlot.paths.bars({size: [0.75, 36]}))],
    cursor: {drag: {x: false, y: false}, y: false, points: {show: false}}, hooks: {setCursor: [(chart) => pointOut(tip, shown, chart)]},
  }, data());
  host.append(tip);
  find("layer_order").addEventListener("input", ({target}) => {
    shown = target.value === "network" ? inOrder : layers;
    drawn.setData(data());
  });
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

