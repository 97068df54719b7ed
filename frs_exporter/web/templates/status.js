const EVERY = 15000, PATIENCE = 10000, AFTER_TYPING = 15000;
const bar = document.getElementById("bar");
let came = performance.now(), typed = -Infinity, asking = false, due = false, why = "", held = "";
const find = (selector, root = document) => root.querySelector(selector);
const alike = (e, root) => [...root.querySelectorAll(e.tagName)].filter(
  (o) => ["href", "name", "id"].every((a) => o.getAttribute(a) === e.getAttribute(a)));
const selects = () => !getSelection().isCollapsed;
const writes = () => performance.now() - typed < AFTER_TYPING;
const say = () => {
  const time = find("#asof time").textContent, age = Math.round((performance.now() - came) / 1000);
  find("#asof span").textContent = "(" + find("#asof").dataset.ago.replace("#", age) + ")";
  const text = why ? bar.dataset.old.replace("#time", time.slice(11)).replace("#why", why) : held;
  if (bar.textContent !== text) bar.textContent = text;
  bar.hidden = !text;
  bar.className = why ? "old" : "";
};
const replace = (page) => {
  const before = find("main"), after = find("main", page), focused = document.activeElement;
  const input = find("input[type=search]", before), inside = before.contains(focused) && focused !== before;
  const place = inside ? alike(focused, before).indexOf(focused) : -1, where = [scrollX, scrollY];
  const open = [...before.querySelectorAll("details")].map((d) => d.open);
  if (input) {
    const caret = [input.selectionStart, input.selectionEnd], text = input.value, field = find("input[type=search]", after);
    if (text !== input.defaultValue) field.value = text;
    before.replaceWith(after);
    if (focused === input) { field.focus({ preventScroll: true }); field.setSelectionRange(...caret); }
  } else before.replaceWith(after);
  const shown = after.querySelectorAll("details");
  if (shown.length === open.length) shown.forEach((d, n) => { d.open = open[n]; });
  if (inside && focused !== input) {
    const found = alike(focused, after);
    (found[place] ?? found[0])?.focus({ preventScroll: true });
  }
  scrollTo(...where);
};
const refresh = async () => {
  if (asking || document.hidden) { due ||= document.hidden; return; }
  if (selects() || writes()) { due = true; held = bar.dataset.paused; say(); return; }
  asking = true; due = false; held = "";
  const asked = performance.now();
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
    why = answer.ok || find("#asof").dataset.status === String(answer.status) ? "" : "HTTP " + answer.status;
    if (!why) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!find("#asof", page)) throw new TypeError();
      if (selects() || writes()) { due = true; held = bar.dataset.paused; } else { replace(page); came = asked; }
    }
  } catch (error) { why = error.name === "TimeoutError" ? bar.dataset.late : bar.dataset.none; }
  asking = false;
  say();
};
document.addEventListener("input", () => { typed = performance.now(); });
document.addEventListener("visibilitychange", () => { if (due) refresh(); });
setInterval(() => { if (due && !selects() && !writes()) refresh(); say(); }, 1000);
setInterval(refresh, EVERY);
say();
