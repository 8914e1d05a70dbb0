// What a team does to the things of a crisis, by hand in the pages, in French: each change is looked up by the API after.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { check, inspect, settle } from "./browser.mjs";

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
const quiet = (what, noise) => check(`${what}: quiet`, noise.length === 0, noise.splice(0).join("; "));

/** A case: what is said of it, who was faster, tasks, entities, servers, what is attached. */
export async function caseWork({ page, noise, expected }, server, { api, put }, id, shots) {
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
  expected.add(412);
  await dialog(page).getByRole("button", { name: "Enregistrer" }).click();
  await dialog(page).getByRole("alert").getByText("Aline Morel").waitFor();
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
  await page.getByText(/serveurs évalués/).waitFor();
  const hunts = (await api("GET", `/hunts?campaign=${campaign}`)).items.length;
  const wide = async (act) => {
    await page.getByRole("button", { name: act, exact: true }).click();
    check(`${act} takes the word`, await dialog(page).getByRole("button", { name: act, exact: true }).isDisabled());
    await dialog(page).getByRole("textbox").fill("tous les clients");
    await inspect(page, act, "fr");
    await confirm(page, act);
  };
  await wide("Tout chasser de nouveau");
  await page.waitForFunction((all) => document.querySelectorAll("table tbody tr").length > all, hunts, { timeout: 180_000 });
  check("hunting again says what it changed", /\d+ connus/.test(await page.locator("main").innerText()));
  await inspect(page, "who hunted what", "fr");
  await wide("Clore la campagne");
  await page.getByRole("button", { name: "Rouvrir la campagne" }).waitFor();
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
  check("evidence comes out whole", readFileSync(await file.path()).length === (await api("GET", `/evidence/${id}`)).size);
  await page.getByText("a exporté une preuve").waitFor();
  await inspect(page, "custody", "fr");
  await page.getByRole("button", { name: "Lever le gel" }).click();
  await dialog(page).getByLabel("Pourquoi").fill("Dossier soldé");
  await confirm(page, "Lever le gel");
  await page.getByText("levé", { exact: true }).waitFor();
  quiet("custody", noise);
}

/** An alert is taken on and becomes a case; an entry of the catalogue is revoked. */
export async function judgements({ page, noise }, server, { api }) {
  const tenant = (await api("GET", "/tenants")).items[0].id;
  await api("POST", "/alerts", { tenant_id: tenant, source: "edr", external_id: "A-1", title: "w3wp.exe lance cmd.exe", severity: "high", details: { host: "EX01" } });
  await page.goto(`${server.origin}/alerts`);
  await page.getByText("w3wp.exe lance cmd.exe").waitFor();
  await inspect(page, "alerts", "fr");
  await page.getByRole("button", { name: "Prendre en charge" }).click();
  await confirm(page, "Prendre en charge");
  await page.getByText("Aucune alerte à traiter").waitFor();
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

/** The audit: verified, a root published, a chain taken out. */
export async function audit({ page, noise }, server, { api }) {
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
  check("a chain comes out as lines of JSON", lines.length > 3 && lines.every((line) => JSON.parse(line)));
  quiet("audit", noise);
}

/** Filters kept under a name, and found again after a reload, on the board and the findings. */
export async function views({ page, noise }, server, { campaign, api }) {
  for (const [path, query] of [[`/campaigns/${campaign}`, "verdict=compromised"], ["/findings", "severity=critical"]]) {
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
    check(`a view of ${path} brings its filters back`, true);
    await page.getByRole("button", { name: "Le pire" }).waitFor();
  }
  check("views are kept with their sharing", (await api("GET", "/views?page=board"))[0].shared === true);
  quiet("views", noise);
}

/** The second factor's code to scan holds what the server gave: as many squares dark as it should, and one quiet border. */
export async function secondFactor({ page, noise }, server) {
  await page.goto(`${server.origin}/settings`);
  await page.getByRole("button", { name: "L’activer" }).click();
  const code = page.getByRole("img", { name: "Code QR du second facteur" });
  await code.waitFor();
  const { size, squares } = await code.evaluate((svg) => ({ size: svg.viewBox.baseVal.width, squares: svg.querySelector("path").getAttribute("d").split("M").length - 1 }));
  check("the QR code is drawn", size >= 29 && squares > 200, `${squares} of ${size}²`);
  await inspect(page, "second factor", "fr");
  quiet("second factor", noise);
}
