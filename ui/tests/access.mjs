// Signs in at a real identity provider, the certified `oidc-provider`, in a real browser, and reads the API's document without
// signing in:
//   VIGIE=path/to/vigie CHROMIUM=/usr/bin/chromium node tests/access.mjs [FOLDER FOR SCREENSHOTS]
// What a hostile provider could say is tested in crates/server/tests/oidc.rs.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Provider } from "oidc-provider";
import { check, inspect, launch, open, quiet, result, settle } from "./browser.mjs";
import { freePort, serve } from "./server.mjs";

const vigie = process.env.VIGIE;
const shots = resolve(process.argv[2] ?? "shots");
mkdirSync(shots, { recursive: true });
const place = mkdtempSync(join(tmpdir(), "vigie-oidc-"));
const PASSWORD = "the quick brown heron wades at 5";
const SECRET = "a secret of this test, & with signs";

/** Its advice to those who would run it for real. */
for (const level of ["warn", "info"]) {
  const say = console[level];
  console[level] = (text, ...rest) => String(text).startsWith("oidc-provider ") || say(text, ...rest);
}

/** The provider, on this machine. Whoever gives a login is that subject. */
async function provider(vigieOrigin) {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const client = { client_id: "vigie", client_secret: SECRET, redirect_uris: [`${vigieOrigin}/api/v1/oidc/callback`], post_logout_redirect_uris: [`${vigieOrigin}/sign-in`], response_types: ["code"], grant_types: ["authorization_code"] };
  const it = new Provider(issuer, {
    clients: [client],
    pkce: { required: () => true },
    // Pages of its own to log in and agree, for anybody.
    features: { devInteractions: { enabled: true } },
    claims: { openid: ["sub"] },
    cookies: { keys: ["a key of this test"] },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  });
  const server = createServer(it.callback());
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  const exchanges = [];
  it.on("grant.success", () => exchanges.push("taken"));
  it.on("grant.error", (_, error) => exchanges.push(error.message));
  return { issuer, exchanges, stop: () => new Promise((done) => { server.closeAllConnections(); server.close(done); }) };
}

/** Through the provider's pages: log in as `subject`, agree. */
async function recognise(page, subject) {
  await page.locator("input[name=login]").fill(subject);
  await page.locator("input[name=password]").fill("anything");
  await page.locator("button[type=submit]").click();
  await page.locator("button[type=submit]", { hasText: "Continue" }).click();
}

/** A browser of its own, to which the provider is no stranger. */
async function visitor(browser, server, issuer, locale) {
  const seen = await open(browser, server.origin, { locale, viewport: { width: 1366, height: 768 } });
  // The provider's own pages want a font from elsewhere and an icon it has not.
  const FONTS = "https://fonts.googleapis.com/";
  await seen.context.route(`${FONTS}**`, (route) => route.fulfill({ contentType: "text/css", body: "" }));
  await seen.context.route(`${issuer}/favicon.ico`, (route) => route.fulfill({ body: "" }));
  seen.quiet = (what) => {
    const ours = seen.noise.splice(0).filter((line) => !line.includes(issuer) && !line.includes(FONTS));
    check(`${what}: quiet`, ours.length === 0, ours.join("; "));
  };
  return seen;
}

/** The reader of the API's document, by somebody who is not signed in. */
async function reads(browser, server) {
  const document = await (await fetch(`${server.origin}/api/v1/openapi.json`)).json();
  const operations = Object.values(document.paths).flatMap((item) => Object.values(item)).filter(({ operationId }) => operationId);
  for (const { locale, colorScheme, viewport } of [
    { locale: "fr", colorScheme: "light", viewport: { width: 1366, height: 768 } },
    { locale: "en", colorScheme: "dark", viewport: { width: 390, height: 844 } },
  ]) {
    const { page, context, noise } = await open(browser, server.origin, { locale: locale === "fr" ? "fr-FR" : "en-GB", colorScheme, viewport });
    await page.goto(`${server.origin}/docs#open_case`);
    await page.locator(".reader-act").first().waitFor();
    await settle(page);
    check(`reader, ${locale}: all operations`, (await page.locator(".reader-act").count()) === operations.length, `${await page.locator(".reader-act").count()} of ${operations.length}`);
    check(`reader, ${locale}: the address opens one`, (await page.locator("#open_case[open] .reader-fields").count()) > 0);
    await page.getByRole("textbox").fill("findings decide");
    check(`reader, ${locale}: search`, (await page.locator(".reader-act").count()) === 1);
    await page.locator(".reader-act > summary").click();
    await page.locator(".reader-body details > summary").first().click();
    await inspect(page, `reader-${locale}`, locale);
    await page.screenshot({ path: join(shots, `reader-${locale}.png`) });
    quiet(`reader, ${locale}`, noise);
    await context.close();
  }
}

/** An administrator's way: reads who is linked to whom, unlinks, is told when an identity is another's, and links again. */
async function identities(browser, server, issuer, sam, admin, { context, page: theirs }) {
  const { page, noise, refused } = await open(browser, server.origin, { locale: "fr-FR", viewport: { width: 1366, height: 768 } });
  const linked = async () => (await (await fetch(`${server.origin}/api/v1/users/${sam}/identities`, { headers: admin })).json()).map((one) => `${one.issuer} ${one.subject}`).join();
  await page.goto(`${server.origin}/sign-in?to=/settings`);
  await page.getByLabel("Identifiant").fill("aline");
  await page.getByRole("textbox", { name: "Mot de passe" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Se connecter" }).click();
  const row = (name) => page.locator("tbody tr", { hasText: name });
  await row("Sam").getByText("sam-at-the-provider").waitFor();
  await settle(page);
  await inspect(page, "who is linked to whom", "fr");
  await page.screenshot({ path: join(shots, "identities-fr.png") });
  check("whose identity it is", (await row("Sam").innerText()).includes(issuer) && !(await row("Aline Morel").innerText()).includes(issuer));
  check("an administrator without one reads how to get it", (await page.locator("main").innerText()).includes("Votre compte n’est lié à aucune identité chez Portail d’essai"));
  const form = page.getByRole("dialog");
  const link = async (name) => {
    await page.getByRole("button", { name: `Modifier l’identité\u00a0: ${name}` }).click();
    await form.getByLabel("Identifiant chez le fournisseur (sub)").fill("sam-at-the-provider");
    await inspect(page, `identity of ${name}`, "fr");
    await form.getByRole("button", { name: "Lier", exact: true }).click();
  };
  // What is another's stays another's.
  const me = (await (await fetch(`${server.origin}/api/v1/session`, { headers: admin })).json()).user.id;
  await refused(409, "POST", `/users/${me}/identities`, async () => {
    await link("Aline Morel");
    await form.getByRole("alert").waitFor();
  });
  await page.screenshot({ path: join(shots, "identity-taken-fr.png") });
  check("an identity that is another's is named", (await form.getByRole("alert").innerText()).includes("sam-at-the-provider"), await form.getByRole("alert").innerText());
  await page.keyboard.press("Escape");
  await form.waitFor({ state: "detached" });

  // Their page would notice that its session is over, and say so; the reader of the API's document needs none.
  await theirs.goto(`${server.origin}/docs`);
  await theirs.locator(".reader-act").first().waitFor();
  await page.getByRole("button", { name: "Modifier l’identité\u00a0: Sam" }).click();
  await form.getByRole("button", { name: "Délier" }).click();
  await form.waitFor({ state: "detached" });
  await row("Sam").getByText("sam-at-the-provider").waitFor({ state: "detached" });
  check("the account is unlinked", (await linked()) === "");
  check("and its session by the provider is over", (await context.request.get(`${server.origin}/api/v1/session`)).status() === 401);
  await link("Sam");
  await form.waitFor({ state: "detached" });
  await row("Sam").getByText("sam-at-the-provider").waitFor();
  check("the account is linked again", (await linked()) === `${issuer} sam-at-the-provider`, await linked());
  quiet("identities", noise);
  await page.context().close();
  // By what was linked by hand, its owner comes in again.
  await theirs.goto(`${server.origin}/sign-in?to=/cases`);
  await theirs.getByRole("link", { name: "Sign in with Portail d’essai" }).click();
  await theirs.waitForURL("**/cases");
  await settle(theirs);
}

const port = await freePort();
const idp = await provider(`http://127.0.0.1:${port}`);
const secret = join(place, "secret");
writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
const options = ["--oidc-issuer", idp.issuer, "--oidc-client-id", "vigie", "--oidc-client-secret-file", secret, "--oidc-name", "Portail d’essai"];
const server = await serve(vigie, join(place, "data"), options, port);
const browser = await launch();
let failed = null;
try {
  const token = new URL(server.setUp).searchParams.get("token");
  const post = (path, body, headers = {}) => fetch(`${server.origin}/api/v1${path}`, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } });
  await post("/setup", { token, login: "aline", name: "Aline Morel", password: PASSWORD, locale: "fr" });
  const signed = await post("/session", { user: "aline", password: PASSWORD });
  const { csrf } = await signed.json();
  const admin = { "X-CSRF-Token": csrf, Cookie: signed.headers.get("set-cookie").split(";")[0] };
  const made = await (await post("/users", { login: "sam", name: "Sam", role: "soc_analyst", tenants: "all", locale: "fr" }, admin)).json();

  await reads(browser, server);

  // Recognised there, and nobody here.
  const one = await visitor(browser, server, idp.issuer, "fr-FR");
  await one.page.goto(`${server.origin}/sign-in?to=/cases`);
  await settle(one.page);
  await inspect(one.page, "sign-in with a provider", "fr");
  await one.page.screenshot({ path: join(shots, "sign-in-oidc-fr.png") });
  await one.page.getByRole("link", { name: "Se connecter avec Portail d’essai" }).click();
  await recognise(one.page, "sam-at-the-provider");
  await one.page.waitForURL("**/sign-in?oidc=unknown");
  await settle(one.page);
  await inspect(one.page, "not linked", "fr");
  check("who is not linked reads why", (await one.page.getByRole("alert").innerText()).includes("Aucun compte ouvert n’est lié à cette identité"));
  await one.page.screenshot({ path: join(shots, "sign-in-oidc-unknown-fr.png") });
  check("and has no session", (await one.context.cookies()).every(({ name }) => name !== "vigie_session"));
  one.quiet("not linked");

  // The invitation links the account, and leads in.
  const { token: invitation } = await (await post(`/users/${made.id}/invite`, {}, admin)).json();
  await one.page.goto(`${server.origin}/password?token=${invitation}`);
  await settle(one.page);
  await inspect(one.page, "invitation with a provider", "fr");
  await one.page.getByRole("link", { name: "Se connecter avec Portail d’essai" }).click();
  await one.page.waitForURL("**/campaigns");
  await settle(one.page);
  check("the invitation linked the account", (await one.page.locator("body").innerText()).includes("Sam"));
  const { page, context } = one;
  const cookies = await context.cookies();
  const session = cookies.find(({ name }) => name === "vigie_session");
  check("the session's cookie is as by password", session?.httpOnly && session.sameSite === "Strict", JSON.stringify(session));
  check("nothing of the way is left", cookies.every(({ name }) => name !== "vigie_oidc"), JSON.stringify(cookies));
  const back = await context.request.delete(`${server.origin}/api/v1/session`, { headers: { "X-CSRF-Token": (await (await context.request.get(`${server.origin}/api/v1/session`)).json()).csrf } });
  check("signing out works", back.status() === 200);
  one.quiet("invited");

  // From then on by the button, where they wanted to go; in English too.
  await context.addInitScript(() => localStorage.setItem("vigie.locale", "en"));
  await one.refused(401, "GET", "/session", async () => {
    await page.goto(`${server.origin}/cases`);
    await page.waitForURL("**/sign-in?to=%2Fcases");
  });
  await inspect(page, "sign-in with a provider", "en");
  let callback = null;
  page.on("request", (request) => { if (request.url().includes("/oidc/callback")) callback = request.url(); });
  await page.getByRole("link", { name: "Sign in with Portail d’essai" }).click();
  await page.waitForURL("**/cases");
  await settle(page);
  one.quiet("by the button");

  // Whoever is linked sees it and cannot change it; an administrator sees whose account it is, takes it away and gives it back.
  await page.goto(`${server.origin}/settings`);
  await page.getByText("sam-at-the-provider").waitFor();
  await settle(page);
  await inspect(page, "own identity", "en");
  check("who has no password is told so, and not asked for it", (await page.locator("main").innerText()).includes("Your account has none") && (await page.getByLabel("Present password").count()) === 0);
  check("who is linked cannot unlink", (await page.getByRole("button", { name: /identity|Unlink/ }).count()) === 0);
  one.quiet("own identity");
  await identities(browser, server, idp.issuer, made.id, admin, one);

  // Signing out ends the session here, and the one at the provider, which then asks anew who it is.
  await page.getByRole("button", { name: "Sam" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL(`${idp.issuer}/session/end?*`);
  check("the session here has ended first", (await context.request.get(`${server.origin}/api/v1/session`)).status() === 401);
  await page.getByRole("button", { name: "Yes, sign me out" }).click();
  await page.waitForURL(`${server.origin}/sign-in`);
  const noise = one.noise.splice(0).filter((line) => !line.startsWith(`401 GET ${server.origin}/api/v1/`) && !line.includes(idp.issuer) && !line.includes("fonts.googleapis.com"));
  check("signing out: nothing but that nobody is signed in", noise.length === 0, noise.join("; "));
  await page.goto(`${server.origin}/sign-in?to=/cases`);
  await page.getByRole("link", { name: "Sign in with Portail d’essai" }).click();
  await recognise(page, "sam-at-the-provider");
  await page.waitForURL("**/cases");
  await settle(page);
  one.quiet("signed out at the provider");

  // The same answer again, in this browser and in another: nothing.
  const before = idp.exchanges.length;
  await page.goto(callback);
  await page.waitForURL("**/sign-in?oidc=expired");
  await settle(page);
  check("a replayed answer is refused", (await page.getByRole("alert").innerText()).includes("took too long"));
  const two = await visitor(browser, server, idp.issuer, "en-GB");
  await two.page.goto(callback);
  await two.page.waitForURL("**/sign-in?oidc=expired");
  // Another browser's state, with a cookie that was made up to fit.
  await two.context.addCookies([{ name: "vigie_oidc", value: new URL(callback).searchParams.get("state"), domain: "127.0.0.1", path: "/api/v1/oidc" }]);
  await two.page.goto(callback);
  await two.page.waitForURL("**/sign-in?oidc=expired");
  check("the provider was not asked again", idp.exchanges.length === before, idp.exchanges.join());
  // A code that was used, in a sign-in of its own: the provider itself says no.
  await two.page.goto(`${server.origin}/sign-in`);
  const start = await two.context.request.get(`${server.origin}/api/v1/oidc/start`, { maxRedirects: 0 });
  const state = new URL(start.headers().location).searchParams.get("state");
  const forged = new URL(callback);
  forged.searchParams.set("state", state);
  await two.page.goto(forged.href);
  await two.page.waitForURL("**/sign-in?oidc=refused");
  check("the provider refused the used code", idp.exchanges.at(-1) === "invalid_grant", idp.exchanges.join());
  // Turning back.
  await two.page.getByRole("link", { name: "Sign in with Portail d’essai" }).click();
  await two.page.getByRole("link", { name: "Cancel" }).click();
  await two.page.waitForURL("**/sign-in?oidc=cancelled");
  await settle(two.page);
  await inspect(two.page, "turned back", "en");
  two.quiet("attacks");

  // The provider is gone: the page says so.
  const last = await two.context.request.get(`${server.origin}/api/v1/oidc/start`, { maxRedirects: 0 });
  forged.searchParams.set("state", new URL(last.headers().location).searchParams.get("state"));
  await idp.stop();
  await two.page.goto(forged.href);
  await two.page.waitForURL("**/sign-in?oidc=unavailable");
  await settle(two.page);
  check("a provider that is gone is named", (await two.page.getByRole("alert").innerText()).includes("cannot be reached"));
  two.quiet("gone");
} catch (error) {
  failed = error;
} finally {
  await browser.close();
  await server.stop();
  await idp.stop().catch(() => {});
  rmSync(place, { recursive: true, force: true });
}
const { checks, wrong } = result();
if (failed) console.error(failed);
console.log(`${checks} checks of access, ${wrong} wrong; screenshots: ${shots}`);
process.exit(wrong || failed ? 1 : 0);
