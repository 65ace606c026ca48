// The live table: one row a verdict, newest first, keys to walk it.
import { gravestFirst, idOf } from "./book.js";
import { categoryChip, coverageBar, kindSign, passBadge, phraseOf } from "./chips.js";
import { byId, element } from "./elements.js";
import { clock, fullMoment, length, moment, short, zone } from "./figures.js";
import { SEVERITIES, word } from "./words.js";

const COLUMNS = ["time", "handset", "kind", "length", "contact", "findings", "confidence", "coverage", "pass"];
const MOST_ROWS = 400;
const MOST_CHIPS = 4;

export class Table {
  constructor(book, { open }) {
    this.book = book;
    this.open = open;
    this.names = {};
    this.fresh = new Set();
    this.body = byId("rows");
    this.body.addEventListener("click", (event) => this.choose(event.target.closest("tr")));
    this.body.addEventListener("keydown", (event) => this.key(event));
  }

  draw() {
    byId("columns").replaceChildren(...COLUMNS.map((name) => element("th", { scope: "col", class: `c-${name}` }, heading(name))));
    const shown = this.book.shown();
    const focused = document.activeElement?.closest?.("tr[data-id]")?.dataset.id;
    this.body.replaceChildren(...shown.slice(0, MOST_ROWS).map((verdict) => this.row(verdict)));
    if (focused) this.rowOf(focused)?.focus({ preventScroll: true });
    this.fresh.clear();
    byId("shown").textContent = word("shown", { n: shown.length });
    return shown.length;
  }

  rowOf(id) {
    return this.body.querySelector(`tr[data-id="${id}"]`);
  }

  row(verdict) {
    const id = idOf(verdict);
    const classes = [verdict.severity ?? "clean", this.fresh.has(id) ? "fresh" : ""].join(" ");
    const cells = {
      time: element("span", { class: "pair", title: `${word("started")} ${fullMoment(verdict.started)}` },
        element("time", {}, moment(verdict.received)), element("small", {}, word("began", { time: began(verdict) }))),
      handset: element("span", { class: "pair" }, element("code", {}, short(verdict.handset)), element("small", {}, this.names[verdict.handset] ?? "")),
      kind: kindSign(verdict.kind),
      length: verdict.kind === "call" ? length(verdict.duration) : word("n_messages", { n: verdict.messages }),
      contact: verdict.contact ? element("code", { title: word("contact_note") }, short(verdict.contact)) : element("span", { class: "nothing" }, "–"),
      findings: this.findings(verdict),
      confidence: verdict.findings.length ? String(Math.max(...verdict.findings.map((finding) => finding.confidence))) : element("span", { class: "nothing" }, "–"),
      coverage: coverageBar(verdict),
      pass: passBadge(verdict, this.book.earlier(verdict).length),
    };
    return element("tr", { "data-id": id, tabindex: 0, class: classes, "aria-haspopup": "dialog" },
      ...COLUMNS.map((name) => element("td", { class: `c-${name}`, "data-label": heading(name) }, cells[name])));
  }

  findings(verdict) {
    const parts = chipsOf(verdict);
    const grave = gravestFirst(verdict.findings)[0];
    if (grave && phraseOf(grave)) parts.push(element("span", { class: "phrase", title: word("phrase_note") }, phraseOf(grave)));
    if (verdict.abstained) parts.push(element("span", { class: "abstained" }, word(`abs_${verdict.abstained}`)));
    if (!parts.length) parts.push(element("span", { class: "nothing" }, word("clean")));
    return element("div", { class: "chips" }, ...parts);
  }

  choose(row) {
    if (row?.dataset.id) this.open(this.book.verdicts.get(row.dataset.id), row);
  }

  key(event) {
    const row = event.target.closest("tr");
    const step = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling }[event.key];
    if (step) {
      event.preventDefault();
      step.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.choose(row);
    }
  }
}

function heading(column) {
  return word(`col_${column}`, { zone: zone() });
}

function began(verdict) {
  return Math.abs(verdict.received - verdict.started) < 43_200 ? clock(verdict.started) : moment(verdict.started);
}

function chipsOf(verdict) {
  const groups = new Map();
  for (const finding of gravestFirst(verdict.findings)) {
    const group = groups.get(finding.category) ?? { severity: finding.severity, count: 0, tips: new Set() };
    if (SEVERITIES.indexOf(finding.severity) > SEVERITIES.indexOf(group.severity)) group.severity = finding.severity;
    group.count += 1;
    if (phraseOf(finding)) group.tips.add(phraseOf(finding));
    groups.set(finding.category, group);
  }
  const chips = [...groups].slice(0, MOST_CHIPS).map(([category, { severity, count, tips }]) =>
    categoryChip(category, severity, { count, tip: [...tips].join(" / ") }));
  if (groups.size > MOST_CHIPS) chips.push(element("span", { class: "chip rest" }, word("more", { n: groups.size - MOST_CHIPS })));
  return chips;
}
