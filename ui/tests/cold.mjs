// How long a board takes that is opened by its address in a browser that has never been here, until its rows are there:
//   VIGIE=path/to/vigie CHROMIUM=/usr/bin/chromium node tests/cold.mjs [TENANTS [ROUNDS]]
// Build the pages, then the program with --release, before. Two servers a tenant.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "./browser.mjs";
import { serve } from "./server.mjs";

const [tenants, rounds] = [Number(process.argv[2] ?? 500), Number(process.argv[3] ?? 11)];
const PASSWORD = "the quick brown heron wades at 5";
const place = mkdtempSync(join(tmpdir(), "vigie-cold-"));
const server = await serve(process.env.VIGIE, join(place, "data"));
const browser = await launch();
try {
  const context = await browser.newContext();
  const api = async (method, path, data, headers = {}) => {
    const response = await context.request.fetch(`${server.origin}/api/v1${path}`, { method, data, headers: { Origin: server.origin, ...headers } });
    if (!response.ok()) throw new Error(`${method} ${path}: ${response.status()} ${await response.text()}`);
    return response.json();
  };
  await api("POST", "/setup", { token: new URL(server.setUp).searchParams.get("token"), login: "aline", name: "Aline Morel", password: PASSWORD, locale: "fr" });
  const { csrf } = await api("POST", "/session", { user: "aline", password: PASSWORD });
  const signed = { "X-CSRF-Token": csrf };
  const lines = ["tenant;server;product;build;build_source;published;observed_at"];
  for (let tenant = 0; tenant < tenants; tenant += 1) for (const host of ["EX01", "EX02"]) lines.push(`client-${String(tenant).padStart(4, "0")};${host};Exchange 2016;15.1.2176.2;exsetup;oui;2026-01-01`);
  await api("POST", "/inventories?file_name=inventaire.csv&new_tenants=true&new_servers=true", Buffer.from(`${lines.join("\n")}\n`), { ...signed, "Content-Type": "application/octet-stream" });
  const ids = (await api("GET", "/tenants?limit=1000")).items.map(({ id }) => id);
  const pack = (await api("GET", "/packs")).find(({ name }) => name === "hafnium-2021");
  const campaign = await api("POST", "/campaigns", { title: "HAFNIUM", pack: pack.name, pack_version: pack.version, tenants: ids, stale_hours: {} }, signed);
  const state = await context.storageState();
  const times = [];
  for (let round = 0; round <= rounds; round += 1) {
    // A context of its own has an empty cache.
    const fresh = await browser.newContext({ storageState: state, viewport: { width: 1366, height: 768 } });
    await fresh.addInitScript(() => {
      new MutationObserver((_, watch) => {
        if (!document.querySelector(".grid-body [role=row]")) return;
        watch.disconnect();
        requestAnimationFrame(() => setTimeout(() => (globalThis.rowsAt = performance.now())));
      }).observe(document, { childList: true, subtree: true });
    });
    const page = await fresh.newPage();
    await page.goto(`${server.origin}/campaigns/${campaign.id}`);
    await page.waitForFunction(() => globalThis.rowsAt !== undefined);
    // The first round warms the server and the browser up.
    if (round > 0) times.push(await page.evaluate(() => globalThis.rowsAt));
    await fresh.close();
  }
  times.sort((a, b) => a - b);
  console.log(`${ids.length} tenants, ${ids.length * 2} servers, ${rounds} rounds: rows after ${Math.round(times[times.length >> 1])} ms in the median, ${Math.round(times[0])} to ${Math.round(times.at(-1))} ms`);
} finally {
  await browser.close();
  await server.stop();
  rmSync(place, { recursive: true, force: true });
}
