// Opens the pages of a real hunt and a real assessment in a real browser:
// node check.mjs BROWSER RESULT.json EXPOSURE.json report.en.html report.fr.html exposure.en.html exposure.fr.html
// Screenshots and PDFs are written beside the pages. Exit status 1 when anything is wrong, with a line for each.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [browserPath, resultPath, exposurePath, ...pages] = process.argv.slice(2);
if (pages.length === 0) {
  console.error("usage: node check.mjs BROWSER RESULT.json EXPOSURE.json PAGE.html...");
  process.exit(2);
}
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const result = JSON.parse(readFileSync(resultPath, "utf8"));
const exposure = JSON.parse(readFileSync(exposurePath, "utf8"));
const place = dirname(resultPath);

const VERDICTS = {
  en: { compromised: "Compromised", suspected: "Suspected", attempted: "Attempted", unknown: "Unknown", no_evidence: "No evidence found" },
  fr: { compromised: "Compromis", suspected: "Suspect", attempted: "Attaqué", unknown: "Indéterminé", no_evidence: "Aucune trace trouvée" },
};
const STATUSES = {
  en: { vulnerable: "Open", unknown: "Unknown", mitigated: "Mitigated", fixed: "Fixed", not_affected: "Not affected" },
  fr: { vulnerable: "Exposé", unknown: "Inconnu", mitigated: "Atténué", fixed: "Corrigé", not_affected: "Non concerné" },
};
/** What differs between the page of a hunt and that of an assessment. */
const KINDS = {
  report: { rows: verdicts, target: /^#h\d+$/, filter: true, servers: result.hosts.length },
  exposure: { rows: statuses, target: /^#s\d+$/, filter: false, servers: 3 },
};
const WIDTHS = [1280, 768, 400];
/** Folded lists are opened for axe and for the layout checks; the list of all files is left out of axe for its size. */
const FILES = "#manifest .files, .appendix .files";

let wrong = 0;
let checks = 0;
function check(what, holds, detail = "") {
  checks += 1;
  if (holds) return;
  wrong += 1;
  console.error(`WRONG ${what}${detail ? `: ${detail}` : ""}`);
}

/** A page that notes everything it asks for and complains about. */
async function open(browser, report, options) {
  // The content security policy of the page holds for the page, not for what this check puts in.
  const context = await browser.newContext({ bypassCSP: false, ...options });
  const page = await context.newPage();
  const noise = [];
  const url = pathToFileURL(report).href;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && noise.push(message.text()));
  page.on("pageerror", (error) => noise.push(String(error)));
  page.on("request", (request) => request.url() !== url && noise.push(`asks for ${request.url()}`));
  await page.goto(url, { waitUntil: "load" });
  return { page, noise, close: () => context.close() };
}

async function layout(browser, report, name, lang, kind) {
  for (const scheme of ["light", "dark"]) {
    for (const width of WIDTHS) {
      const at = `${name}, ${width} px, ${scheme}`;
      const { page, noise, close } = await open(browser, report, { viewport: { width, height: 900 }, colorScheme: scheme });
      check(`${at}: lang`, (await page.getAttribute("html", "lang")) === lang);
      const over = await page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        const clipped = (element) => {
          for (let above = element.parentElement; above; above = above.parentElement) {
            if (getComputedStyle(above).overflowX !== "visible") return true;
          }
          return false;
        };
        const sticking = [...document.querySelectorAll("main *")].filter(
          (element) => element.getBoundingClientRect().right > width + 1 && !element.closest("svg, .skip") && !clipped(element),
        );
        return { page: document.documentElement.scrollWidth - width, first: sticking[0]?.outerHTML.slice(0, 120) };
      });
      check(`${at}: no sideways scrolling`, over.page <= 0 && !over.first, `${over.page} px over, ${over.first}`);
      const thin = await page.evaluate(() =>
        [...document.querySelectorAll("main td, main th, main p, main li")]
          .filter((element) => element.checkVisibility() && element.textContent.trim().length > 20)
          .filter((element) => element.getBoundingClientRect().width < 60)
          .map((element) => element.outerHTML.slice(0, 120))[0],
      );
      check(`${at}: no text squeezed into a column of letters`, !thin, thin);
      await kind.rows(page, at, lang);
      await page.setViewportSize({ width, height: 1250 });
      await page.screenshot({ path: join(place, `${name}-${width}-${scheme}.png`) });
      check(`${at}: no console message and no request`, noise.length === 0, noise.join("; "));
      await close();
    }
  }
}

/** Each server's verdict is on the first page, in words, beside its name and its client. */
async function verdicts(page, at, lang) {
  const rows = await page.$$eval(".servers tbody tr", (rows) => rows.map((row) => (row.checkVisibility() ? row.innerText : "")));
  check(`${at}: one row per server`, rows.length === result.hosts.length, `${rows.length} of ${result.hosts.length}`);
  for (const host of result.hosts) {
    const words = [host.host, host.tenant ?? "", VERDICTS[lang][host.verdict]];
    check(`${at}: ${host.tenant}/${host.host} ${host.verdict}`, rows.some((row) => words.every((word) => row.includes(word))));
  }
}

/** Each server of the first page has its status, in words, beside its name and its client; so has every chart its words. */
async function statuses(page, at, lang) {
  const rows = await page.$$eval(".servers tbody tr", (rows) => rows.map((row) => (row.checkVisibility() ? row.innerText : "")));
  const first = exposure.servers.slice(0, 10);
  check(`${at}: one row per server`, rows.length === first.length, `${rows.length} of ${first.length}`);
  for (const [index, server] of first.entries()) {
    const words = [server.server, server.tenant ?? "", STATUSES[lang][server.status]];
    check(`${at}: ${server.tenant}/${server.server} ${server.status}`, words.every((word) => rows[index]?.includes(word)));
  }
  const charts = await page.$$eval("svg[role=img]", (charts) => charts.map((chart) => chart.querySelector("desc")?.textContent.length ?? 0));
  check(`${at}: two charts and one for each server`, charts.length === 2 + exposure.servers.length, `${charts.length}`);
  check(`${at}: every chart in words`, charts.every((length) => length > 40));
  const covered = await page.$$eval("svg[role=img]", (charts) =>
    charts.flatMap((chart) => {
      const boxes = [...chart.querySelectorAll("text")].map((text) => text.getBoundingClientRect());
      return boxes.filter((one, index) =>
        boxes.slice(index + 1).some((other) => one.left < other.right - 1 && other.left < one.right - 1 && one.top < other.bottom - 3 && other.top < one.bottom - 3),
      );
    }).length,
  );
  check(`${at}: no label of a chart covers another`, covered === 0, `${covered}`);
}

async function accessibility(browser, report, name) {
  for (const [width, colorScheme] of [[1280, "light"], [1280, "dark"], [400, "light"]]) {
    const { page, close } = await open(browser, report, { viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
    await page.evaluate((files) => {
      for (const list of document.querySelectorAll(files)) for (const row of [...list.tBodies[0].rows].slice(50)) row.remove();
      for (const details of document.querySelectorAll("details")) details.open = true;
    }, FILES);
    await page.evaluate(axe);
    const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    check(`${name}: axe looked at something`, passes.length > 10);
    for (const violation of violations) {
      const where = violation.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ");
      const serious = ["serious", "critical"].includes(violation.impact);
      const said = `${violation.impact} ${violation.id}: ${violation.help} (${violation.nodes.length}: ${where})`;
      check(`${name}, ${width} px, ${colorScheme}: axe`, !serious, said);
      if (!serious) console.log(`note: ${name}, ${width} px: ${said}`);
    }
    const levels = await page.$$eval("h1, h2, h3, h4", (heads) => heads.map((head) => Number(head.tagName[1])));
    const jump = levels.findIndex((level, index) => index > 0 && level > levels[index - 1] + 1);
    check(`${name}: headings go down one level at a time`, levels[0] === 1 && jump < 0, `at ${jump}`);
    const loose = await page.$$eval("table", (tables) => tables.filter((table) => !table.querySelector("thead th[scope=col]")).length);
    check(`${name}: every table has column heads`, loose === 0);
    await close();
  }
}

/** From the first page to a server and into its folded evidence without a mouse. */
async function keyboard(browser, report, name, kind) {
  const { page, noise, close } = await open(browser, report, { viewport: { width: 1280, height: 900 } });
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement?.className);
  check(`${name}: the first stop is the skip link`, first === "skip", first);
  const focus = async (what) => {
    for (let presses = 0; presses < 400; presses += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((what) => document.activeElement?.matches(what), what)) return true;
    }
    return false;
  };
  check(`${name}: a server's link is reached by Tab`, await focus(".servers a"));
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  check(`${name}: what has the focus is outlined`, outline !== "none", outline);
  await page.keyboard.press("Enter");
  check(`${name}: Enter leads to the server`, kind.target.test(await page.evaluate(() => location.hash)));
  check(`${name}: folded parts are reached by Tab`, await focus("details > summary"));
  await page.keyboard.press("Enter");
  check(`${name}: Enter unfolds`, await page.evaluate(() => document.activeElement.parentElement.open));
  check(`${name}: no console message and no request`, noise.length === 0, noise.join("; "));
  await close();
}

/** The filter of findings hides rows and says how many are left. */
async function filter(browser, report, name) {
  const { page, close } = await open(browser, report, {});
  const box = page.locator(".filter input").first();
  check(`${name}: there is a filter`, (await box.count()) === 1);
  await box.fill("no such text anywhere");
  check(`${name}: the filter counts`, /^0 \/ [1-9]/.test(await page.locator(".filter output").first().innerText()));
  await close();
}

async function paper(browser, report, name, kind) {
  const { page, close } = await open(browser, report, { colorScheme: "dark", viewport: { width: 695, height: 1028 } });
  await page.emulateMedia({ media: "print" });
  const { ground, first, controls } = await page.evaluate(() => ({
    ground: getComputedStyle(document.body).backgroundColor,
    first: document.querySelector(".servers").getBoundingClientRect().bottom,
    controls: [...document.querySelectorAll(".filter, .skip")].filter((element) => element.checkVisibility()).length,
  }));
  check(`${name}: paper is white even for who likes it dark`, ground === "rgb(255, 255, 255)", ground);
  check(`${name}: no controls on paper`, controls === 0);
  // An A4 page within its margins is 184 mm by 272 mm, at 96 dots an inch.
  check(`${name}: all servers on the first sheet`, first <= 1_028, `${first} px`);
  const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
  writeFileSync(join(place, `${name}.pdf`), pdf);
  const sheets = (pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) ?? []).length;
  check(`${name}: a printable number of sheets`, sheets > kind.servers && sheets < 200, `${sheets}`);
  console.log(`${name}: ${sheets} sheets of paper`);
  await close();
}

/** French puts a space that does not break before high punctuation, and writes its apostrophes round. */
async function french(browser, report, name) {
  const { page, close } = await open(browser, report, {});
  const bad = await page.evaluate(() => {
    const own = "h1, h2, h3, .headline, .means, .do, .scope, .next p, figcaption, .reasons, .chain, .statement, .plain";
    const texts = [...document.querySelectorAll(own)].map((element) => element.textContent);
    return texts.filter((text) => / [:;!?»](\s|$)|« /.test(text)).slice(0, 3);
  });
  check(`${name}: no breaking space before high punctuation`, bad.length === 0, bad.join(" | "));
  await close();
}

const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
try {
  for (const report of pages) {
    const lang = report.includes(".fr.") ? "fr" : "en";
    const what = basename(report).startsWith("exposure") ? "exposure" : "report";
    const [name, kind] = [`${what}.${lang}`, KINDS[what]];
    await layout(browser, report, name, lang, kind);
    await accessibility(browser, report, name);
    await keyboard(browser, report, name, kind);
    if (kind.filter) await filter(browser, report, name);
    await paper(browser, report, name, kind);
    if (lang === "fr") await french(browser, report, name);
  }
} finally {
  await browser.close();
}
console.log(`${checks} checks, ${wrong} wrong`);
process.exit(wrong > 0 ? 1 : 0);
