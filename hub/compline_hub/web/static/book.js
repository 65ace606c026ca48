// All verdicts that the page knows, later passes folded over earlier ones, and the filters.
import { SEVERITIES } from "./words.js";

const MOST = 2_000;

export const idOf = (verdict) => `${verdict.handset}/${verdict.binding}/${verdict.seq}`;

export class Book {
  constructor() {
    this.verdicts = new Map();
    this.filter = { kind: "", category: "", severity: "" };
  }

  add(verdict) {
    const known = this.verdicts.has(idOf(verdict));
    this.verdicts.set(idOf(verdict), verdict);
    if (verdict.supersedes) this.fold(verdict);
    if (this.verdicts.size > MOST) this.forget();
    return !known;
  }

  fold(later) {
    for (const verdict of this.verdicts.values()) {
      if (verdict.handset !== later.handset || verdict.binding !== later.binding || verdict.seq === later.seq) continue;
      if (verdict.seq === later.supersedes || verdict.superseded_by === later.supersedes) verdict.superseded_by = later.seq;
    }
  }

  earlier(later) {
    return [...this.verdicts.values()].filter((verdict) =>
      verdict.superseded_by === later.seq && verdict.handset === later.handset && verdict.binding === later.binding);
  }

  shown() {
    return [...this.verdicts.values()].filter((verdict) => this.fits(verdict)).sort((a, b) => b.arrival - a.arrival);
  }

  fits(verdict) {
    const { kind, category, severity } = this.filter;
    if (verdict.superseded_by !== null || (kind && verdict.kind !== kind)) return false;
    if (severity && SEVERITIES.indexOf(verdict.severity) < SEVERITIES.indexOf(severity)) return false;
    return !category || verdict.findings.some((finding) => finding.category === category);
  }

  oldest() {
    return Math.min(...[...this.verdicts.values()].map((verdict) => verdict.arrival));
  }

  forget() {
    const arrivals = [...this.verdicts.entries()].sort((a, b) => a[1].arrival - b[1].arrival);
    for (const [id] of arrivals.slice(0, this.verdicts.size - MOST)) this.verdicts.delete(id);
  }
}

export function gravestFirst(findings) {
  const order = (finding) => -SEVERITIES.indexOf(finding.severity) * 1_000 - finding.confidence;
  return [...findings].sort((a, b) => order(a) - order(b));
}
