// Tables that sort by a click or key on a column's head: a column says which field of a row it shows, and how.
"use strict";

const text = (title, key) => ({title, key, style: ""});
const long = (title, key) => ({title, key, style: "wide"});
const figure = (title, key, show) => ({title, key, show, style: "number"});

function compareValues(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "number" ? a - b : String(a).localeCompare(String(b), undefined, {numeric: true});
}

// Returns the table in its scrolling frame; its setRows() shows other rows and keeps the order chosen.
function table(label, columns, rows, totals = []) {
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
  const whole = make("table", {"aria-label": label}, make("thead", {}, make("tr", {}, ...heads)), body, make("tfoot", {}, ...totals.map(line)));
  return Object.assign(make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": label}, whole),
    {setRows: (others) => { rows = others; fill(); }});
}
