// Pairs a phone: names in, QR and code out, a countdown, and what became of it.
import { byId, element, shape } from "./elements.js";
import { length } from "./figures.js";
import { language, word } from "./words.js";

const LOOK = 1_000; // ms between looks how the code stands
const WAITING = ["open", "taken"];

export class PairingDialog {
  constructor({ joined }) {
    Object.assign(this, { joined, given: null, outcome: null, fault: "", timer: null });
    this.box = byId("pairing");
    byId("pair").addEventListener("click", () => this.open());
    this.box.addEventListener("close", () => this.end());
  }

  open() {
    Object.assign(this, { given: null, outcome: null, fault: "" });
    this.draw();
    this.box.showModal();
  }

  end() {
    clearInterval(this.timer);
    if (this.given && WAITING.includes(this.outcome?.state)) {
      fetch(`/api/offers/${this.given.id}`, { method: "DELETE" }).catch(() => undefined);
    }
    this.given = null;
  }

  async give(form) {
    const names = Object.fromEntries(new FormData(form));
    const answer = await fetch("/api/offers", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(names) });
    const body = await answer.json();
    this.fault = answer.ok ? "" : language() === "en" ? body.error : word("pair_refused");
    if (answer.ok) {
      this.given = body;
      this.outcome = { state: "open", handset: names.handset, collector: names.collector, tries_left: body.tries, seconds_left: body.seconds };
      this.timer = setInterval(() => this.look(), LOOK);
    }
    this.draw();
  }

  async look() {
    const answer = await fetch(`/api/offers/${this.given.id}`).catch(() => null);
    if (!answer?.ok || !this.given) return;
    this.outcome = await answer.json();
    if (!WAITING.includes(this.outcome.state)) {
      clearInterval(this.timer);
      if (this.outcome.state === "joined") this.joined();
      this.draw();
      return;
    }
    byId("pair-left").textContent = this.left();
  }

  draw() {
    this.box.setAttribute("aria-labelledby", "pairing-title");
    this.box.replaceChildren(
      element("div", { class: "drawer-head" },
        element("h2", { id: "pairing-title" }, word("pair")),
        element("button", { type: "button", class: "quiet", onclick: () => this.box.close() }, word("close"))),
      ...(this.given ? this.shown() : this.form()));
  }

  form() {
    const fields = [["handset", "pair_handset", "Desk 7"], ["collector", "pair_collector", ""]].map(([name, label, hint]) =>
      element("label", {}, element("span", {}, word(label)), element("input", { name, required: true, maxlength: 60, placeholder: hint, autocomplete: "off" })));
    const submitted = (event) => {
      event.preventDefault();
      this.give(event.target).catch(() => {
        this.fault = word("lost");
        this.draw();
      });
    };
    return [
      element("form", { onsubmit: submitted }, ...fields, element("button", { class: "firm" }, word("pair_give"))),
      element("p", { class: "fault", role: "alert", hidden: !this.fault }, this.fault),
    ];
  }

  shown() {
    const { state, handset, collector } = this.outcome;
    if (!WAITING.includes(state)) {
      return [
        element("p", { class: `outcome ${state}`, role: "status" }, word(`pair_${state}`, { handset, collector })),
        element("button", { type: "button", class: "firm", onclick: () => this.open_again() }, word("pair_again")),
      ];
    }
    return [
      element("p", {}, word("pair_on_phone", { handset, collector })),
      shape("svg", { class: "qr", viewBox: `0 0 ${this.given.qr_side} ${this.given.qr_side}`, role: "img", "aria-label": word("pair_qr") },
        shape("path", { d: this.given.qr_path })),
      element("code", { class: "code", id: "pair-code" }, this.given.code),
      element("p", {}, element("code", {}, `compline-edge join ${this.given.code}`)),
      element("p", { id: "pair-left", role: "timer" }, this.left()),
      this.given.holder ? element("p", { class: "note" }, word("pair_holder", { collector, holder: this.given.holder })) : "",
      this.given.officer ? element("p", { class: "note" }, word("pair_officer"), " ", element("code", {}, this.given.officer)) : "",
    ];
  }

  open_again() {
    Object.assign(this, { given: null, outcome: null });
    this.draw();
  }

  left() {
    const { state, seconds_left, tries_left } = this.outcome;
    return word(state === "taken" ? "pair_taken" : "pair_left", { time: length(seconds_left), n: tries_left });
  }
}
