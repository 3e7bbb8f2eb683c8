
"use strict";
const messages = [...document.querySelectorAll("details.message")];
const search = document.getElementById("search");
const found = document.getElementById("found");
const arrows = new Map([...document.querySelectorAll("svg a")].map((arrow) => [arrow.getAttribute("href").slice(1), arrow]));
let texts;

function filter() {
  // What was said, not our own words around it
  const said = (message) => [...message.querySelectorAll(":scope > summary, :scope > pre")].map((part) => part.textContent);
  texts ??= messages.map((message) => said(message).join("\n").toLowerCase());
  const wanted = search.value.trim().toLowerCase();
  let count = 0;
  messages.forEach((message, place) => {
    const isFound = !wanted || texts[place].includes(wanted);
    message.hidden = !isFound;
    arrows.get(message.id)?.classList.toggle("off", !isFound);
    count += isFound;
  });
  found.textContent = wanted ? `${count} of ${messages.length}` : "";
}

function show() {
  const message = document.getElementById(location.hash.slice(1));
  if (message?.matches("details.message")) {
    message.hidden = false;
    message.open = true;
    message.scrollIntoView();
  }
}

function step(by) {
  const shown = messages.filter((message) => !message.hidden);
  const place = shown.indexOf(document.activeElement.closest("details.message"));
  const next = shown[place < 0 ? 0 : Math.min(Math.max(place + by, 0), shown.length - 1)];
  next?.querySelector("summary").focus();
}

async function copy(button) {
  const text = button.parentElement.querySelector("pre");
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(text);
    button.textContent = "Selected: press Ctrl+C";
  }
}

let waiting;
search.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(filter, 100);
});
document.getElementById("open").addEventListener("click", () => {
  for (const message of messages) message.open = !message.hidden;
});
document.getElementById("close").addEventListener("click", () => {
  for (const message of messages) message.open = false;
});
document.addEventListener("click", (event) => {
  if (event.target.matches("button.copy")) copy(event.target);
  // A second click on the same link changes no address
  const link = event.target.closest("a");
  if (link?.getAttribute("href") === location.hash) show();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target === search) {
    if (event.key === "Escape") {
      search.value = "";
      filter();
      search.blur();
    }
    return;
  }
  const action = { "/": () => search.focus(), j: () => step(1), k: () => step(-1) }[event.key];
  if (action) {
    event.preventDefault();
    action();
  }
});
addEventListener("hashchange", show);
show();
