// One verdict in full: findings on a time line, voice, versions, what it folds.
import { idOf } from "./book.js";
import { categoryChip, coverageBar, kindSign, otherPhraseOf, passBadge, phraseOf } from "./chips.js";
import { byId, element, shape } from "./elements.js";
import { fullMoment, length, short } from "./figures.js";
import { SEVERITIES, word } from "./words.js";

export class Drawer {
  constructor(book) {
    this.book = book;
    this.names = {};
    this.box = byId("drawer");
    this.verdict = null;
    this.opener = null;
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.verdict) this.close();
    });
  }

  open(verdict, opener) {
    this.verdict = verdict;
    this.opener = opener ? idOf(verdict) : this.opener;
    this.draw();
    this.box.hidden = false;
    this.mark();
    byId("drawer-close").focus();
  }

  close() {
    this.verdict = null;
    this.box.hidden = true;
    this.mark();
    document.querySelector(`tr[data-id="${this.opener}"]`)?.focus();
  }

  mark() {
    document.querySelectorAll("tr.chosen").forEach((row) => row.classList.remove("chosen"));
    if (this.verdict) document.querySelector(`tr[data-id="${idOf(this.verdict)}"]`)?.classList.add("chosen");
  }

  draw() {
    const verdict = this.verdict;
    if (!verdict) return;
    const earlier = this.book.earlier(verdict);
    this.box.replaceChildren(
      element("div", { class: "drawer-head" },
        element("div", {},
          element("h2", { id: "drawer-title" }, kindSign(verdict.kind), ` ${verdict.kind === "call" ? length(verdict.duration) : word("n_messages", { n: verdict.messages })}`),
          element("p", {}, fullMoment(verdict.started))),
        passBadge(verdict, earlier.length),
        element("button", { type: "button", class: "quiet", id: "drawer-close", onclick: () => this.close() }, word("close"))),
      verdict.superseded_by ? element("p", { class: "note" }, word("superseded", { n: verdict.superseded_by })) : "",
      verdict.abstained ? element("p", { class: "note abstained" }, `${word("not_judged")}：${word(`abs_${verdict.abstained}`)}`.replace("：", document.documentElement.lang === "en" ? ": " : "：")) : "",
      verdict.findings.length && verdict.kind === "call" ? timeLine(verdict) : "",
      element("h3", {}, word("all_findings", { n: verdict.findings.length + verdict.findings_dropped })),
      verdict.findings.length ? findingList(verdict) : element("p", { class: "nothing" }, word("clean")),
      verdict.findings_dropped ? element("p", { class: "note" }, word("dropped", { n: verdict.findings_dropped })) : "",
      verdict.voice ? voice(verdict.voice) : "",
      element("h3", {}, word("facts")),
      facts(verdict, this.names[verdict.handset]),
      earlier.length ? element("h3", {}, word("earlier")) : "",
      ...earlier.map((live) => element("p", { class: "earlier" }, `${word("number")} ${live.seq} · ${fullMoment(live.judged)} · `,
        ...live.findings.map((finding) => categoryChip(finding.category, finding.severity, { tip: phraseOf(finding) })))),
      element("p", { class: "promise" }, word("promise")),
    );
  }
}

function timeLine(verdict) {
  const width = 400;
  const end = Math.max(verdict.duration, ...verdict.findings.map((finding) => finding.offset), 1);
  const x = (seconds) => 8 + (width - 16) * (seconds / end);
  const marks = [...verdict.findings].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)).map((finding) =>
    shape("g", { class: `at ${finding.severity}` },
      shape("title", {}, `${length(finding.offset)} ${word(`cat_${finding.category}`)} · ${word(`sev_${finding.severity}`)}`),
      shape("line", { x1: x(finding.offset), x2: x(finding.offset), y1: 8, y2: 30 }),
      shape("circle", { cx: x(finding.offset), cy: 10, r: 5 })));
  return element("figure", { class: "timeline" }, element("figcaption", {}, word("at_offset")),
    shape("svg", { viewBox: `0 0 ${width} 48`, role: "img", "aria-label": word("at_offset") },
      shape("line", { class: "axis", x1: 8, x2: width - 8, y1: 30, y2: 30 }),
      ...[0, 0.25, 0.5, 0.75, 1].map((share) => shape("text", { x: x(end * share), y: 44, "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle" }, length(Math.round(end * share)))),
      ...marks));
}

function findingList(verdict) {
  const inOrder = [...verdict.findings].sort((a, b) => a.offset - b.offset);
  return element("ol", { class: "findings" }, ...inOrder.map((finding) => element("li", {},
    element("span", { class: "offset" }, verdict.kind === "call" ? length(finding.offset) : ""),
    element("div", {},
      categoryChip(finding.category, finding.severity), " ",
      element("b", {}, phraseOf(finding)),
      otherPhraseOf(finding) ? element("small", {}, otherPhraseOf(finding)) : null,
      element("p", {}, [word(`sev_${finding.severity}`), word(`role_${finding.role}`), word(`via_${finding.technique}`), word("confidence_n", { n: finding.confidence }),
        finding.entry ? word("entry", { n: finding.entry }) : finding.rule ? word("rule", { n: finding.rule }) : "", finding.warned ? word("warned") : "", finding.acknowledged ? word("acknowledged") : ""].filter(Boolean).join(" · "))))));
}

const tenths = (share) => (share === null ? word("not_told") : word("tenths", { n: share * 10 }));

function voice({ loudness, peak_loudness: peak, rate, angry, overlap }) {
  return element("section", {}, element("h3", {}, word("voice")), list([
    [word("loudness"), `${loudness} dBFS`], [word("peak_loudness"), `${peak} dBFS`], [word("rate"), word("per_second", { n: rate })],
    [word("angry"), tenths(angry)], [word("overlap"), tenths(overlap)]], "gauges"));
}

function facts(verdict, name) {
  const yes = (truth) => word(truth ? "yes" : "no");
  return list([
    [word("coverage"), coverageBar(verdict)],
    [word("judged"), fullMoment(verdict.judged)],
    [word("received"), fullMoment(verdict.received)],
    verdict.kind === "call" ? [word("direction"), word(verdict.direction)] : null,
    verdict.kind === "call" ? [word("answered"), `${yes(verdict.answered)} · ${word("effective")} ${yes(verdict.effective)}`] : null,
    verdict.kind === "call" ? [word("speech"), length(verdict.speech)] : null,
    verdict.contact ? [word("contact"), element("code", { title: word("contact_note") }, verdict.contact)] : null,
    verdict.case ? [word("case"), element("code", {}, verdict.case)] : null,
    [word("handset"), element("span", {}, name ? `${name} · ` : "", element("code", {}, short(verdict.handset, 8)))],
    [word("number"), element("span", {}, `${verdict.seq} · ${word("binding")} `, element("code", {}, short(verdict.binding, 8)))],
    [word("versions"), word("versions_text", modelsApart(verdict.versions))],
    verdict.evidence ? [word("evidence"), element("span", {}, element("code", {}, verdict.evidence + "…"), element("small", {}, word("evidence_note")))] : null,
  ].filter(Boolean));
}

// The recogniser's number is the low byte of `model`, the text classifier's the high one.
function modelsApart({ model, ...rest }) {
  return { speech: model % 256, text: Math.floor(model / 256), ...rest };
}

function list(pairs, kind = "") {
  return element("dl", { class: kind }, ...pairs.map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value))));
}
