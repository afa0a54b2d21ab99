// FP32 against quantized under a slider, on the worst picture at once and for every other one in the viewer, which shows it at full size.
"use strict";

const paneOf = (article, kind) => article.querySelector(`.pane[data-kind="${kind}"] img`).cloneNode();

// Left of the line the classes of FP32, right of it those of the quantized model; the pointer or the slider's keys move the line.
function wipe(article, slider) {
  const stack = make("div", {class: "stack"}, paneOf(article, "fp32"), paneOf(article, "quantized"), make("i"),
    make("span", {class: "left", "aria-hidden": "true"}, "FP32"), make("span", {class: "right", "aria-hidden": "true"}, "Quantized"));
  const move = () => stack.style.setProperty("--at", slider.value + "%");
  const follow = (event) => {
    if (event.pointerType !== "mouse" && event.type === "pointermove" && !event.buttons) return;
    const {left, width} = stack.getBoundingClientRect();
    slider.value = (100 * (event.clientX - left)) / width;
    move();
  };
  slider.oninput = move;
  stack.onpointermove = stack.onpointerdown = follow;
  move();
  return stack;
}

const newSlider = () => make("input", {type: "range", min: "0", max: "100", value: "50", "aria-label": "Left of the line FP32, right of it quantized"});

function openViewer(article, first) {
  const slider = find("viewer_slider"), tabs = [...find("viewer_tabs").children];
  const show = (kind) => {
    const stack = kind === "slider" ? wipe(article, slider) : make("div", {class: "stack"}, paneOf(article, kind));
    slider.hidden = kind !== "slider";
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
  const worst = document.querySelector(".picture");
  if (worst) {
    const slider = newSlider();
    worst.querySelector("h3").after(make("div", {class: "inline"}, wipe(worst, slider), slider));
    worst.querySelector(".compare").remove();
    worst.classList.add("first");
  }
  find("viewer").addEventListener("click", (event) => { if (event.target === find("viewer")) find("viewer").close(); });
  for (const button of document.querySelectorAll(".picture button"))
    button.addEventListener("click", () => openViewer(button.closest(".picture"), button.dataset.kind));
}
