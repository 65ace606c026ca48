// Wires the page: feed into book, book onto table, charts and drawer.
import { Book, idOf } from "./book.js";
import { drawCategories, drawMinutes, drawStrip } from "./charts.js";
import { knowPhrases } from "./chips.js";
import { Drawer } from "./drawer.js";
import { byId, element } from "./elements.js";
import { Feed, before, get, newest, summary } from "./feed.js";
import { clock, short } from "./figures.js";
import { PairingDialog } from "./pairing.js";
import { drawPolicy, knowPolicy } from "./policy.js";
import { Table } from "./table.js";
import { CATEGORIES, KINDS, SEVERITIES, chooseLanguage, firstLanguage, language, word } from "./words.js";

const THEMES = ["auto", "light", "dark"];
const book = new Book();
const drawer = new Drawer(book);
const pairing = new PairingDialog({ joined: () => get("/api/handsets").then(knowHandsets) });
const table = new Table(book, { open: (verdict, row) => drawer.open(verdict, row) });
let counts = null;
let alarms = [];
let state = "opening";
let lastHeard = Date.now() / 1000;
let drawing = false;
let counting = null;

const feed = new Feed({
  started: async () => {
    const [first, known, phones] = await Promise.all([newest(), get("/api/phrases"), get("/api/handsets"), count()]);
    knowPhrases(known);
    knowHandsets(phones);
    first.verdicts.forEach((verdict) => book.add(verdict));
    byId("older").hidden = first.verdicts.length < 200;
    feed.last = first.last;
    drawSoon();
  },
  verdict: (verdict) => {
    if (book.add(verdict)) table.fresh.add(idOf(verdict));
    if (!(verdict.handset in table.names)) get("/api/handsets").then(knowHandsets);
    countSoon();
    drawSoon();
  },
  state: (now) => {
    if (now === "live") lastHeard = Date.now() / 1000;
    if (now === "live" && state !== "live") countSoon();
    if (now !== state) {
      state = now;
      drawConnection();
    }
  },
});

function knowHandsets(answer) {
  table.names = Object.fromEntries(answer.handsets.map((handset) => [handset.id, handset.name]));
  drawer.names = table.names;
  alarms = answer.alarms;
  drawSoon();
}

async function count() {
  counts = await summary();
  knowPolicy(await get("/api/policy"));
  if (counts.alarms !== alarms.length) get("/api/handsets").then(knowHandsets);
  drawSoon();
}

function countSoon() {
  counting ??= setTimeout(() => {
    counting = null;
    count().catch(() => undefined);
  }, 300);
}

function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  const shown = table.draw();
  drawer.mark();
  drawEmpty(shown);
  drawConnection();
  drawAlarms();
  drawPolicy();
  if (counts) {
    byId("hub-name").textContent = counts.hub;
    document.title = `Compline · ${counts.hub}`;
    drawStrip(counts);
    drawCategories(counts, chooseCategory, book.filter.category);
    drawMinutes(counts);
  }
  byId("filter-reset").hidden = !Object.values(book.filter).some(Boolean);
}

function drawEmpty(shown) {
  const filtered = book.verdicts.size > 0;
  byId("empty").hidden = shown > 0 || state === "opening";
  byId("empty").replaceChildren(
    element("img", { src: "/static/mark.svg", alt: "", width: 48, height: 48 }),
    element("h2", {}, word(filtered ? "empty_filtered" : "empty_title")),
    element("p", {}, word(filtered ? "empty_filtered_text" : "empty_text")),
    filtered ? "" : element("p", {}, word("empty_hint"), " ", element("code", {}, "compline-hub pair --name \"Desk 7\" --collector \"Li Wei\"")));
}

function drawConnection() {
  byId("connection").textContent = word(state);
  byId("connection").dataset.state = state;
  byId("lost").hidden = state !== "lost";
  byId("lost").textContent = word("lost_banner", { time: clock(lastHeard) });
}

function drawAlarms() {
  byId("alarms").hidden = !alarms.length;
  byId("alarms").replaceChildren(...alarms.slice(0, 3).map((alarm) =>
    element("p", {}, word(`alarm_${alarm.kind}`, { handset: table.names[alarm.handset] ?? short(alarm.handset), seq: alarm.seq }))));
}

function chooseCategory(category) {
  byId("filter-category").value = book.filter.category === category ? "" : category;
  byId("filters").dispatchEvent(new Event("change"));
}

function writeWords() {
  document.querySelectorAll("[data-word]").forEach((place) => (place.textContent = word(place.dataset.word)));
  document.querySelectorAll("[data-label]").forEach((place) => place.setAttribute("aria-label", word(place.dataset.label)));
  byId("languages").setAttribute("aria-label", word("language"));
  byId("languages").querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.language === language())));
  options("filter-kind", KINDS, (kind) => word(`kind_${kind}`));
  options("filter-category", CATEGORIES, (category) => word(`cat_${category}`));
  options("filter-severity", SEVERITIES, (severity) => (severity === "veto" ? word("sev_veto") : word("and_graver", { word: word(`sev_${severity}`) })));
  writeTheme();
}

function options(id, codes, name) {
  const chosen = byId(id).value;
  byId(id).replaceChildren(element("option", { value: "" }, word("any")), ...codes.map((code) => element("option", { value: code }, name(code))));
  byId(id).value = chosen;
}

function theme() {
  return localStorage.getItem("compline.theme") ?? "auto";
}

function writeTheme() {
  document.documentElement.dataset.theme = theme();
  byId("theme").textContent = word(`theme_${theme()}`);
}

byId("languages").addEventListener("click", (event) => {
  if (!event.target.dataset.language) return;
  chooseLanguage(event.target.dataset.language);
  writeWords();
  draw();
  drawer.draw();
  pairing.draw();
});
byId("theme").addEventListener("click", () => {
  localStorage.setItem("compline.theme", THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
  writeTheme();
});
byId("filters").addEventListener("change", () => {
  for (const name of ["kind", "category", "severity"]) book.filter[name] = byId(`filter-${name}`).value;
  draw();
});
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("reset", () => setTimeout(() => byId("filters").dispatchEvent(new Event("change"))));
byId("older").addEventListener("click", async () => {
  const found = await before(book.oldest());
  found.verdicts.forEach((verdict) => book.add(verdict));
  byId("older").hidden = found.verdicts.length < 200;
  draw();
});
setInterval(countSoon, 15_000);
addEventListener("resize", drawSoon);

chooseLanguage(firstLanguage());
writeWords();
drawConnection();
feed.start();
