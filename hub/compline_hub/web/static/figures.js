// Times in this browser's zone, lengths and short codes, as people read them.
import { locale } from "./words.js";

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(locale(), { hour12: false });
}

export function moment(seconds) {
  const then = new Date(seconds * 1000);
  const today = new Date().toDateString() === then.toDateString();
  const time = then.toLocaleTimeString(locale(), { hour12: false });
  if (today) return time;
  return `${String(then.getMonth() + 1).padStart(2, "0")}-${String(then.getDate()).padStart(2, "0")} ${time.slice(0, 5)}`;
}

export function fullMoment(seconds) {
  return `${new Date(seconds * 1000).toLocaleString(locale(), { hour12: false })} ${zone(seconds)}`;
}

export function zone(seconds = Date.now() / 1000) {
  const parts = new Intl.DateTimeFormat(locale(), { timeZoneName: "shortOffset" }).formatToParts(seconds * 1000);
  return parts.find((part) => part.type === "timeZoneName").value;
}

export function hourMinute(seconds) {
  return clock(seconds).slice(0, 5);
}

export function length(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, i) => (i ? String(part).padStart(2, "0") : String(part))).join(":");
}

export function short(hex, digits = 6) {
  return hex.slice(0, digits);
}

export function midnight() {
  const now = new Date();
  return Math.floor(new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() / 1000);
}
