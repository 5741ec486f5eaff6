"use strict";

// Menus are <details>: they work without this, which closes them as menus close elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// On a phone the tabs of a site do not all fit: the one that is shown shall be seen.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const tabs = tab.parentElement;
  tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
}

// The colours change at once; without this script the form is sent, and the page comes anew.
for (const form of document.querySelectorAll("[data-theme-switch]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { value } = event.submitter;
    fetch(form.action, { method: "POST", body: new URLSearchParams({ theme: value }), redirect: "manual" });
    if (value) document.documentElement.dataset.theme = value;
    else delete document.documentElement.dataset.theme;
    document.querySelector("meta[name=color-scheme]").content = value || "light dark";
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", button === event.submitter);
    }
  });
}

// Somebody who never chose a time zone most likely lives in the one of their browser.
for (const select of document.querySelectorAll("select[data-detect-time-zone]")) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if ([...select.options].some((option) => option.value === timeZone)) select.value = timeZone;
}
