"use strict";
// Filter, search, expand, copy. Without it the page reads the same: nothing is hidden that this script would have to show.
(() => {
  const tools = document.querySelector(".tools");
  const form = tools.querySelector(".filter");
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const parts = all("[data-clients]").map((element) => ({ element, text: null }));
  const text = (part) => (part.text ??= part.element.textContent.toLowerCase());
  const output = form.querySelector("output");

  const apply = () => {
    const asked = new FormData(form);
    const verdicts = new Set(asked.getAll("verdict"));
    const client = asked.get("client") ?? "";
    const words = asked.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = (part) => {
      const { verdict, clients } = part.element.dataset;
      return (!verdict || !verdicts.size || verdicts.has(verdict))
        && (!client || clients.split(" ").includes(client))
        && words.every((word) => text(part).includes(word));
    };
    for (const part of parts) part.element.hidden = !wanted(part);
    for (const table of all("#rows .table")) table.hidden = !table.querySelector(".row:not([hidden])");
    const shown = (what) => all(`${what}:not([hidden])`).length;
    const filtered = verdicts.size || client || words.length;
    output.textContent = filtered
      ? tools.dataset.shown.replace("{rows}", shown(".row")).replace("{checks}", shown(".check")) : "";
  };

  const open = (value) => { for (const one of all("main details")) one.open = value; };

  const arrive = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[hidden]")) { form.reset(); apply(); }
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };

  const copy = async (button) => {
    const source = button.parentElement.querySelector("pre");
    let told = tools.dataset.copied;
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      getSelection().selectAllChildren(source);
      if (!document.execCommand("copy")) told = tools.dataset.failed;
    }
    const before = button.dataset.word ??= button.textContent;
    button.textContent = told;
    setTimeout(() => { button.textContent = before; }, 2000);
  };

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  form.elements.expand.addEventListener("click", () => open(true));
  form.elements.collapse.addEventListener("click", () => open(false));
  for (const button of all(".copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  addEventListener("hashchange", arrive);
  if (location.hash) arrive();
})();
