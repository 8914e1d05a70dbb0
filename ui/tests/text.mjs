// What the pages make of what servers, logs and files say, without a browser: `node --test tests/text.mjs`.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { createServer } from "vite";

const vite = await createServer({
  root: fileURLToPath(new URL("..", import.meta.url)),
  configFile: false,
  appType: "custom",
  logLevel: "error",
  server: { middlewareMode: true, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
});
after(() => vite.close());
const { language, LanguageProvider } = await vite.ssrLoadModule("/src/i18n/index.tsx");
const { sentence } = await vite.ssrLoadModule("/src/components/states.tsx");
const { Proof } = await vite.ssrLoadModule("/src/components/proof.tsx");
// Which language and zone were chosen in this browser.
globalThis.localStorage = { getItem: () => "fr" };
const [fr, en] = [language("fr", "utc"), language("en", "utc")];
/** No-break spaces as plain ones. */
const plain = (text) => text.replace(/[\u00a0\u202f]/g, " ");

test("a reason that quotes a log is shown, whatever the log says", () => {
  const asked = "/x/2021-99-99T99:99:99Z and /y/2021-03-02T03:11:00Z";
  assert.equal(fr.moments(`203.0.113.45 asked for ${asked}`), `203.0.113.45 asked for ${asked}`);
  assert.equal(plain(en.moments(`2021-03-02T03:11:00Z: 203.0.113.45 asked for ${asked}`)), `02 Mar 2021, 03:11 UTC: 203.0.113.45 asked for ${asked}`);
  assert.equal(fr.moments("2021-99-99T99:99:99Z: x"), "2021-99-99T99:99:99Z: x");
});

test("what is no moment stays as it was written", () => {
  for (const say of [fr.time, fr.day, fr.ago]) assert.equal(say("2021-99-99T99:99:99Z"), "2021-99-99T99:99:99Z");
});

test("at most is never less", () => {
  const HOUR = 3_600_000;
  assert.deepEqual([160, 4.5, 4, 0.3, 48].map((hours) => plain(fr.atMost(hours * HOUR))), ["7 j", "5 h", "4 h", "18 min", "2 j"]);
  assert.deepEqual([160, 4.5, 4, 0.3].map((hours) => plain(fr.span(hours * HOUR))), ["6 j", "4 h", "4 h", "18 min"]);
});

test("sentences are begun and ended, identifiers, addresses and paths left as they are", () => {
  for (const [said, shown] of [
    ["the job has ended", "The job has ended."],
    ["l’archive est endommagée", "L’archive est endommagée."],
    ["no such page: look again", "No such page: look again."],
    ["hafnium-2021 is not installed", "hafnium-2021 is not installed."],
    ["ex01.client.example is known", "ex01.client.example is known."],
    ["look at https://desk.example/cases", "Look at https://desk.example/cases"],
    ["cannot read /etc/vigie/secret", "Cannot read /etc/vigie/secret"],
    ["cannot read pack.yaml", "Cannot read pack.yaml"],
    ["the name is taken (aline)", "The name is taken (aline)."],
    ["is it there?", "Is it there?"],
  ]) assert.equal(sentence(said), shown);
});

test("a proof says what is nothing as zeros, and what is not known as not known", () => {
  const shown = (value) => renderToStaticMarkup(createElement(LanguageProvider, null, createElement(Proof, { value }))).replace(/<[^>]+>/g, " ");
  assert.match(shown({ changes: { new: 0, known: 0, gone: 0 } }), /0.*0.*0/);
  assert.doesNotMatch(shown({ changes: { new: 0, known: 0, gone: 0 } }), /–/);
  assert.match(shown({ window: { from: null, to: "" } }), /–/);
});
