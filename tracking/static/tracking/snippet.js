"use strict";

async function copy(block) {
  try {
    await navigator.clipboard.writeText(block.textContent);
  } catch {
    // No clipboard outside of HTTPS and localhost: by the selection then, as people do it.
    getSelection().selectAllChildren(block);
    return document.execCommand("copy");
  }
  return true;
}

for (const copyable of document.querySelectorAll("[data-copyable]")) {
  const button = copyable.querySelector("button");
  const label = button.textContent;
  const status = copyable.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const done = await copy(copyable.querySelector("code"));
    button.textContent = done ? copyable.dataset.copied : copyable.dataset.press;
    status.textContent = done ? copyable.dataset.copied : copyable.dataset.selected;
    setTimeout(() => {
      button.textContent = label;
      status.textContent = "";
    }, 3000);
  });
}
