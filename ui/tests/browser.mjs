// What all checks in a browser share: a page that notes every complaint, and the checks of each page.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

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

/** A page that notes what it complains about, what fails, and what it asks of anybody but our server. */
export async function open(browser, origin, options) {
  const context = await browser.newContext({ timezoneId: "Europe/Paris", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const noise = [];
  // Answers that the journey itself provokes.
  const expected = new Set();
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    const refused = /status of (\d+)/.exec(message.text());
    if (!(refused && expected.has(Number(refused[1])))) noise.push(message.text());
  });
  page.on("pageerror", (error) => noise.push(String(error)));
  page.on("request", (request) => !request.url().startsWith(origin) && !request.url().startsWith("data:") && noise.push(`asks for ${request.url()}`));
  page.on("response", (response) => response.status() >= 400 && !expected.has(response.status()) && noise.push(`${response.status()} ${response.url()}`));
  // What a page no longer waits for when it is left is no failure; everything else that fails is.
  page.on("requestfailed", (request) => request.failure()?.errorText !== "net::ERR_ABORTED" && noise.push(`${request.failure()?.errorText} ${request.url()}`));
  return { page, context, noise, expected };
}

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
  const key = /\b(?:act|board|cell|curve|nav|word|state|problem|sign_in|story|count)\.[a-z_]+\b/.exec(text);
  check(`${at}: no key in place of a message`, !key, key?.[0]);
  check(`${at}: no hole in a message`, !/\{[a-z_]+\}/.test(text.replace(/"[^"]*"/g, "")), /\{[a-z_]+\}/.exec(text)?.[0]);
  // By the debugging protocol, not as a script of the page: the content security policy stays in force.
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
    return violations.map(({ id, nodes }) => `${id} (${nodes.length}): ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary?.split("\n")[1]?.trim() ?? ""}`);
  });
  for (const violation of violations) check(`${at}: axe`, false, violation);
  check(`${at}: axe ran`, true);
}

/** Waits until nothing is loading any more. */
export async function settle(page) {
  await page.waitForFunction(() => !document.querySelector('[role="status"][aria-label] .mantine-Skeleton-root, .mantine-Loader-root'));
  await page.waitForTimeout(250);
}
