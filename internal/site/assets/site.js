"use strict";
// The search: it looks for all words of the query in titles and texts of window.siteIndex.
(() => {
  const script = document.currentScript;
  const root = script.dataset.root.replace(/x$/, "");
  const input = document.getElementById("query");
  const list = document.getElementById("results");
  const found = document.getElementById("found");
  const most = 12;
  let chosen = -1;

  for (const e of window.siteIndex) {
    e.title = e.t.toLowerCase();
    e.text = e.x.toLowerCase();
  }

  function score(e, words) {
    let sum = 0;
    for (const w of words) {
      const at = e.title.indexOf(w);
      if (e.title === w || e.title.endsWith("." + w)) sum += 40;
      else if (at === 0 || (at > 0 && !/\w/.test(e.title[at - 1]))) sum += 20;
      else if (at > 0) sum += 10;
      else if (e.text.includes(w)) sum += 2;
      else if (e.p.toLowerCase().includes(w)) sum += 1;
      else return 0;
    }
    return sum + 1 / e.title.length;
  }

  // excerpt returns the text around the first word that is in it.
  function excerpt(e, words) {
    const at = Math.max(0, Math.min(...words.map((w) => e.text.indexOf(w)).filter((i) => i >= 0), e.x.length) - 40);
    const from = at === 0 || at >= e.x.length ? 0 : e.x.indexOf(" ", at) + 1;
    return (from > 0 ? "... " : "") + e.x.slice(from, from + 120);
  }

  function show(results, words) {
    list.replaceChildren();
    chosen = -1;
    results.forEach((e, i) => {
      const link = document.createElement("a");
      link.id = "result-" + i;
      link.setAttribute("role", "option");
      link.href = root + e.u;
      link.tabIndex = -1;
      const title = document.createElement("strong");
      title.textContent = e.t;
      const page = document.createElement("span");
      page.textContent = e.p === e.t ? "" : " in " + e.p;
      const text = document.createElement("small");
      text.textContent = excerpt(e, words);
      link.append(title, page, text);
      list.append(link);
    });
    const open = words.length > 0;
    list.hidden = !open || results.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
    found.textContent = open ? results.length + " results" : "";
    found.classList.toggle("hidden", !open || results.length > 0);
  }

  function search() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const results = words.length === 0 ? [] : window.siteIndex
      .map((e) => [score(e, words), e])
      .filter(([n]) => n > 0)
      .sort((a, b) => b[0] - a[0])
      .slice(0, most)
      .map(([, e]) => e);
    show(results, words);
  }

  function choose(step) {
    const items = list.children;
    if (items.length === 0) return;
    if (chosen >= 0) items[chosen].removeAttribute("aria-selected");
    chosen = (chosen + step + items.length) % items.length;
    items[chosen].setAttribute("aria-selected", "true");
    items[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", items[chosen].id);
  }

  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(1);
    else if (event.key === "ArrowUp") choose(chosen < 0 ? 0 : -1);
    else if (event.key === "Escape") { input.value = ""; search(); }
    else return;
    event.preventDefault();
  });
  input.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const item = list.children[Math.max(0, chosen)];
    if (item) location.href = item.href;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(input|textarea|select)$/i.test(document.activeElement.tagName)) return;
    event.preventDefault();
    input.focus();
  });
  document.addEventListener("click", (event) => {
    if (!input.form.contains(event.target)) show([], []);
  });
  list.addEventListener("click", () => { input.value = ""; show([], []); });

  // What scrolls sideways can be scrolled by keyboard.
  function reach() {
    for (const e of document.querySelectorAll("main pre, main table")) e.tabIndex = e.scrollWidth > e.clientWidth ? 0 : -1;
  }
  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true);
  reach();

  // On a phone the list of pages begins closed.
  if (matchMedia("(max-width: 50rem)").matches) document.querySelector(".pages").open = false;
})();
