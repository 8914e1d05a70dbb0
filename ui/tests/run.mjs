// Plays a crisis in a real browser against the real program, in French and English:
//   VIGIE=path/to/vigie CHROMIUM=/usr/bin/chromium node tests/run.mjs [FOLDER FOR SCREENSHOTS [FOLDER OF THE DOCUMENTATION'S IMAGES]]
// Exit status 1 when anything is wrong, with a line for each.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { check, inspect, launch, open, quiet, result, settle } from "./browser.mjs";
import { serve } from "./server.mjs";
import { broken, hostile, refusal } from "./trouble.mjs";
import { alerts, audit, caseWork, custody, inventory, judgements, revise, secondFactor, steer, views } from "./work.mjs";

const vigie = process.env.VIGIE;
if (!vigie) {
  console.error("set VIGIE to the program to test; it must have been built after `npm run build`");
  process.exit(2);
}
const shots = resolve(process.argv[2] ?? "shots");
/** Which screenshots the documentation shows, and as what. */
const DOCS = { "board-laptop-fr": "desk-board", "findings-laptop-en": "desk-findings", "conflict-fr": "desk-conflict" };
mkdirSync(shots, { recursive: true });
const place = mkdtempSync(join(tmpdir(), "vigie-ui-"));
const PASSWORD = "the quick brown heron wades at 5";
const VIEWS = [
  { name: "laptop", viewport: { width: 1366, height: 768 } },
  { name: "phone", viewport: { width: 390, height: 844 } },
  { name: "wide", viewport: { width: 2560, height: 1440 } },
];
const LANGUAGES = [
  { locale: "fr", colorScheme: "light" },
  { locale: "en", colorScheme: "dark" },
];

/** Evidence of a provider that does not exist, as an archive per server, and an inventory of its servers. */
function provider() {
  const evidence = join(place, "evidence");
  execFileSync(vigie, ["simulate", "--out", evidence, "--seed", "2021", "--days", "10"], { stdio: "ignore" });
  const tenants = readdirSync(evidence, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const servers = tenants.flatMap((tenant) =>
    readdirSync(join(evidence, tenant)).map((server) => {
      const archive = join(place, `${tenant}-${server}.tar`);
      execFileSync("tar", ["-cf", archive, "-C", join(evidence, tenant), server]);
      return { tenant, server, archive };
    }),
  );
  const today = new Date().toISOString().slice(0, 10);
  const builds = ["15.1.2106.2", "15.1.2176.9", ""];
  const rows = servers.map(({ tenant, server }, index) => [tenant, server, "Exchange 2016", builds[index % builds.length], "exsetup", index % 4 ? "oui" : "?", today].join(";"));
  const inventory = join(place, "inventaire.csv");
  writeFileSync(inventory, `tenant;server;product;build;build_source;published;observed_at\n${rows.join("\n")}\n`);
  return { servers, inventory };
}

/** The first administrator, by the link that the first start prints, then signed in: a wrong password first. */
async function comeIn(browser, server) {
  const { page, context, noise, refused } = await open(browser, server.origin, { locale: "fr-FR", viewport: VIEWS[0].viewport });
  await page.goto(server.setUp);
  await settle(page);
  await inspect(page, "set-up", "fr");
  await page.getByLabel("Identifiant").fill("aline");
  await page.getByLabel("Nom affiché").fill("Aline Morel");
  await page.getByRole("textbox", { name: "Mot de passe", exact: false }).first().fill(PASSWORD);
  await page.getByRole("textbox", { name: "Mot de passe, de nouveau" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Créer le compte" }).click();
  await page.waitForURL("**/sign-in");
  await inspect(page, "sign-in", "fr");
  await page.getByLabel("Identifiant").fill("aline");
  await page.getByRole("textbox", { name: "Mot de passe" }).fill("not the password");
  await refused(401, "POST", "/session", async () => {
    await page.getByRole("button", { name: "Se connecter" }).click();
    await page.locator(".refused").waitFor();
  });
  check("a wrong password is refused in French", (await page.locator(".refused").innerText()).startsWith("Connexion refusée."));
  await page.getByRole("textbox", { name: "Mot de passe" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Se connecter" }).click();
  await page.waitForURL("**/campaigns");
  await settle(page);
  await inspect(page, "no campaign yet", "fr");
  quiet("sign-in", noise);
  return { page, context, noise, refused };
}

/** Imports the inventory, opens a campaign and hunts one server's evidence, by hand in the pages; the rest by the API. */
async function crisis({ page, context, noise }, server, { servers, inventory }) {
  await page.getByRole("link", { name: "Clients" }).first().click();
  await page.getByRole("button", { name: "Importer un inventaire" }).click();
  await page.locator('input[type="file"]').setInputFiles(inventory);
  await page.getByText(`${servers.length} lignes lues`).waitFor();
  await inspect(page, "import", "fr");
  await page.getByRole("dialog").getByRole("button", { name: "Fermer" }).click();
  const api = async (method, path, data, more = {}) => {
    const { csrf } = await (await context.request.get(`${server.origin}/api/v1/session`)).json();
    const headers = { "X-CSRF-Token": csrf, Origin: server.origin, ...more };
    const response = await context.request.fetch(`${server.origin}/api/v1${path}`, Buffer.isBuffer(data) ? { method, data, headers: { ...headers, "Content-Type": "application/octet-stream", "Upload-Offset": "0" } } : { method, data, headers });
    if (!response.ok()) throw new Error(`${method} ${path}: ${response.status()} ${await response.text()}`);
    return response.status() === 204 ? null : response.json();
  };
  const tenants = (await api("GET", "/tenants")).items;
  const idOf = (name) => tenants.find((one) => one.name === name).id;
  // One tenant each of what the provider owes: the SOC's lane, a clock, nothing.
  for (const [index, tenant] of tenants.entries()) {
    const contract = ["soc", "managed", "none"][index % 3];
    const fields = { name: tenant.name, contract, locale: tenant.locale, agency: index % 2 ? "Nantes" : "Lyon", contacts: [], note: "" };
    const { csrf } = await api("GET", "/session");
    const response = await context.request.put(`${server.origin}/api/v1/tenants/${tenant.id}`, { data: fields, headers: { "If-Match": `"${tenant.revision}"`, "X-CSRF-Token": csrf, Origin: server.origin } });
    check(`${tenant.name} got its contract`, response.ok(), await response.text());
  }
  await page.getByRole("link", { name: "Campagnes" }).click();
  await page.getByRole("button", { name: "Ouvrir une campagne" }).click();
  await page.getByRole("combobox", { name: "Pack" }).click();
  await page.getByRole("option", { name: /hafnium-2021/ }).click();
  await inspect(page, "open a campaign", "fr");
  await page.getByRole("button", { name: /^Ouvrir pour/ }).click();
  await page.waitForURL(/campaigns\/.+/);
  const campaign = page.url().split("/").at(-1);
  const [byHand, ...others] = servers;
  await page.getByRole("link", { name: "Chasses" }).click();
  await page.getByRole("combobox", { name: "Client" }).click();
  await page.getByRole("option", { name: byHand.tenant }).click();
  await page.locator('input[type="file"]').setInputFiles(byHand.archive);
  for (const { tenant, archive, server } of others) {
    const bytes = readFileSync(archive);
    const upload = await api("POST", "/uploads", { tenant_id: idOf(tenant), campaign_id: campaign, name: `${server}.tar`, size: bytes.length });
    await api("PATCH", `/uploads/${upload.id}`, bytes);
    const evidence = await api("POST", `/uploads/${upload.id}/finish`);
    await api("POST", "/hunts", { campaign_id: campaign, evidence: [evidence.id] });
  }
  await page.waitForFunction((all) => document.querySelectorAll("table tbody tr").length >= all, servers.length, { timeout: 180_000 });
  const hunts = (await api("GET", `/hunts?campaign=${campaign}`)).items;
  check("every archive was hunted, and none in vain", hunts.length === servers.length && hunts.every(({ stats }) => stats.events > 0), JSON.stringify(hunts.map(({ stats }) => stats.events)));
  quiet("hunting", noise);
  const put = (path, revision, data) => api("PUT", path, data, { "If-Match": `"${revision}"` });
  return { campaign, api, put };
}

/** The analyst's way through findings, by the keyboard alone, and a case with a note full of script. */
async function judge({ page, noise }, server, { campaign, api }) {
  await page.goto(`${server.origin}/findings?campaign=${campaign}`);
  await settle(page);
  const total = async () => (await api("GET", `/findings?state=new&campaign=${campaign}`)).total;
  const before = await total();
  const list = page.getByRole("listbox");
  await list.focus();
  for (const key of ["j", "j", "k", "x", "j", "x"]) await page.keyboard.press(key);
  await page.getByText("2 sélectionnés").waitFor();
  await page.keyboard.press("a");
  const left = (count) => page.waitForFunction((text) => document.querySelector("[role=status].muted")?.textContent?.replace(/\D/g, "") === text, String(count));
  await left(before - 2);
  check("two findings were accepted at once", (await total()) === before - 2);
  await list.focus();
  await page.keyboard.press("d");
  await page.getByLabel("Pourquoi").fill("Contrôle de santé prévu, voir l’inventaire");
  await inspect(page, "dismiss", "fr");
  await page.getByRole("dialog").getByRole("button", { name: "Écarter" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  check("one finding was dismissed", (await api("GET", `/findings?state=dismissed&campaign=${campaign}`)).total === 1);
  // The dialogue is gone, the list was read again, and keys go on from where they were.
  await left(before - 3);
  await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "listbox");
  await page.keyboard.press("e");
  await left(before - 4);
  const [made] = (await api("GET", "/cases")).items;
  check("an escalated finding is a case", made !== undefined);
  await page.goto(`${server.origin}/cases/${made.id}`);
  await settle(page);
  await page.getByRole("textbox", { name: "Note" }).fill('**gras** [go](javascript:window.owned=1) ![x](https://example.org/x.png)\n\n<script>window.owned=1</script><img src=x onerror="window.owned=1">');
  await page.getByRole("button", { name: "Ajouter" }).click();
  await page.locator(".note strong").waitFor();
  check("markup in a note stays text", (await page.locator(".note script, .note img, .note a").count()) === 0 && (await page.evaluate(() => window.owned)) === undefined);
  quiet("judging", noise);
  return made.id;
}

/** The board by keyboard, with its filters in the address. */
async function board({ page, noise }, server, { campaign, api }) {
  const path = `/campaigns/${campaign}`;
  const query = "verdict=compromised&q=e";
  await page.goto(`${server.origin}${path}?${query}`);
  await settle(page);
  check("the address fills the search", (await page.getByLabel("Client ou serveur").inputValue()) === "e");
  const servers = async (query) => (await api("GET", `${path}/board?${query}`)).tenants.items.flatMap((tenant) => tenant.servers.map(({ name }) => name)).sort();
  const shown = (await page.locator(".server-row .who").allInnerTexts()).map((text) => text.trim()).sort();
  const [both, one] = [await servers(query), await servers("q=e")];
  check("the address holds the filters", shown.join() === both.join() && both.length < one.length, `${shown} against ${both}, of ${one}`);
  await page.goto(`${server.origin}/campaigns/${campaign}`);
  await settle(page);
  const world = page.locator(".world summary");
  check("the published curve stands beside exposure", /25\s%/.test(await world.innerText()), await world.innerText());
  await world.click();
  check("each published figure names its page", (await page.locator(".world a[href^='https://']").count()) === 4);
  await inspect(page, "published curve", "fr");
  const grid = page.getByRole("treegrid");
  await grid.focus();
  const rows = await page.locator(".grid-body [role=row]").count();
  await page.keyboard.press("ArrowLeft");
  check("the left arrow closes a client", (await page.locator(".grid-body [role=row]").count()) < rows);
  await page.keyboard.press("Enter");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/servers/**");
  await page.getByRole("tab").first().waitFor();
  const id = new URL(page.url()).pathname.split("/").at(-1);
  check("Enter opens a server", (await page.locator("h1").innerText()) === (await api("GET", `/servers/${id}`)).name, await page.locator("h1").innerText());
  quiet("board", noise);
  return id;
}

/** An analyst comes in by an invitation and sees what an analyst may; a client's contact sees one client and no more. */
async function team(browser, { page }, server) {
  const roles = ["Analyste SOC", "Contact client"];
  let theirs = null;
  for (const [index, role] of roles.entries()) {
    await page.goto(`${server.origin}/settings`);
    await page.getByRole("button", { name: "Ajouter quelqu’un" }).click();
    const form = page.getByRole("dialog");
    await form.getByLabel("Identifiant").fill(`person${index}`);
    await form.getByLabel("Nom").fill(`Personne ${index}`);
    await form.getByRole("combobox", { name: "Rôle" }).click();
    await page.getByRole("option", { name: role }).click();
    if (index === 1) {
      await form.getByRole("combobox", { name: "Clients" }).click();
      theirs = await page.getByRole("option").first().innerText();
      await page.getByRole("option").first().click();
      await page.keyboard.press("Escape");
    }
    await form.getByRole("button", { name: "Ajouter et créer le lien" }).click();
    const link = await page.locator("code", { hasText: "/password?token=" }).innerText();
    const own = await open(browser, server.origin, { locale: "fr-FR", viewport: VIEWS[0].viewport });
    await own.page.goto(link);
    await own.page.getByRole("textbox", { name: "Nouveau mot de passe" }).fill(`${PASSWORD} ${index}`);
    await inspect(own.page, "password link", "fr");
    await own.page.getByRole("button", { name: "Enregistrer" }).click();
    await own.page.waitForURL("**/sign-in");
    await own.page.getByLabel("Identifiant").fill(`person${index}`);
    await own.page.getByRole("textbox", { name: "Mot de passe" }).fill(`${PASSWORD} ${index}`);
    await own.page.getByRole("button", { name: "Se connecter" }).click();
    await own.page.waitForURL("**/campaigns");
    await settle(own.page);
    await own.page.locator(".cards a").first().click();
    await own.page.locator(".tenant-row").first().waitFor();
    await settle(own.page);
    await inspect(own.page, `board of ${role}`, "fr");
    const links = await own.page.getByRole("navigation").innerText();
    check(`${role}: pages`, ["Constats", "Chasses", "Main courante"].every((name) => links.includes(name) === (index === 0)), links);
    const board = own.page.url();
    if (index === 1) {
      for (const page of ["hunts", "findings", "audit"]) {
        await own.page.goto(`${server.origin}/${page}`);
        await own.page.getByText("Cette page n’existe pas").waitFor();
      }
      await own.page.goto(board);
      await own.page.locator(".tenant-row").first().waitFor();
      check("a client's contact sees one client", (await own.page.locator(".tenant-row").count()) === 1);
      check("a client's contact reads whose things he sees", (await own.page.locator(".scope").innerText()).includes(theirs), `${await own.page.locator(".scope").innerText()}, not ${theirs}`);
    }
    quiet(role, own.noise);
    await own.context.close();
  }
}

/** What opens on pages: a cell's proof, a server's hunts and observations, a hunt's answer. */
async function opened(browser, server, state, pages) {
  for (const { locale, colorScheme } of LANGUAGES) {
    const { page, context, noise } = await open(browser, server.origin, { storageState: state, viewport: VIEWS[0].viewport, colorScheme, locale });
    await context.addInitScript((locale) => localStorage.setItem("vigie.locale", locale), locale);
    const see = async (what) => {
      await settle(page);
      await page.waitForTimeout(300);
      await inspect(page, `${what}-${locale}`, locale);
      await page.screenshot({ path: join(shots, `${what}-${locale}.png`) });
    };
    await page.goto(server.origin + pages.board);
    await page.locator(".cell").first().click();
    await page.getByRole("dialog").locator(".history li").first().waitFor();
    await see("cell");
    await page.goto(server.origin + pages.server);
    for (const tab of [1, 2, 3]) {
      await page.getByRole("tab").nth(tab).click();
      await see(`server-tab-${tab}`);
    }
    await page.goto(server.origin + pages.hunts);
    await page.locator("table .link").first().click();
    await page.getByRole("dialog").locator(".bands").first().waitFor();
    await see("hunt");
    await page.goto(server.origin + pages.audit);
    await page.getByRole("button", { name: /^(Verify|Vérifier)/ }).click();
    await page.getByText(/as it was written|tel qu’écrit/).waitFor();
    await see("audit");
    quiet(`opened, ${locale}`, noise);
    await context.close();
  }
}

/** What the pages are made of comes packed and is kept by browsers; the page that names it is looked at each time. */
async function files({ origin }) {
  const head = async (path) => (await fetch(origin + path, { headers: { "Accept-Encoding": "gzip" } })).headers;
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(await (await fetch(origin)).text())[1];
  const asset = await head(script);
  check("scripts come packed", asset.get("content-encoding") === "gzip" && asset.get("cache-control").includes("immutable"), [...asset].join(" "));
  check("the page itself is asked for each time", (await head("/")).get("cache-control") === "no-cache");
}

/** Every page, in each language and size. */
async function look(browser, server, state, pages) {
  for (const { locale, colorScheme } of LANGUAGES) {
    for (const { name, viewport } of VIEWS) {
      const { page, context, noise } = await open(browser, server.origin, { storageState: state, viewport, colorScheme, locale });
      await context.addInitScript((locale) => localStorage.setItem("vigie.locale", locale), locale);
      for (const [what, path] of Object.entries(pages)) {
        const at = `${what}-${name}-${locale}`;
        await page.goto(server.origin + path);
        await page.locator("h1").waitFor();
        await settle(page);
        await inspect(page, at, locale);
        quiet(at, noise);
        await page.screenshot({ path: join(shots, `${at}.png`) });
      }
      await context.close();
    }
  }
}

const browser = await launch();
const server = await serve(vigie, join(place, "data"));
let failed = null;
try {
  const world = provider();
  await files(server);
  const hand = await comeIn(browser, server);
  const where = await crisis(hand, server, world);
  const made = await judge(hand, server, where);
  const id = await board(hand, server, where);
  await caseWork(hand, server, where, made, shots);
  await inventory(hand, server, where);
  await steer(hand, server, where);
  await custody(hand, server, where);
  await views(hand, server, where);
  await secondFactor(browser, hand, server, PASSWORD);
  await audit(hand, server, where, vigie, place);
  await alerts(where);
  const tenant = (await where.api("GET", "/tenants")).items[0].id;
  const [piece, finding] = [(await where.api("GET", "/evidence")).items[0].id, (await where.api("GET", "/findings")).items[0].id];
  const state = await hand.context.storageState();
  const pages = {
    campaigns: "/campaigns", board: `/campaigns/${where.campaign}`, server: `/servers/${id}`, findings: "/findings", cases: "/cases", case: `/cases/${made}`,
    hunts: "/hunts", tenants: "/tenants", tenant: `/tenants/${tenant}`, packs: "/packs", pack: "/packs/hafnium-2021", journal: "/journal", settings: "/settings",
    manage: `/campaigns/${where.campaign}/manage`, finding: `/findings/${finding}`, evidence: "/evidence", piece: `/evidence/${piece}`, alerts: "/alerts", catalogue: "/catalogue", audit: "/audit",
  };
  await team(browser, hand, server);
  await opened(browser, server, state, pages);
  await look(browser, server, state, pages);
  await judgements(hand, server, where);
  await revise(hand, server, where, join(place, "data"));
  await hostile(hand, server, where);
  await broken(hand, server, shots);
  await refusal(hand, server, where, shots);
  if (process.argv[3]) for (const [shot, name] of Object.entries(DOCS)) copyFileSync(join(shots, `${shot}.png`), join(resolve(process.argv[3]), `${name}.png`));
} catch (error) {
  failed = error;
} finally {
  await browser.close();
  await server.stop();
  rmSync(place, { recursive: true, force: true });
}
const { checks, wrong } = result();
if (failed) console.error(failed);
console.log(`${checks} checks, ${wrong} wrong; screenshots: ${shots}`);
process.exit(wrong || failed ? 1 : 0);
