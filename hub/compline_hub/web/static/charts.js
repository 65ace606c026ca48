// The strip of counts, the category bars and the minute time line.
import { severityMark } from "./chips.js";
import { byId, element, shape } from "./elements.js";
import { hourMinute } from "./figures.js";
import { SEVERITIES, word } from "./words.js";

export function drawStrip(counts) {
  const total = Object.values(counts.severities).reduce((sum, n) => sum + n, 0);
  const abstained = Object.values(counts.abstentions).reduce((sum, n) => sum + n, 0);
  const others = (counts.kinds.sms ?? 0) + (counts.kinds.device ?? 0);
  const split = element("span", { class: "split" }, ...[...SEVERITIES].reverse().map((severity) =>
    element("span", { class: severity, title: word(`sev_${severity}`) }, severityMark(severity),
      element("b", {}, String(counts.severities[severity] ?? 0)), element("span", {}, word(`sev_${severity}`)))));
  byId("strip").replaceChildren(
    tile("calls", counts.kinds.call ?? 0, others ? word("messages_of", { n: others }) : ""),
    tile("chats", counts.kinds.chat ?? 0),
    tile("findings", total, split),
    tile("not_judged", abstained, word("not_judged_note")),
    tile("handsets", word("of", { n: counts.handsets_heard, m: counts.handsets }), word("handsets_note")),
  );
}

export function drawCategories(counts, choose, chosen) {
  const bars = Object.entries(counts.categories).sort((a, b) => b[1] - a[1]);
  const most = Math.max(...bars.map(([, n]) => n), 1);
  byId("categories").replaceChildren(...(bars.length ? bars.map(([category, n]) =>
    element("button", { type: "button", class: "bar", "aria-pressed": String(chosen === category), onclick: () => choose(category) },
      element("span", {}, word(`cat_${category}`)),
      shape("svg", { width: "100%", height: 12, "aria-hidden": "true" }, shape("rect", { width: `${(100 * n) / most}%`, height: 12, rx: 2 })),
      element("b", {}, String(n)))) : [element("p", { class: "nothing" }, word("no_findings_yet"))]));
}

export function drawMinutes(counts) {
  const width = Math.max(byId("minutes").clientWidth, 280);
  const height = 112;
  const floor = height - 20;
  const most = Math.max(...counts.minutes.map((minute) => minute.verdicts), 2);
  const step = width / counts.minutes.length;
  const bars = counts.minutes.map((minute, i) => {
    const tall = (floor - 8) * (minute.verdicts / most);
    const grave = (floor - 8) * (minute.grave / most);
    return shape("g", {},
      shape("title", {}, word("minute_tip", { time: hourMinute(minute.start), n: minute.verdicts, g: minute.grave })),
      shape("rect", { class: "hit", x: i * step, y: 0, width: step, height: floor }),
      shape("rect", { class: "all", x: i * step + 1, y: floor - tall, width: step - 2, height: tall, rx: 1 }),
      shape("rect", { class: "grave", x: i * step + 1, y: floor - grave, width: step - 2, height: grave, rx: 1 }));
  });
  const ticks = [0, 15, 30, 45, 59].map((i) => shape("text", {
    x: i * step + step / 2, y: height - 4, "text-anchor": i === 0 ? "start" : i === 59 ? "end" : "middle" }, hourMinute(counts.minutes[i].start)));
  byId("minutes").replaceChildren(
    shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": word("last_hour") },
      shape("line", { class: "axis", x1: 0, x2: width, y1: floor, y2: floor }), shape("text", { class: "most", x: 0, y: 8 }, String(most)), ...bars, ...ticks),
    element("p", { class: "legend" }, element("i", { class: "all" }), word("legend_all"), element("i", { class: "grave" }), word("legend_grave")));
}

function tile(key, figure, note = "") {
  return element("div", { class: `tile ${key}` }, element("span", { class: "name" }, word(key)), element("b", {}, String(figure)), element("span", { class: "note" }, note));
}
