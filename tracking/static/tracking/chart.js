"use strict";

const GAP = 12; // pixels

// The read-out of a chart follows the pointer and the arrow keys. What it says stands in the
// chart's table, which is there without this script too.
function prepareChart(chart) {
  const plot = chart.querySelector("[data-plot]");
  const rows = [...chart.querySelectorAll("[data-intervals] > tr")];
  const cursor = plot.querySelector("[data-cursor]");
  const line = cursor.querySelector("line");
  const dot = cursor.querySelector("circle");
  const readout = plot.querySelector("[data-readout]");
  const last = rows.length - 1;
  let shown = -1;

  function show(index) {
    shown = Math.max(0, Math.min(last, index));
    const row = rows[shown];
    const { y, before } = row.dataset;
    const [name, value, valueBefore] = [...row.cells].map((cell) => cell.firstChild.textContent);
    const note = [...row.querySelectorAll(".chart-note")].map((one) => one.textContent).join(" · ");
    const x = `${(100 * shown) / Math.max(1, last)}%`;
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", `${y ?? 0}%`);
    dot.classList.toggle("absent", y === undefined);
    const texts = { name, value, before: before ? `${valueBefore} · ${before}` : "", note };
    for (const [key, text] of Object.entries(texts)) {
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
    plot.setAttribute("aria-valuetext", Object.values(texts).filter(Boolean).join("; "));
  }

  function hide() {
    cursor.setAttribute("hidden", "");
    readout.hidden = true;
  }

  plot.addEventListener("pointermove", (event) => {
    const { left, width } = plot.getBoundingClientRect();
    show(Math.round(((event.clientX - left) / width) * last));
  });
  plot.addEventListener("pointerleave", () => {
    if (document.activeElement !== plot) hide();
  });

  plot.tabIndex = 0;
  for (const [name, value] of Object.entries({
    role: "slider",
    "aria-label": plot.dataset.label,
    "aria-valuemin": 0,
    "aria-valuemax": last,
    "aria-valuenow": 0,
  })) {
    plot.setAttribute(name, value);
  }
  const latest = rows.findLastIndex((row) => row.dataset.y !== undefined);
  plot.addEventListener("focus", () => show(shown < 0 ? latest : shown));
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const target = {
      ArrowLeft: shown - 1,
      ArrowDown: shown - 1,
      ArrowRight: shown + 1,
      ArrowUp: shown + 1,
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === "Escape") hide();
    if (event.key === "Enter") note();
    if (target === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    show(target);
  });
  plot.addEventListener("dblclick", note);

  // A note for the day that is read.
  function note() {
    const link = chart.querySelector("[data-note-add]");
    const address = new URL(link.href);
    if (rows[shown]?.dataset.day) address.searchParams.set("day", rows[shown].dataset.day);
    openDialog(address);
  }
}
