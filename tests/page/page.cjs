// Tests the pages of the operations listener; run.py starts the servers and gives the settings on standard input.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { after, before, test } = require("node:test");
const axe = require("axe-core");
const { DESKTOP, PHONE, PICTURE, launch, withPage } = require("./browser.cjs");

const settings = JSON.parse(fs.readFileSync(0, "utf8"));
const { few, many, tokens, markup } = settings;
let browser;
let operation;
before(async () => {
  browser = await launch(settings.chromium);
  const { paths } = await (await fetch(`${few.operations}/openapi.json`)).json();
  const [[path, methods]] = Object.entries(paths);
  const [[method, { parameters }]] = Object.entries(methods);
  operation = { url: `${many.api}${path}?${parameters[0].name}=`, method: method.toUpperCase() };
});
after(() => browser?.close());

const home = (use, options) => withPage(browser, `${few.operations}/`, use, options);
const shot = (page, name) => page.screenshot({ path: path.join(settings.screenshots, `${name}.png`) });

async function enter(page, secret) {
  await page.getByLabel("Admin token").fill(secret);
  await page.getByRole("button", { name: "Show tokens" }).click();
}

/** Enters an admin token, and waits for the whole list. */
async function open(page, secret = few.operator) {
  await enter(page, secret);
  await page.locator("#who").waitFor();
}

const names = (page) => page.locator("#rows td.name bdi").allTextContents();
const row = (page, name) => page.locator("#rows tr").filter({ has: page.locator("bdi").getByText(name, { exact: true }) });

async function ids(server) {
  const found = [];
  let after = "";
  do {
    const response = await fetch(`${server.operations}/tokens${after}`, { headers: { authorization: `Bearer ${server.operator}` } });
    const { tokens, next } = await response.json();
    found.push(...tokens.map(({ id }) => id));
    after = next === null ? null : `?after=${next}`;
  } while (after !== null);
  return found;
}

/** Everything in which a browser could keep a text, apart from the memory of its scripts. */
const kept = (page) => page.evaluate(async () => JSON.stringify([
  document.documentElement.outerHTML, [...document.querySelectorAll("input")].map((input) => input.value),
  { ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state, window.name,
  await indexedDB.databases(), await caches.keys().catch(() => []), document.title,
]));

async function checkAccessibility(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((node) => `${node.html} ${node.failureSummary}`)]), []);
}

/** Makes the tokens look as if they had been in use, and leaves out those of the tests, for pictures. */
async function beautify(page) {
  const HOUR = 3_600_000;
  await page.route("**/tokens?*", async (route) => {
    // Of this server, whichever the page belongs to.
    const headers = { ...route.request().headers(), authorization: `Bearer ${few.operator}` };
    const response = await route.fetch({ url: `${few.operations}/tokens`, headers });
    const list = await response.json();
    const shown = list.tokens.filter(({ name }) => name === "_admin" || settings.shown.includes(name));
    const tokens = shown.map((token, index) => ({
      ...token,
      description: { grafana: "Dashboards of the plant", ci: "Deployments", billing: "Invoices, payments and taxes" }[token.name] ?? null,
      created_at: new Date(Date.now() - HOUR * 24 * (400 - 45 * index)).toISOString(),
      created_by: index > 1 ? 0 : null,
      last_used: index % 4 === 3 ? null : new Date(Date.now() - HOUR * (index ** 3 / 3 + 0.1)).toISOString(),
      expiry: token.name.startsWith("migration") ? new Date(Date.now() - HOUR * 50).toISOString() : token.expiry,
    }));
    await route.fulfill({ response, json: { ...list, tokens } });
  });
}

for (const colorScheme of ["light", "dark"]) {
  for (const [screen, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
    test(`the page is accessible on a ${colorScheme} ${screen}`, () => home(async (page) => {
      await page.locator("#server[data-state]").waitFor();
      await checkAccessibility(page);
      await shot(page, `enter-${screen}-${colorScheme}`);
      await open(page);
      await page.getByRole("searchbox").blur();
      await checkAccessibility(page);
      await shot(page, `list-${screen}-${colorScheme}`);
      await page.locator("#tokens").evaluate((list) => list.scrollIntoView());
      await shot(page, `list-${screen}-${colorScheme}-scrolled`);
      await row(page, "billing").getByRole("button", { name: "Delete" }).click();
      await checkAccessibility(page);
      await shot(page, `confirm-${screen}-${colorScheme}`);
      const isWider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.ok(!isWider, "the page scrolls sideways");
    }, { viewport, colorScheme, before: beautify }));
  }
}

test("every token is listed, with markup in a name as text", () => home(async (page) => {
  await open(page);
  assert.deepEqual((await names(page)).sort(), ["_admin", ...Object.keys(tokens)].sort());
  assert.equal(await page.title(), "Tokens · influxdb3-tokens");
  assert.equal(await page.locator("#rows img, #rows b b").count(), 0);
  await row(page, markup).getByRole("button", { name: "Delete" }).click();
  assert.equal(await page.locator("#confirm-name").textContent(), markup);
  assert.equal(await page.locator("#confirm-name *").count(), 0);
}));

test("a search selects by name, ID and permission, and a header sorts", () => home(async (page) => {
  await open(page);
  const search = page.getByRole("searchbox");
  await search.fill("TELEGRAF write");
  assert.deepEqual(await names(page), ["telegraf-berlin", "telegraf-lisbon"]);
  await page.getByRole("button", { name: "Expires" }).click();
  assert.deepEqual(await names(page), ["telegraf-lisbon", "telegraf-berlin"]);
  assert.equal(await page.getByRole("columnheader", { name: "Expires" }).getAttribute("aria-sort"), "ascending");
  await page.getByRole("button", { name: "Expires" }).click();
  assert.deepEqual(await names(page), ["telegraf-berlin", "telegraf-lisbon"]);
  await search.fill("nothing has this");
  await page.getByText("Nothing found").waitFor();
  await shot(page, "nothing-found");
}));

test("a token is deleted after a confirmation, from the keyboard alone", () => home(async (page) => {
  const { id } = tokens["to-delete"];
  await page.getByLabel("Admin token").focus();
  await page.keyboard.type(few.operator);
  await page.keyboard.press("Enter");
  await page.locator("#who").waitFor();
  await page.keyboard.type("to-delete");
  const button = row(page, "to-delete").getByRole("button", { name: "Delete" });
  await button.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  // The safe choice has the focus. Escape closes the dialog too, and the focus returns.
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel");
  await page.keyboard.press("Escape");
  assert.ok((await ids(few)).includes(id));
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /to-delete/);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.ok(!(await ids(few)).includes(id));
  assert.equal(await row(page, "to-delete").count(), 0);
  assert.match(await page.getByRole("status").textContent(), /to-delete, is deleted/);
}));

test("the server's refusal of a token is shown, and nothing is listed", () => home(async (page) => {
  for (const [secret, refusal] of [
    ["apiv3_wrong", "401: a valid credential is required"],
    [tokens.grafana.secret, "401: only an admin token may do this"],
    ["apiv3_\u00e9", "visible ASCII"],
  ]) {
    await enter(page, secret);
    await page.getByRole("alert").filter({ hasText: refusal }).waitFor();
    assert.equal(await page.locator("#rows tr").count(), 0);
    assert.ok(!(await kept(page)).includes(secret));
  }
  await shot(page, "refused");
}));

test("the refusal of a deletion is shown", () => home(async (page) => {
  await open(page, tokens["deleted-while-in-use"].secret);
  await row(page, "_admin").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete token", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "401" }).waitFor();
  await shot(page, "deletion-refused");
  await page.getByRole("button", { name: "Cancel" }).click();
  await home(async (other) => {
    await open(other);
    await row(other, "deleted-while-in-use").getByRole("button", { name: "Delete" }).click();
    await other.getByRole("button", { name: "Delete token", exact: true }).click();
    await other.getByRole("dialog").waitFor({ state: "hidden" });
  });
  await row(page, "ci").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete token", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "401: a valid credential is required" }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByLabel("Admin token").waitFor();
  assert.ok((await ids(few)).includes(tokens.ci.id));
}));

test("a token that deletes itself closes the list", () => home(async (page) => {
  await open(page, tokens["deletes-itself"].secret);
  await row(page, "deletes-itself").getByRole("button", { name: "Delete" }).click();
  await page.getByText("This is the token that you entered").waitFor();
  await page.getByRole("button", { name: "Delete token", exact: true }).click();
  await page.getByLabel("Admin token").waitFor();
  assert.ok(!(await ids(few)).includes(tokens["deletes-itself"].id));
}));

test("the secret is kept in no storage, address or element, and forgotten at a reload and by a button", () => home(async (page) => {
  await open(page);
  assert.ok(!(await kept(page)).includes(few.operator));
  await page.getByRole("button", { name: "Forget my token" }).click();
  await page.getByLabel("Admin token").waitFor();
  assert.equal(await page.locator("#rows tr").count(), 0);
  await open(page);
  await page.reload();
  await page.getByLabel("Admin token").waitFor();
  assert.ok(!(await kept(page)).includes(few.operator));
}));

test("a server that does not answer is shown", () => home(async (page) => {
  await page.route("**/tokens?*", (route) => route.abort());
  await enter(page, few.operator);
  await page.getByRole("alert").filter({ hasText: "The server does not answer." }).waitFor();
  await page.unroute("**/tokens?*");
  await open(page);
  await page.route("**/tokens?*", (route) => route.abort());
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByRole("alert").filter({ hasText: "The server does not answer." }).waitFor();
  // The list stays.
  assert.ok((await names(page)).includes("ci"));
}));

test("10,000 tokens are listed page by page, and searched as one list", () => withPage(browser, `${many.operations}/`, async (page) => {
  await open(page, many.operator);
  assert.equal(await page.locator("#count").textContent(), "10,001 tokens");
  assert.equal(await page.locator("#rows tr").count(), 50);
  await page.getByRole("button", { name: "Next" }).click();
  assert.equal(await page.locator("#range").textContent(), "51–100 of 10,001");
  await shot(page, "many");
  await page.getByRole("searchbox").fill("sensor-09999");
  assert.deepEqual(await names(page), ["sensor-09999"]);
}));

/** Passes the page's time until it has drawn figures once more. */
async function nextFigures(page) {
  let waits = true;
  const figures = page.waitForResponse("**/metrics").finally(() => { waits = false; });
  while (waits) await passTime(page, 500);
  await (await figures).finished();
  await passTime(page, 0);
}

async function passTime(page, milliseconds) {
  await page.clock.runFor(milliseconds);
  // The page sends what its timers asked for.
  await page.evaluate(() => fetch("ping").then((response) => response.text()));
}

test("the figures stop while the page is paused", () => home(async (page) => {
  let asked = 0;
  page.on("request", (request) => { asked += request.url().endsWith("/metrics"); });
  const pause = page.getByRole("button", { name: "Pause" });
  for (let times = 0; times < 3; times += 1) await nextFigures(page);
  await pause.click();
  const before = asked;
  for (let second = 0; second < 10; second += 1) await passTime(page, 1000);
  assert.equal(asked, before);
  await pause.click();
  for (let times = 0; times < 3; times += 1) await nextFigures(page);
}, { before: (page) => page.clock.install() }));

/** Sends requests of every kind to the server with many tokens, the more the higher the wave. */
let last = 0;
async function traffic(step) {
  const wave = Math.round(7 + 4 * Math.sin(step / 6)) + (step * 7) % 3;
  const remove = (id, secret) => fetch(operation.url + id, { method: operation.method, headers: secret ? { authorization: `Bearer ${secret}` } : {} });
  const times = (count, send) => Array.from({ length: count }, send);
  await Promise.all([
    ...times(wave, () => remove(last += 1, many.operator)),
    ...times(step % 17 === 3 ? 3 : 1, () => remove(0)),
    ...times(step > 35 && step < 45 ? 9 : step % 3, () => remove(0, `apiv3_${"A".repeat(86)}`)),
  ]);
}

test("requests and refusals are drawn as they happen", () => withPage(browser, `${many.operations}/`, async (page) => {
  await open(page, many.operator);
  for (let step = 0; step < (settings.picture ? 60 : 3); step += 1) {
    await traffic(step);
    await nextFigures(page);
  }
  const legend = (chart) => page.locator(`#${chart} .legend`).textContent();
  assert.match(await legend("requests"), /succeeded\s*[1-9]/);
  assert.match(await legend("requests"), /refused \(4xx\)\s*(?!0\/s)\d/);
  assert.match(await legend("refusals"), /unknown\s*(?!0\/s)\d/);
  assert.match(await page.locator("#requests svg").getAttribute("aria-label"), /succeeded [1-9]/);
  assert.ok(await page.locator("#requests polyline").count() > 0);
  assert.equal(await page.locator("#server").textContent(), "running");
  await page.getByRole("searchbox").blur();
  await page.evaluate(() => scrollTo(0, 0));
  await shot(page, "picture");
}, { viewport: PICTURE, before: async (page) => { await page.clock.install(); await beautify(page); } }));

test("the document can be tried out, with a real deletion", () => withPage(browser, `${few.operations}/docs`, async (page) => {
  const { id } = tokens["to-try-out"];
  await page.getByRole("button", { name: "Authorize" }).first().click();
  const bearer = page.locator(".auth-container").filter({ hasText: "BearerAuthentication" });
  await bearer.getByRole("textbox").fill(few.operator);
  await bearer.getByRole("button", { name: "Apply credentials" }).click();
  await page.getByRole("button", { name: "Close" }).first().click();
  await page.locator(".opblock-delete input[type=text]").fill(`${id}`);
  await page.getByRole("button", { name: "Execute" }).click();
  await page.locator(".live-responses-table .response-col_status").filter({ hasText: "204" }).waitFor();
  assert.ok(!(await ids(few)).includes(id));
  await shot(page, "docs");
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
  assert.ok(!stored.includes(few.operator));
}));
