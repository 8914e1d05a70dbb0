// What a team does to the things of a crisis, by hand in the pages, in French: each change is looked up by the API after.

import { execFileSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import jsqr from "jsqr";
import { check, inspect, open, quiet, settle } from "./browser.mjs";

const dialog = (page) => page.getByRole("dialog");
/** Presses the button of the dialogue that is open and waits until it is gone. */
async function confirm(page, name) {
  await dialog(page).getByRole("button", { name, exact: true }).click();
  await dialog(page).waitFor({ state: "detached" });
}
async function choose(place, page, label, option) {
  await place.getByRole("combobox", { name: label }).click();
  await page.getByRole("option", { name: option }).first().click();
}

/** A case: what is said of it, who was faster, tasks, entities, servers, what is attached. */
export async function caseWork({ page, noise, refused }, server, { api, put }, id, shots) {
  const path = `/cases/${id}`;
  await page.goto(server.origin + path);
  await settle(page);
  await page.getByRole("button", { name: "Modifier", exact: true }).first().click();
  await dialog(page).getByLabel("Titre").fill("Serveur de messagerie compromis");
  await dialog(page).getByLabel(/^Échéance/).fill("2030-01-02T10:30");
  await dialog(page).getByText("Partagé avec le client").click();
  await inspect(page, "change a case", "fr");
  // Somebody else gives it another severity meanwhile.
  const before = await api("GET", path);
  const fields = { title: before.title, severity: "low", due_at: null, shared: false };
  await put(path, before.revision, fields);
  await refused(412, "PUT", path, async () => {
    await dialog(page).getByRole("button", { name: "Enregistrer" }).click();
    await dialog(page).getByRole("alert").getByText("Aline Morel").waitFor();
  });
  const told = await dialog(page).getByRole("alert").innerText();
  check("who was faster, and what they changed, is shown", told.includes("Aline Morel") && told.includes("faible"), told);
  await inspect(page, "somebody was faster", "fr");
  await page.screenshot({ path: join(shots, "conflict-fr.png") });
  await confirm(page, "Enregistrer");
  const after = await api("GET", path);
  check("both changes are kept", after.title === "Serveur de messagerie compromis" && after.severity === "low" && after.shared === true && after.due_at === "2030-01-02T10:30:00Z", JSON.stringify(after));

  await page.getByRole("tab", { name: "Tâches" }).click();
  await page.getByRole("textbox", { name: "Tâche" }).fill("Isoler le serveur");
  await choose(page.locator("form.add"), page, "Confié à", "Aline Morel");
  await page.locator("form.add").getByLabel(/^Échéance/).fill("2030-01-02T11:00");
  await page.getByRole("button", { name: "Ajouter" }).click();
  await page.getByText("Isoler le serveur").waitFor();
  await inspect(page, "tasks", "fr");
  const task = (await api("GET", `${path}/items`)).find((item) => item.body.kind === "task");
  check("a task has its person and its time", task.body.assigned_to !== null && task.body.due_at === "2030-01-02T11:00:00Z", JSON.stringify(task));
  await page.locator(".item").getByRole("button", { name: "Modifier" }).click();
  await dialog(page).getByRole("textbox", { name: "Tâche" }).fill("Isoler le serveur du réseau");
  await confirm(page, "Enregistrer");
  await page.getByText("Isoler le serveur du réseau").waitFor();

  await page.getByRole("tab", { name: "Entités" }).click();
  await page.getByRole("textbox", { name: "Valeur" }).fill("203.0.113.45");
  await page.getByRole("textbox", { name: "Son rôle" }).fill("source de l’attaque");
  await page.getByRole("button", { name: "Ajouter" }).click();
  await page.getByText("source de l’attaque").waitFor();
  await inspect(page, "entities", "fr");
  await page.locator(".item").getByRole("button", { name: "Retirer" }).click();
  await page.getByText("Aucune entité").waitFor();

  await page.getByRole("tab", { name: "Constats, alertes, preuves" }).click();
  await page.getByRole("button", { name: "Rattacher" }).click();
  await choose(dialog(page), page, "Quoi", "preuve");
  await choose(dialog(page), page, /^Chez/, /\.tar/);
  await inspect(page, "attach", "fr");
  await confirm(page, "Rattacher");
  await page.locator(".history a[href^='/evidence/']").waitFor();
  check("evidence is attached", (await api("GET", `${path}/links`)).some((link) => link.kind === "evidence"));
  await page.locator(".history a[href^='/findings/']").first().click();
  await page.locator(".lines li").first().waitFor();
  await inspect(page, "one finding", "fr");
  quiet("case work", noise);
}

/** Clients and servers: entered, changed, archived and taken back, an observation by hand. */
export async function inventory({ page, noise }, server, { api }) {
  await page.goto(`${server.origin}/tenants`);
  await page.getByRole("button", { name: "Saisir un client" }).click();
  await dialog(page).getByLabel("Nom").first().fill("Étude Garnier");
  await dialog(page).getByRole("button", { name: "Ajouter un contact" }).click();
  await dialog(page).getByRole("group", { name: "Contacts" }).getByLabel("Téléphone").fill("+33 1 23 45 67 89");
  await inspect(page, "enter a client", "fr");
  await confirm(page, "Enregistrer");
  await page.getByRole("link", { name: "Étude Garnier" }).click();
  // A file brought in here is of this client, whatever it says: that is said before and after.
  await page.getByRole("button", { name: "Importer un inventaire" }).click();
  await dialog(page).getByText("Tout le fichier sera attribué à Étude Garnier").waitFor();
  await page.locator('input[type="file"]').setInputFiles({ name: "servers.csv", mimeType: "text/csv", buffer: Buffer.from("client;serveur\nMairie;MX0\n") });
  await dialog(page).getByText("Colonne « client » ignorée").waitFor();
  await inspect(page, "import for one client", "fr");
  await dialog(page).getByRole("button", { name: "Fermer" }).click();
  await dialog(page).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Saisir un serveur" }).click();
  await dialog(page).getByLabel("Nom", { exact: false }).first().fill("MX1");
  await dialog(page).getByLabel("Adresses").fill("192.0.2.7, 192.0.2.8");
  await confirm(page, "Enregistrer");
  await page.getByText("192.0.2.7, 192.0.2.8").waitFor();
  await page.getByRole("link", { name: "MX1" }).click();
  await page.getByRole("tab", { name: "Observations" }).click();
  await page.getByRole("button", { name: "Saisir une observation" }).click();
  await dialog(page).getByRole("textbox", { name: "version" }).fill("15.1.2507.61");
  await dialog(page).getByLabel("Où vous l’avez vu").fill("au téléphone");
  await inspect(page, "an observation by hand", "fr");
  await confirm(page, "Enregistrer");
  await page.getByText("15.1.2507.61").first().waitFor();
  check("an observation says who saw it where", (await page.locator("table").innerText()).includes("vu par · Aline Morel · au téléphone"), await page.locator("table").innerText());
  for (const [button, archived] of [["Archiver", true], ["Sortir de l’archive", false]]) {
    await page.getByRole("button", { name: button }).click();
    await confirm(page, button);
    await page.getByRole("button", { name: archived ? "Sortir de l’archive" : "Archiver" }).waitFor();
    const { items } = await api("GET", "/servers?q=MX1&archived=true");
    check(`${button} does so`, (items[0].archived_at !== null) === archived);
  }
  quiet("inventory", noise);
}

const sum = (hunts, word) => hunts.reduce((total, { changes }) => total + changes[word], 0);

/** Waits until the page of a campaign lists so many hunts; they, newest first. */
async function hunted(page, api, campaign, count) {
  await page.waitForFunction((count) => document.querySelectorAll("table tbody tr").length >= count, count, { timeout: 180_000 });
  const { items } = await api("GET", `/hunts?campaign=${campaign}&limit=500`);
  check("the page lists every hunt once", (await page.locator("table tbody tr").count()) === count && items.length >= count, `${await page.locator("table tbody tr").count()} rows, ${count} awaited, ${items.length} hunts`);
  return items.slice(0, count);
}

/** That a campaign's page says of these hunts what each changed, and all together. */
async function shows(page, what, hunts) {
  const rows = await page.locator("table tbody tr").evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll("td.num")].map((cell) => Number(cell.textContent.replace(/\D/g, ""))).join()));
  const told = hunts.map(({ changes }) => [changes.new, changes.known, changes.gone].join());
  check(`${what}: each hunt says what it changed`, rows.join(" ") === told.join(" "), `${rows.join(" ")} on the page, ${told.join(" ")} in truth`);
  const line = (await page.getByRole("status").filter({ hasText: "connus" }).innerText()).replace(/\s/g, " ");
  const [count, ...sums] = line.match(/\d[\d ]*/g).map((number) => Number(number.replace(/ /g, "")));
  check(`${what}: the sum is of all of them`, count === hunts.length && sums.join() === ["new", "known", "gone"].map((word) => sum(hunts, word)).join(), line);
}

/** The campaign as a whole: a client in and out, exposure worked out again, everything hunted again, closed and reopened. */
export async function steer({ page, noise }, server, { api, campaign }) {
  await page.goto(`${server.origin}/campaigns/${campaign}`);
  await page.getByRole("link", { name: "Gérer la campagne" }).click();
  await settle(page);
  await page.getByRole("button", { name: "Faire entrer des clients" }).click();
  await choose(dialog(page), page, "Clients", "Étude Garnier");
  await page.keyboard.press("Escape");
  await confirm(page, "Faire entrer 1 client");
  await page.getByRole("button", { name: "Retirer Étude Garnier" }).click();
  check("to take a client out, its name is typed", await dialog(page).getByRole("button", { name: "Retirer", exact: true }).isDisabled());
  await dialog(page).getByRole("textbox").fill("Étude Garnier");
  await confirm(page, "Retirer");
  await page.getByRole("button", { name: "Réévaluer l’exposition" }).click();
  await page.getByText(/Exposition évaluée/).waitFor();
  const before = (await api("GET", `/hunts?campaign=${campaign}`)).items;
  const dismissed = (await api("GET", `/findings?campaign=${campaign}&state=dismissed&limit=1`)).total;
  const wide = async (act) => {
    await page.getByRole("button", { name: act, exact: true }).click();
    check(`${act} takes the word`, await dialog(page).getByRole("button", { name: act, exact: true }).isDisabled());
    await dialog(page).getByRole("textbox").fill("tous les clients");
    await inspect(page, act, "fr");
    await confirm(page, act);
  };
  await wide("Tout chasser de nouveau");
  // One hunt for each piece of evidence again: all was found before; what was dismissed is not found any more.
  const again = await hunted(page, api, campaign, 2 * before.length);
  const latest = again.slice(0, before.length);
  const all = sum(before, "new");
  check("hunting again finds the same, without what was dismissed", dismissed === 1 && sum(latest, "new") === 0 && sum(latest, "gone") === dismissed && sum(latest, "known") === all - dismissed, `${JSON.stringify(latest.map(({ changes }) => changes))}, of ${all}`);
  await shows(page, "hunting again", again);
  await inspect(page, "who hunted what", "fr");
  await wide("Clore la campagne");
  await page.getByRole("button", { name: "Rouvrir la campagne" }).waitFor();
  check("the campaign is closed", typeof (await api("GET", `/campaigns/${campaign}`)).closed_at === "string");
  await wide("Rouvrir la campagne");
  await page.getByRole("button", { name: "Clore la campagne" }).waitFor();
  check("the campaign is open again", (await api("GET", `/campaigns/${campaign}`)).closed_at === null);
  quiet("steering", noise);
}

/** Evidence: verified, held, taken out with a reason. */
export async function custody({ page, noise }, server, { api }) {
  await page.goto(`${server.origin}/evidence`);
  await page.locator("tbody a").first().click();
  await page.getByRole("button", { name: "La vérifier" }).click();
  await page.getByText("Telle que reçue").waitFor();
  await page.getByRole("button", { name: "Geler cette preuve" }).click();
  await dialog(page).getByLabel("Pourquoi").fill("Assurance");
  await confirm(page, "Geler cette preuve");
  await page.getByText("en vigueur").waitFor();
  const id = page.url().split("/").at(-1);
  check("evidence is held", (await api("GET", `/evidence/${id}`)).held === true);
  await page.getByRole("button", { name: "L’exporter" }).click();
  await dialog(page).getByLabel("Pourquoi").fill("Remise à l’expert");
  await inspect(page, "take evidence out", "fr");
  const [file] = await Promise.all([page.waitForEvent("download"), dialog(page).getByRole("button", { name: /^Exporter/ }).click()]);
  const { sha256 } = await api("GET", `/evidence/${id}`);
  check("evidence comes out byte for byte", createHash("sha256").update(readFileSync(await file.path())).digest("hex") === sha256 && (await page.locator("main").innerText()).includes(sha256), sha256);
  await page.getByText("a exporté une preuve").waitFor();
  await inspect(page, "custody", "fr");
  await page.getByRole("button", { name: "Lever le gel" }).click();
  await dialog(page).getByLabel("Pourquoi").fill("Dossier soldé");
  await confirm(page, "Lever le gel");
  await page.getByText("levé", { exact: true }).waitFor();
  quiet("custody", noise);
}

/** Two alerts from elsewhere, which every look at the pages then has. */
export async function alerts({ api }) {
  const tenant = (await api("GET", "/tenants")).items[0].id;
  const raise = (external_id, title) => api("POST", "/alerts", { tenant_id: tenant, source: "edr", external_id, title, severity: "high", details: { host: "EX01" } });
  await raise("A-1", "w3wp.exe lance cmd.exe");
  await raise("A-2", "Connexion depuis un pays inhabituel");
}

/** An alert is taken on and becomes a case, another is dismissed; an entry of the catalogue is revoked. */
export async function judgements({ page, noise }, server, { api }) {
  await page.goto(`${server.origin}/alerts`);
  const raised = (title) => page.locator(".item", { hasText: title });
  await raised("w3wp.exe lance cmd.exe").getByRole("button", { name: "Prendre en charge" }).click();
  await confirm(page, "Prendre en charge");
  await raised("w3wp.exe lance cmd.exe").waitFor({ state: "detached" });
  await raised("Connexion depuis un pays inhabituel").getByRole("button", { name: "Écarter" }).click();
  await dialog(page).getByLabel("Pourquoi").fill("Voyage annoncé");
  await confirm(page, "Écarter");
  await page.getByText("Aucune alerte à traiter").waitFor();
  check("an alert is dismissed with its reason", (await api("GET", "/alerts?state=dismissed")).items.map(({ reason }) => reason).join() === "Voyage annoncé");
  const [alert] = (await api("GET", "/alerts?state=acknowledged")).items;
  await page.goto(`${server.origin}/alerts?alert=${alert.id}`);
  await page.getByRole("button", { name: "Vers un dossier" }).click();
  await dialog(page).getByRole("button", { name: "Ouvrir un dossier" }).click();
  await page.waitForURL("**/cases/*");
  check("an alert became a case", (await api("GET", "/cases")).items[0].title === "w3wp.exe lance cmd.exe");
  await page.goto(`${server.origin}/catalogue`);
  await page.getByText("1 entrée").waitFor();
  await inspect(page, "catalogue", "fr");
  await page.getByRole("button", { name: "Révoquer" }).click();
  await confirm(page, "Révoquer");
  await page.getByText("Le catalogue est vide").waitFor();
  check("the entry is revoked", (await api("GET", "/catalogue")).items[0].revoked_at !== null);
  quiet("judgements", noise);
}

/** The status of `vigie audit verify`. */
function verified(vigie, file) {
  try {
    execFileSync(vigie, ["audit", "verify", file], { stdio: "ignore" });
    return 0;
  } catch (error) {
    return error.status;
  }
}

/** The audit: verified, a root published, a chain taken out. */
export async function audit({ page, noise }, server, { api }, vigie, place) {
  await page.goto(`${server.origin}/audit`);
  await page.getByRole("button", { name: "Vérifier toutes les chaînes" }).click();
  await page.getByText("Tout est tel qu’écrit").waitFor();
  const roots = (await api("GET", "/audit/roots")).length;
  await page.getByRole("button", { name: "Publier une racine" }).click();
  await page.getByText("Une racine est publiée").waitFor();
  check("a root was published", (await api("GET", "/audit/roots")).length === roots + 1);
  await inspect(page, "audit", "fr");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Exporter une chaîne" }).click()]);
  const lines = readFileSync(await file.path(), "utf8").trim().split("\n");
  check("a chain comes out as lines of JSON", lines.length > 3 && lines.every((line) => typeof JSON.parse(line) === "object"));
  // Checked as whoever gets it would, without a desk: as it came out, and with one letter changed.
  check("the chain holds without a desk", verified(vigie, await file.path()) === 0);
  const forged = join(place, "forged.jsonl");
  writeFileSync(forged, lines.map((line) => line.replace("Aline Morel", "Aline Moreau")).join("\n"));
  check("a forged chain does not", verified(vigie, forged) === 3);
  quiet("audit", noise);
}

/** Filters kept under a name, and found again after a reload, on the board and the findings. */
export async function views({ page, noise }, server, { campaign, api }) {
  // What the list then holds must be what the API holds behind those filters, and less than all.
  const board = async (query) => (await api("GET", `/campaigns/${campaign}/board?${query}`)).tenants.items.length;
  const findings = async (query) => (await api("GET", `/findings?state=new&${query}`)).total;
  const rows = () => page.locator(".tenant-row").count();
  const counted = async () => Number((await page.locator("[role=status].muted").first().innerText()).replace(/\D/g, ""));
  for (const [path, query, of, shown] of [[`/campaigns/${campaign}`, "verdict=compromised", board, rows], ["/findings", "severity=critical", findings, counted]]) {
    await page.goto(`${server.origin}${path}?${query}`);
    await settle(page);
    await page.getByRole("button", { name: "Vues enregistrées" }).click();
    await page.waitForTimeout(300);
    await inspect(page, `views of ${path.split("/")[1]}`, "fr");
    await page.getByRole("menuitem", { name: "Enregistrer ces filtres" }).click();
    await page.getByRole("menu").waitFor({ state: "detached" });
    await dialog(page).getByLabel("Nom").fill("Le pire");
    await dialog(page).getByText("La partager avec l’équipe").click();
    await inspect(page, `save a view of ${path.split("/")[1]}`, "fr");
    await confirm(page, "Enregistrer");
    await page.goto(server.origin + path);
    await settle(page);
    await page.getByRole("button", { name: "Vues enregistrées" }).click();
    await page.getByRole("menuitem", { name: /Le pire/ }).click();
    await page.waitForURL(`**${path}?${query}`);
    await settle(page);
    const [behind, all] = [await of(query), await of("")];
    // Until the answer is there the list still holds what it held.
    for (const end = Date.now() + 10_000; Date.now() < end && (await shown()) !== behind; ) await page.waitForTimeout(50);
    check(`a view of ${path} brings its filters back`, (await shown()) === behind && behind < all, `${await shown()} shown, ${behind} behind the filter, ${all} in all`);
    await page.getByRole("button", { name: "Le pire" }).waitFor();
  }
  for (const list of ["board", "findings"]) check(`a view of ${list} is kept with its sharing`, (await api("GET", `/views?page=${list}`)).map(({ name, shared }) => `${name} ${shared}`).join() === "Le pire true");
  quiet("views", noise);
}

/** What every cell of a stage says on a campaign's board. */
async function words(api, campaign, stage) {
  const { tenants } = await api("GET", `/campaigns/${campaign}/board?limit=1000`);
  return tenants.items.flatMap(({ servers }) => servers.map(({ cells }) => cells.find((cell) => cell.stage === stage).detail));
}

/** A newer version of a pack in the data folder, in which the rule `old` was written anew: it finds the same under another identity. */
function newerPack(data, pack, [from, to], old) {
  const folder = join(data, "packs", pack);
  cpSync(new URL(`../../packs/${pack}`, import.meta.url), folder, { recursive: true });
  const change = (file, before, after) => {
    const text = readFileSync(join(folder, file), "utf8");
    if (!text.includes(before)) throw new Error(`${file} does not hold ${before}`);
    writeFileSync(join(folder, file), text.replaceAll(before, after));
  };
  change("pack.yaml", `version: ${from}`, `version: ${to}`);
  const rule = execFileSync("grep", ["-rl", `id: ${old}`, "rules"], { cwd: folder, encoding: "utf8" }).trim();
  change(rule, old, `00000000${old.slice(8)}`);
}

/** A campaign goes over to a newer pack: what was hunted counts as outdated until it is hunted again, and the page says what that changed. */
export async function revise({ page, noise }, server, { api, campaign }, data) {
  const { pack, pack_version: before } = await api("GET", `/campaigns/${campaign}`);
  const after = `${before}1`;
  const present = async () => (await api("GET", `/findings?campaign=${campaign}&limit=1000`)).items.filter(({ gone_at }) => !gone_at);
  const found = await present();
  // A Sigma rule: what an indicator or a YARA rule found has no identifier of this form.
  const old = found.find(({ rule_id }) => /^[0-9a-f]{8}-/.test(rule_id)).rule_id;
  const rewritten = found.filter(({ rule_id }) => rule_id === old).length;
  newerPack(data, pack, [before, after], old);
  const earlier = (await api("GET", `/hunts?campaign=${campaign}&limit=500`)).items;
  // What was dismissed once and hidden since is found again, now that its entry of the catalogue is revoked.
  const all = sum(earlier, "new");
  const hunts = earlier.length;

  await page.goto(`${server.origin}/campaigns/${campaign}/manage`);
  await page.getByText(`${pack} ${after} est disponible`).waitFor();
  await inspect(page, "a newer pack", "fr");
  const act = `Passer à la version ${after}`;
  await page.getByRole("button", { name: act }).click();
  check("a newer pack takes the word", await dialog(page).getByRole("button", { name: act }).isDisabled());
  await dialog(page).getByRole("textbox").fill("tous les clients");
  await inspect(page, "go over to a newer pack", "fr");
  await confirm(page, act);
  await page.getByText("Aucune chasse depuis").waitFor();
  check("the campaign runs with the newer pack", (await api("GET", `/campaigns/${campaign}`)).pack_version === after);
  const stale = await words(api, campaign, "hunt");
  check("what was hunted with the older one is outdated", stale.includes("outdated") && !stale.includes("hunted"), stale.join());
  check("nobody counts as unharmed meanwhile", !(await words(api, campaign, "verdict")).includes("no_evidence"));
  // Those before are one click away, marked as of the older version.
  await page.getByText("depuis l’ouverture").click();
  await page.waitForFunction((hunts) => document.querySelectorAll("table tbody tr").length === hunts, hunts);
  check("hunts of the older pack are marked", (await page.locator("table tbody td svg").count()) === hunts, `${await page.locator("table tbody td svg").count()} of ${hunts}`);
  await page.getByText("depuis la révision du pack").click();

  await page.getByRole("button", { name: "Tout chasser de nouveau" }).click();
  await dialog(page).getByRole("textbox").fill("tous les clients");
  await confirm(page, "Tout chasser de nouveau");
  const pieces = (await api("GET", "/evidence?limit=1000")).items.length;
  const again = await hunted(page, api, campaign, pieces);
  check("the rule written anew makes as many new findings as it takes away", sum(again, "new") === rewritten && sum(again, "gone") === rewritten && sum(again, "known") === all - rewritten, `${rewritten} of ${all}: ${JSON.stringify(again.map(({ changes }) => changes))}`);
  await shows(page, "hunting with the newer pack", again);
  await inspect(page, "hunted with a newer pack", "fr");
  check("nothing is outdated any more", !(await words(api, campaign, "hunt")).includes("outdated"));
  check("as much is found as before", (await present()).length === all, `${(await present()).length} of ${all}`);
  quiet("revising", noise);
}

/** What a picture of a QR code says, read from the screen as a telephone's camera would. */
async function scan(context, code) {
  const picture = (await code.screenshot()).toString("base64");
  const canvas = await context.newPage();
  const { data, width, height } = await canvas.evaluate(async (picture) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
    const drawn = new OffscreenCanvas(image.width, image.height).getContext("2d");
    drawn.drawImage(image, 0, 0);
    return { data: [...drawn.getImageData(0, 0, image.width, image.height).data], width: image.width, height: image.height };
  }, picture);
  await canvas.close();
  return jsqr(Uint8ClampedArray.from(data), width, height)?.data;
}

/** What an authentication application shows for a secret, so many steps of 30 seconds from now (RFC 6238). */
function codeOf(secret, ahead = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const tag = createHmac("sha1", key).update(step).digest();
  return String((tag.readUInt32BE(tag.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** A second factor: its code is scanned, what it holds opens the account, and no password does alone. Dropped in the end. */
export async function secondFactor(browser, { page, context, noise }, server, password) {
  await page.goto(`${server.origin}/settings`);
  await page.getByRole("button", { name: "L’activer" }).click();
  const code = page.getByRole("img", { name: "Code QR du second facteur" });
  await code.waitFor();
  await inspect(page, "second factor", "fr");
  const uri = await scan(context, code);
  const secret = uri && new URL(uri).searchParams.get("secret");
  check("the QR code holds the secret that stands beside it", Boolean(secret) && uri.startsWith("otpauth://totp/") && (await page.locator("main").innerText()).includes(secret), String(uri));
  await page.getByRole("textbox", { name: "Code", exact: true }).fill(codeOf(secret));
  await page.getByRole("button", { name: "Confirmer" }).click();
  await page.getByText("Actif depuis le").waitFor();
  await page.getByText("Codes de secours").waitFor();
  const recovery = await page.getByRole("status").locator("li.mono, .mono li").allInnerTexts();
  check("there are recovery codes, each another", recovery.length > 1 && new Set(recovery).size === recovery.length, recovery.join());
  await inspect(page, "recovery codes", "fr");

  // From another machine: the password is not enough, a wrong code is refused, that of the secret opens.
  const other = await open(browser, server.origin, { locale: "fr-FR", viewport: { width: 1366, height: 768 } });
  await other.page.goto(`${server.origin}/sign-in`);
  await other.page.getByLabel("Identifiant").fill("aline");
  await other.page.getByRole("textbox", { name: "Mot de passe" }).fill(password);
  const go = () => other.page.getByRole("button", { name: "Se connecter" }).click();
  await other.refused(401, "POST", "/session", async () => {
    await go();
    await other.page.getByText("Saisissez le code affiché par votre téléphone").waitFor();
  });
  const wrong = String((Number(codeOf(secret, 1)) + 1) % 1_000_000).padStart(6, "0");
  await other.page.getByRole("textbox", { name: "Code" }).fill(wrong);
  await other.refused(401, "POST", "/session", async () => {
    await go();
    await other.page.getByText("Connexion refusée.").waitFor();
  });
  // The code of now was used to confirm, and works once: the next is good already.
  await other.page.getByRole("textbox", { name: "Code" }).fill(codeOf(secret, 1));
  await go();
  await other.page.waitForURL("**/campaigns");
  quiet("second factor, elsewhere", other.noise);
  await other.context.close();

  await page.reload();
  await page.getByRole("textbox", { name: "Code", exact: true }).fill(recovery[0]);
  await page.getByRole("button", { name: "Le retirer" }).click();
  await page.getByText("Inactif").waitFor();
  check("what was dropped is begun anew", (await page.getByRole("button", { name: "L’activer" }).count()) === 1 && (await code.count()) === 0);
  quiet("second factor", noise);
}
