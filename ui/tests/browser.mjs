// What all checks in a browser share: a page that notes every complaint, and the checks of each page.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const messages = JSON.parse(readFileSync(new URL("../src/i18n/fr.json", import.meta.url), "utf8"));
const PREFIXES = [...new Set(Object.keys(messages).map((key) => key.split(".")[0]))];
/** What looks like the key of a message (`hunt.done`, `case.state.open`) and is not a file's name. */
const KEY = new RegExp(`(?<![\\w./@-])(?:${PREFIXES.join("|")})(?!\\.jsonl)(?:\\.[a-z_0-9]+)+(?![\\w/-])`, "g");

let checks = 0;
let wrong = 0;
export function check(what, holds, detail = "") {
  checks += 1;
  if (holds) return;
  wrong += 1;
  console.error(`WRONG ${what}${detail ? `: ${detail}` : ""}`);
}
export const result = () => ({ checks, wrong });

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** How long the browser may take to say of a refused request what it says of all of them. */
const SAID = 5_000;

/** A page that notes what it complains about, what fails, and what it asks of anybody but our server. */
export async function open(browser, origin, options) {
  const context = await browser.newContext({ timezoneId: "Europe/Paris", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const noise = [];
  // What the step that is being done must be refused.
  let awaited = null;
  /** Whether it is what is awaited; what the browser says of it on the console names its address alone. */
  const isAwaited = (status, url, method = awaited?.method) => awaited?.status === status && awaited.method === method && new URL(url).origin === origin && new URL(url).pathname === awaited.path;
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    const status = Number(/status of (\d+)/.exec(message.text())?.[1]);
    if (status && isAwaited(status, message.location().url)) awaited.said += 1;
    else noise.push(message.text());
  });
  page.on("pageerror", (error) => noise.push(String(error)));
  page.on("request", (request) => !request.url().startsWith("data:") && new URL(request.url()).origin !== origin && noise.push(`asks for ${request.url()}`));
  page.on("response", (response) => {
    if (response.status() < 400) return;
    if (isAwaited(response.status(), response.url(), response.request().method())) awaited.answers += 1;
    else noise.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  // What a page no longer waits for when it is left is no failure; everything else that fails is.
  page.on("requestfailed", (request) => request.failure()?.errorText !== "net::ERR_ABORTED" && noise.push(`${request.failure()?.errorText} ${request.url()}`));
  /** Does a step of which one request must be refused, once; any other refusal, before, in and after it, is noise. */
  const refused = async (status, method, path, step) => {
    awaited = { status, method, path: `/api/v1${path}`, answers: 0, said: 0 };
    await step();
    for (const end = Date.now() + SAID; Date.now() < end && !(awaited.answers > 0 && awaited.said >= awaited.answers); ) await page.waitForTimeout(20);
    check(`${method} ${path} is refused once, with ${status}`, awaited.answers === 1 && awaited.said === 1, `${awaited.answers} times, said ${awaited.said} times`);
    awaited = null;
  };
  return { page, context, noise, refused };
}

/** Whether a page has been quiet since this was last asked. */
export const quiet = (what, noise) => check(`${what}: quiet`, noise.length === 0, noise.splice(0).join("; "));

/** No axe violation of WCAG A or AA, no sideways scrolling, the right language, no key shown in place of its message. */
export async function inspect(page, at, locale) {
  await page.evaluate(() => document.fonts.ready);
  check(`${at}: lang`, (await page.getAttribute("html", "lang")) === locale);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(`${at}: no sideways scrolling`, over <= 0, `${over} px over`);
  const thin = await page.evaluate(() =>
    [...document.querySelectorAll("main td, main th, main p, main dd, main li")]
      .filter((element) => element.checkVisibility() && element.textContent.trim().length > 20 && element.getBoundingClientRect().width < 60)
      .map((element) => element.outerHTML.slice(0, 120))[0],
  );
  check(`${at}: no text squeezed into a column of letters`, !thin, thin);
  const text = await page.innerText("body");
  const keys = text.match(KEY) ?? [];
  check(`${at}: no key in place of a message`, keys.length === 0, keys.join());
  check(`${at}: no hole in a message`, !/\{[a-z_]+\}/.test(text.replace(/"[^"]*"/g, "")), /\{[a-z_]+\}/.exec(text)?.[0]);
  // By the debugging protocol, not as a script of the page: the content security policy stays in force.
  await page.evaluate(axe);
  const { found, passed } = await page.evaluate(async () => {
    const { violations, passes } = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
    const found = violations.map(({ id, nodes }) => `${id} (${nodes.length}): ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary?.split("\n")[1]?.trim() ?? ""}`);
    return { found, passed: passes.map(({ id }) => id) };
  });
  for (const violation of found) check(`${at}: axe`, false, violation);
  // Rules that every page gives something to look at: without them axe saw no page.
  const unseen = ["color-contrast", "document-title", "html-has-lang"].filter((rule) => !passed.includes(rule));
  check(`${at}: axe looked`, found.length > 0 || unseen.length === 0, unseen.join());
}

/** Waits until nothing is loading any more. */
export async function settle(page) {
  await page.waitForFunction(() => !document.querySelector('[role="status"][aria-label] .mantine-Skeleton-root, .mantine-Loader-root'));
  await page.waitForTimeout(250);
}
