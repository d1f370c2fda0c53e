// The page of "rainbow-probe serve". Everything that comes from outside is set as text, never as markup.
const by = (id) => document.getElementById(id);
const form = by("choose");
const words = document.querySelector("main").dataset;
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const rows = new Map();
let expected = 0;
let ended = 0;

function made(name, text, marks = {}) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  Object.assign(element.dataset, marks);
  return element;
}

function boxes(place, name, choices, told) {
  for (const [id, title] of Object.entries(choices)) {
    const label = made("label");
    const box = Object.assign(made("input"), { type: "checkbox", name, value: id });
    label.append(box, ` ${told(id, title)}`);
    place.append(label);
  }
}

async function post(path, content) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(content),
  });
  if (!answer.ok) by("state").textContent = await answer.text();
}

function running(goes) {
  by("start").disabled = goes;
  by("stop").disabled = !goes;
  by("progress").hidden = !goes;
}

function counted() {
  by("progress").max = Math.max(expected, 1);
  by("progress").value = ended;
  by("state").textContent = filled(words.ended, { ended, expected });
}

function row(id) {
  if (!rows.has(id)) {
    rows.set(id, made("li", id));
    by("checks").append(rows.get(id));
  }
  return rows.get(id);
}

const heard = {
  begun() {
    rows.clear();
    by("checks").replaceChildren();
    by("outcome").hidden = true;
    expected = ended = 0;
    running(true);
    counted();
  },
  expect(message) {
    expected += message.expect;
    counted();
  },
  started(message) {
    row(message.started);
  },
  finished(message) {
    const line = row(message.finished);
    line.dataset.outcome = message.outcome;
    line.dataset.word = message.word;
    line.title = message.reason;
    if (message.outcome !== "pass") line.append(made("span", message.reason));
    ended += 1;
    counted();
  },
  wrong(message) {
    running(false);
    by("state").textContent = message.wrong;
  },
  done(message) {
    running(false);
    shown(message.done);
  },
};

function shown(report) {
  by("verdict").textContent = report.word;
  by("verdict").dataset.verdict = report.verdict;
  by("summary").textContent = report.summary;
  by("lines").replaceChildren(
    ...report.clients.map((one) => made("li", `${one.title}: ${one.word}`, { verdict: one.verdict })),
  );
  by("findings").replaceChildren(...report.findings.map(finding));
  by("compared").textContent = report.compared;
  by("outcome").hidden = false;
}

function finding(one) {
  const article = made("article", undefined, { severity: one.severity, id: one.id });
  article.append(made("h3", one.title), made("p", one.fix), made("p", filled(words.act, { severity: one.weight, who: one.who })));
  return article;
}

form.addEventListener("change", () => {
  const demo = form.elements.what.value === "demo";
  document.querySelector(".of-demo").hidden = !demo;
  document.querySelector(".of-run").hidden = demo;
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = (name) => [...form.querySelectorAll(`input[name=${name}]:checked`)].map((box) => box.value);
  post("/run", {
    demo: form.elements.what.value === "demo",
    clients: chosen("clients"),
    faults: chosen("faults"),
    site: form.elements.site.value,
    proxy: form.elements.proxy.value,
  });
});
by("stop").addEventListener("click", () => post("/stop", {}));

const choices = await (await fetch("/choices")).json();
boxes(by("clients"), "clients", choices.clients, (id, title) => title);
boxes(by("faults"), "faults", choices.faults, (id, title) => `${id}: ${title}`);

const events = new EventSource("/events");
events.addEventListener("message", (event) => {
  const message = JSON.parse(event.data);
  for (const [word, hear] of Object.entries(heard)) if (word in message) hear(message);
});
events.addEventListener("error", () => {
  by("state").textContent = words.left;
});
