// Fails when a message is missing in a language, is used and not there, is there and not used, or differs in its
// placeholders between languages. Keys are found as `t("key")`, `tn("key", n)`, and t(`prefix.${word}`).

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const src = fileURLToPath(new URL("../src", import.meta.url));
const read = (name) => JSON.parse(readFileSync(join(src, "i18n", `${name}.json`), "utf8"));
const [en, fr] = [read("en"), read("fr")];
const wrong = [];

const sources = readdirSync(src, { recursive: true })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith(".d.ts"))
  .map((name) => readFileSync(join(src, name), "utf8"))
  .join("\n");

const used = new Set();
const prefixes = [];
// A key stands alone in quotes anywhere (tables of keys), or begins a template.
for (const [, key] of sources.matchAll(/["'`]([a-z_]+(?:\.[a-z_0-9]+)+)["'`]/g)) used.add(key);
for (const [, key] of sources.matchAll(/\btn\(\s*"([^"]+)"/g)) [`${key}_one`, `${key}_other`].forEach((form) => used.add(form));
for (const [, prefix] of sources.matchAll(/`([a-z_]+\.[a-z_.]*)\$\{/g)) prefixes.push(prefix);
for (const [, key] of sources.matchAll(/\bt\(\s*"([^"]+)"/g)) if (!(key in en)) wrong.push(`used and not there: ${key}`);
for (const [, key] of sources.matchAll(/\btn\(\s*"([^"]+)"/g)) {
  for (const form of ["one", "other"]) if (!(`${key}_${form}` in en)) wrong.push(`used and not there: ${key}_${form}`);
}

for (const key of Object.keys(en)) {
  if (!(key in fr)) wrong.push(`missing in French: ${key}`);
  else if (holes(en[key]) !== holes(fr[key])) wrong.push(`other placeholders in French: ${key}`);
  if (!used.has(key) && !prefixes.some((prefix) => key.startsWith(prefix))) wrong.push(`there and not used: ${key}`);
}
for (const key of Object.keys(fr)) if (!(key in en)) wrong.push(`missing in English: ${key}`);
// French sets a thin or full no-break space before two-part punctuation.
for (const [key, text] of Object.entries(fr)) if (/ [:;!?»]|« /.test(text)) wrong.push(`breakable space before punctuation in French: ${key}`);

function holes(text) {
  return [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join();
}

for (const line of wrong) console.error(line);
console.log(`${Object.keys(en).length} messages in 2 languages, ${wrong.length} wrong`);
process.exit(wrong.length ? 1 : 0);
