// Talks to the hub: first what is there, then each new verdict as it arrives, across broken connections.
import { midnight } from "./figures.js";

const SILENCE = 25_000; // ms; the hub says something at least every 10 s
const AGAIN = 2_000; // ms

export async function get(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

export const newest = () => get("/api/verdicts?limit=200");
export const before = (arrival) => get(`/api/verdicts?limit=200&before=${arrival}`);
export const summary = () => get(`/api/summary?since=${midnight()}`);

export class Feed {
  constructor({ verdict, state, started }) {
    Object.assign(this, { verdict, state, started, last: null, source: null, heard: 0 });
  }

  start() {
    this.open();
    setInterval(() => {
      if (this.source && Date.now() - this.heard > SILENCE) this.again();
    }, 5_000);
  }

  async open() {
    try {
      await this.started();
    } catch {
      this.state("lost");
      setTimeout(() => this.open(), AGAIN);
      return;
    }
    this.listen();
  }

  listen() {
    const source = new EventSource(`/api/stream?after=${this.last ?? 0}`);
    this.source = source;
    this.heard = Date.now();
    const hear = () => {
      this.heard = Date.now();
      this.state("live");
    };
    source.addEventListener("hello", hear);
    source.addEventListener("tick", hear);
    source.addEventListener("verdict", (event) => {
      hear();
      const verdict = JSON.parse(event.data);
      this.last = Math.max(this.last ?? 0, verdict.arrival);
      this.verdict(verdict);
    });
    source.addEventListener("error", () => {
      this.state("lost");
      if (source.readyState === EventSource.CLOSED) this.again();
    });
  }

  again() {
    this.source?.close();
    this.source = null;
    this.state("lost");
    setTimeout(() => this.listen(), AGAIN);
  }
}
