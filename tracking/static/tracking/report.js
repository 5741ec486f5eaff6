"use strict";

const dialog = document.getElementById("dialog");
const tip = document.getElementById("tip");

// Charts come with each part of the page that is swapped.
htmx.onLoad((root) => {
  for (const chart of root.querySelectorAll("[data-chart]")) prepareChart(chart);
  for (const button of root.querySelectorAll("[data-shortcuts]")) button.hidden = false;
});

// A part that was swapped alone has changed the address: links elsewhere do not know of it yet.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!detail.boosted) return;
  const target = new URL(detail.path, location);
  if (target.pathname !== location.pathname) return;
  const here = new URLSearchParams(location.search);
  for (const part of document.querySelectorAll("[data-part]")) {
    if (part.contains(detail.elt) && detail.target === part) continue;
    for (const name of part.dataset.part.split(" ")) {
      if (name === "interval" && !target.searchParams.has(name)) continue;
      if (here.get(name) === target.searchParams.get(name)) continue;
      if (here.has(name)) target.searchParams.set(name, here.get(name));
      else target.searchParams.delete(name);
    }
  }
  detail.path = target.pathname + target.search;
});

// Who goes by keys goes on near where they were, also where that has been swapped away.
let place = "";
function placeOf(element) {
  const menu = element.closest("details[data-menu]");
  if (menu) return menu.querySelector("summary").id;
  if (element.closest(".chips, dialog")) return "filter-add";
  return element.closest("section")?.querySelector("h2[id]")?.id ?? "";
}
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const focused = document.activeElement;
  if (detail.target !== dialog && (detail.target.contains(focused) || dialog.contains(focused))) {
    place = placeOf(focused);
  }
});
document.addEventListener("htmx:afterSettle", () => {
  if (document.activeElement === document.body && place) {
    const found = document.getElementById(place);
    if (found?.matches("h2")) found.tabIndex = -1;
    found?.focus({ preventScroll: true });
  }
  place = "";
});

// What could not be fetched anew stays, dimmed: the figures are old.
function setStale(isStale) {
  document.getElementById("report")?.classList.toggle("stale", isStale);
}
for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(name, () => setStale(true));
}

// Forms beside the report open in the dialog; without this script they are pages.
function openDialog(address) {
  htmx.ajax("GET", `${address}`, { target: dialog, swap: "innerHTML" });
}

document.addEventListener(
  "click",
  (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("a[data-dialog]");
    const close = event.target.closest("[data-close]");
    if (!link && !(close && dialog.contains(close))) return;
    event.preventDefault();
    event.stopPropagation();
    if (link) openDialog(link.href);
    else dialog.close();
  },
  true,
);

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target === dialog) {
    if (!dialog.open) dialog.showModal();
    (dialog.querySelector("[autofocus], [aria-invalid=true]") ??
      dialog.querySelector("select, input:not([type=hidden]), textarea"))?.focus();
  } else if (dialog.open) {
    dialog.close();
  }
  tip.hidden = true;
});

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});

// Another dimension has other values to choose from.
dialog.addEventListener("change", ({ target }) => {
  if (target.name !== "dimension") return;
  const form = target.form;
  const state = new URLSearchParams(new FormData(form));
  for (const name of ["picked", "typed", "apply"]) state.delete(name);
  openDialog(`${form.getAttribute("action")}?${state}`);
});

// Maps and heat maps say under the pointer what they show; both have it in a table as well.
document.addEventListener("pointerover", (event) => {
  const marked = event.target.closest?.("[data-tip]");
  tip.hidden = !marked;
  if (marked) tip.textContent = marked.dataset.tip;
});
document.addEventListener("pointermove", (event) => {
  if (tip.hidden) return;
  const left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
  tip.style.left = `${left}px`;
  tip.style.top = `${event.clientY + 16}px`;
});
document.addEventListener("click", (event) => {
  const place = event.target.closest("[data-href]");
  if (!place) return;
  // A link like any other, so that the back button knows of it.
  const link = document.createElement("a");
  link.href = place.dataset.href;
  document.getElementById("report").append(link);
  htmx.process(link);
  link.click();
});

// A visit unfolds in the log; without this script it is a page.
document.addEventListener("click", (event) => {
  const row = event.target.closest("a[data-visit]");
  if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const more = row.parentElement.querySelector(".visit-more");
  const isOpen = row.getAttribute("aria-expanded") === "true";
  row.setAttribute("aria-expanded", !isOpen);
  if (more) more.hidden = isOpen;
  else htmx.ajax("GET", row.href, { target: row.parentElement, swap: "beforeend", select: ".visit-more" });
});

// Keys for periods, as the menu shows them; "?" lists them.
function showShortcuts() {
  const template = document.getElementById("shortcuts");
  if (!template) return;
  dialog.replaceChildren(template.content.cloneNode(true));
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-shortcuts]")) showShortcuts();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (event.target.closest("input, select, textarea, [role=slider]")) return;
  if (event.key === "?") return showShortcuts();
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const link = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!link) return;
  event.preventDefault();
  link.click();
});
