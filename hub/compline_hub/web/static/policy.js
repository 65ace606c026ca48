// Shows what the branch's policy changes: categories that are silenced, and how strict it is with others.
import { byId } from "./elements.js";
import { word } from "./words.js";

let strictness = [];

export function knowPolicy(policy) {
  strictness = policy.strictness;
}

export function drawPolicy() {
  const silenced = strictness.filter((each) => each.silenced);
  const graded = strictness.filter((each) => !each.silenced);
  show("silenced", silenced, word("policy_silenced", { categories: silenced.map(name).join(word("list")) }));
  show("graded", graded, word("policy_graded", { categories: graded.map((each) => `${name(each)} ${each.review}/${each.whisper}/${each.alarm}`).join(word("list")) }));
}

function show(id, some, sentence) {
  byId(id).hidden = !some.length;
  byId(id).textContent = some.length ? sentence : "";
}

function name({ category }) {
  return word(`cat_${category}`);
}
