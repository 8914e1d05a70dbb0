// What the pages make of trouble: logs written by an attacker, a page that cannot be shown, a server that refuses to go on.

import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { check, inspect, quiet, settle } from "./browser.mjs";

/** An attacker asks for what looks like a moment and is none: the hunt's reason quotes it, and the pages show it as it is. */
export async function hostile({ page, noise }, server, { api, campaign }) {
  const path = "/owa/auth/2021-99-99T99:99:99Z.gif";
  const lines = ["#Software: Microsoft Internet Information Services 10.0", "#Fields: date time cs-method cs-uri-stem cs-username c-ip sc-status", `2021-03-02 03:11:00 POST ${path} - 203.0.113.45 241`];
  const bytes = gzipSync(`${lines.join("\n")}\n`);
  const target = (await api("GET", "/servers?limit=1")).items[0];
  const upload = await api("POST", "/uploads", { tenant_id: target.tenant_id, server_id: target.id, campaign_id: campaign, name: "u_ex210302.log.gz", size: bytes.length });
  await api("PATCH", `/uploads/${upload.id}`, bytes);
  const piece = await api("POST", `/uploads/${upload.id}/finish`);
  const { id } = await api("POST", "/hunts", { campaign_id: campaign, evidence: [piece.id] });
  let done = await api("GET", `/hunts/${id}`);
  for (const end = Date.now() + 60_000; Date.now() < end && !done.hunt; done = await api("GET", `/hunts/${id}`)) await page.waitForTimeout(200);
  check("a reason quotes what the attacker asked for", JSON.stringify(done.servers).includes(path), JSON.stringify(done.job));
  check("an archive that was opened is not left out", done.hunt.left_out.partly + done.hunt.left_out.unknown === 0 && done.hunt.skipped.length === 0, JSON.stringify([done.hunt.left_out, done.hunt.skipped]));
  await page.goto(`${server.origin}/hunts?campaign=${campaign}`);
  await page.locator("table .link").first().click();
  await page.getByRole("dialog").locator("li", { hasText: path }).first().waitFor();
  await page.waitForTimeout(300);
  await inspect(page, "a hunt that quotes no moment", "fr");
  const text = await page.getByRole("dialog").locator("li", { hasText: path }).first().innerText();
  check("its own moment is said as people write it", text.startsWith("02 mars 2021"), text);
  quiet("what an attacker wrote", noise);
}

/** A page that cannot be shown says so and what to do, and leaves the others as they are. */
export async function broken({ page, noise }, server, shots) {
  await page.goto(`${server.origin}/cases`);
  await settle(page);
  // As after the server was replaced while the pages were open: its newer pages have other names.
  await page.route("**/assets/journal-*.js", (route) => route.abort());
  await page.getByRole("link", { name: "Main courante" }).click();
  await page.getByText("Cette page n’a pas pu s’afficher").waitFor();
  await inspect(page, "a page that cannot be shown", "fr");
  await page.screenshot({ path: join(shots, "broken-fr.png") });
  check("it is said why", (await page.getByRole("alert").innerText()).includes("journal-"), await page.getByRole("alert").innerText());
  await page.getByRole("link", { name: "Dossiers" }).click();
  await page.getByRole("heading", { name: "Dossiers", level: 1 }).waitFor();
  check("other pages are shown", (await page.getByText("Cette page n’a pas pu s’afficher").count()) === 0);
  await page.getByRole("link", { name: "Main courante" }).click();
  await page.unroute("**/assets/journal-*.js");
  await page.getByRole("button", { name: "Recharger la page" }).click();
  await page.getByRole("heading", { name: "Main courante", level: 1 }).waitFor();
  await settle(page);
  check("the browser said what was missing", noise.splice(0).some((line) => line.includes("journal-")));
}

/** A list whose later page is refused says so, asks no more by itself, and goes on when it is told to. */
export async function refusal({ page, noise }, server, { api }, shots) {
  const { total } = await api("GET", "/findings?limit=1");
  const SOME = 30;
  check("there is more than one page of them", total > SOME, `${total}`);
  let [asked, read] = [0, 0];
  let refuses = true;
  await page.route("**/api/v1/findings?*", (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set("limit", SOME);
    if (!url.searchParams.has("cursor")) {
      read += 1;
      return route.continue({ url: url.href });
    }
    asked += 1;
    const problem = { type: "about:blank", title: "Too Many Requests", status: 429, detail: "too many requests", code: "too_many" };
    return refuses ? route.fulfill({ status: 429, contentType: "application/problem+json", body: JSON.stringify(problem) }) : route.continue({ url: url.href });
  });
  await page.goto(`${server.origin}/findings?state=all`);
  const box = page.getByRole("alert").filter({ hasText: "Trop de demandes" });
  const list = page.getByRole("listbox");
  const shown = () => list.evaluate((list) => Math.round(list.firstElementChild.offsetHeight / list.querySelector("[role=option]").offsetHeight));
  await list.waitFor();
  await list.focus();
  await page.keyboard.press("End");
  await box.waitFor();
  await page.waitForTimeout(1_000);
  // Something may have changed meanwhile: then the list is read anew.
  check("a refused page is asked for once each time that the list is read", asked >= 1 && asked <= read, `${asked} times, ${read} read`);
  check("what is there stays", (await page.getByRole("option").count()) > 0);
  await inspect(page, "a list that cannot go on", "fr");
  await page.screenshot({ path: join(shots, "refused-fr.png") });
  refuses = false;
  asked = 0;
  await box.getByRole("button", { name: "Réessayer" }).click();
  await box.waitFor({ state: "detached" });
  await list.focus();
  for (const end = Date.now() + 20_000; Date.now() < end && (await shown()) < total; ) {
    await page.keyboard.press("End");
    await page.waitForTimeout(50);
  }
  check("it goes on to the end when it is told to", (await shown()) === total && asked >= total / SOME - 1, `${await shown()} of ${total}, asked ${asked} times`);
  await page.unroute("**/api/v1/findings?*");
  const others = noise.splice(0).filter((line) => !line.includes("429"));
  check("a refused page: quiet otherwise", others.length === 0, others.join("; "));
}
