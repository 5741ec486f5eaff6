"use strict";

const GAP = 12; // pixels

// The read-out of a chart follows the pointer and the arrow keys. What it says stands in the
// attributes of the chart's stripes; without this script they have titles.
for (const chart of document.querySelectorAll("[data-chart]")) {
  const plot = chart.querySelector("[data-plot]");
  const slots = [...plot.querySelectorAll(".slot")];
  const cursor = plot.querySelector("[data-cursor]");
  const line = cursor.querySelector("line");
  const dot = cursor.querySelector("circle");
  const readout = plot.querySelector("[data-readout]");
  let shown = -1;

  function show(index) {
    shown = Math.max(0, Math.min(slots.length - 1, index));
    const { x, y, name, value, before = "" } = slots[shown].dataset;
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", y ?? "0");
    dot.classList.toggle("absent", y === undefined);
    for (const [key, text] of Object.entries({ name, value, before })) {
      readout.querySelector(`[data-${key}]`).textContent = text;
    }
    cursor.removeAttribute("hidden");
    readout.hidden = false;
    // Beside the line, on the side where there is more room.
    const at = (parseFloat(x) / 100) * plot.clientWidth;
    const free = plot.clientWidth - readout.offsetWidth;
    const beside = at < plot.clientWidth / 2 ? at + GAP : at - readout.offsetWidth - GAP;
    readout.style.left = `${Math.max(0, Math.min(free, beside))}px`;
    plot.setAttribute("aria-valuenow", shown);
    plot.setAttribute("aria-valuetext", `${name}: ${value}${before && `; ${before}`}`);
  }

  function hide() {
    cursor.setAttribute("hidden", "");
    readout.hidden = true;
  }

  for (const [index, slot] of slots.entries()) {
    slot.querySelector("title").remove();
    slot.addEventListener("pointerenter", () => show(index));
  }
  plot.addEventListener("pointerleave", () => {
    if (document.activeElement !== plot) hide();
  });

  plot.tabIndex = 0;
  for (const [name, value] of Object.entries({
    role: "slider",
    "aria-label": "Read the chart, interval by interval",
    "aria-valuemin": 0,
    "aria-valuemax": slots.length - 1,
    "aria-valuenow": 0,
  })) {
    plot.setAttribute(name, value);
  }
  const latest = slots.findLastIndex((slot) => slot.dataset.y !== undefined);
  plot.addEventListener("focus", () => show(shown < 0 ? latest : shown));
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const target = {
      ArrowLeft: shown - 1,
      ArrowDown: shown - 1,
      ArrowRight: shown + 1,
      ArrowUp: shown + 1,
      Home: 0,
      End: slots.length - 1,
    }[event.key];
    if (event.key === "Escape") hide();
    if (target === undefined) return;
    event.preventDefault();
    show(target);
  });
}
