// Small signs: categories coloured by severity, kinds, passes, coverage.
import { element, shape } from "./elements.js";
import { language, word } from "./words.js";

const MARKS = { notice: "M2 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0", warning: "M6 1.5 11 10.5H1Z", serious: "M6 .8 11.2 6 6 11.2.8 6Z", veto: "M1.5 1.5h9v9h-9Z" };
const KINDS = {
  call: "M4 1.5 6 5 4.7 6.3a9 9 0 0 0 5 5L11 10l3.5 2-.7 2.3a1.5 1.5 0 0 1-1.6 1A13 13 0 0 1 .7 3.800a1.500 1.500 0 0 1 1-1.600Z",
  chat: "M1.500 2.500h13v9h-7l-3.500 3v-3h-2.500Z",
  sms: "M1.500 3.500h13v9h-13Zm0 .5 6.500 5 6.500-5",
  device: "M4.500 1h7v14h-7Zm2.500 12h2",
};
let phrases = {};
let rules = {};

export function knowPhrases(known) {
  phrases = known.phrases;
  rules = known.rules;
}

// What was found, in the pack's words: those of a lexicon's entry or of a rule, never the call's.
function known(finding) {
  return phrases[finding.entry] ?? rules[finding.rule];
}

export function phraseOf(finding) {
  const words = known(finding);
  if (words) return language() === "zh" ? words.zh : words.en;
  if (finding.entry) return word("entry", { n: finding.entry });
  if (finding.technique === "classifier") return word("by_classifier");
  return finding.rule ? word("rule", { n: finding.rule }) : "";
}

export function otherPhraseOf(finding) {
  const words = known(finding);
  return words ? (language() === "zh" ? words.en : words.zh) : "";
}

export function severityMark(severity) {
  return shape("svg", { class: `mark ${severity}`, viewBox: "0 0 12 12", width: 10, height: 10, "aria-hidden": "true" },
    shape("path", { d: MARKS[severity] }));
}

export function categoryChip(category, severity, { count = 1, tip = "" } = {}) {
  const label = word(`cat_${category}`) + (count > 1 ? ` ×${count}` : "");
  const spoken = `${label} (${word(`sev_${severity}`)})${tip ? `: ${tip}` : ""}`;
  return element("span", { class: `chip ${severity}`, title: tip ? `${word(`sev_${severity}`)} · ${tip}` : word(`sev_${severity}`), "aria-label": spoken },
    severityMark(severity), label);
}

export function kindSign(kind) {
  return element("span", { class: "kind", title: word(`kind_${kind}`) },
    shape("svg", { viewBox: "0 0 16 16", width: 15, height: 15, "aria-hidden": "true" }, shape("path", { d: KINDS[kind] })),
    element("span", {}, word(`kind_${kind}`)));
}

export function passBadge(verdict, folded) {
  return element("span", { class: "pass" },
    element("span", { class: `badge ${verdict.pass}` }, word(`pass_${verdict.pass}`)),
    folded ? element("small", { title: word("earlier_passes", { n: folded }) }, `+${folded}`) : null);
}

export function coverageBar(verdict) {
  const bar = element("i", {});
  bar.style.width = `${verdict.coverage}%`;
  return element("span", { class: verdict.coverage < 100 ? "coverage part" : "coverage", title: `${word("coverage")} ${verdict.coverage}%` },
    element("span", { class: "track" }, bar), element("span", { class: "figure" }, `${verdict.coverage}%`));
}
