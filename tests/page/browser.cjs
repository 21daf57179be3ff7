// Pages in Chromium that note every error, every violation of their policy, and every request elsewhere.

const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const TIMEOUT = 20_000;
/** Chromium's message for each answer that is an error, which tests cause on purpose. */
const EXPECTED = /^Failed to load resource:/;

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const PICTURE = { width: 1200, height: 1040 };

const launch = (executablePath) => chromium.launch({ executablePath, headless: true, args: FLAGS });

/** Runs `use` with a page of a browser that has stored nothing. Fails if the page did anything wrong. */
async function withPage(browser, url, use, { viewport = DESKTOP, colorScheme = "light", before, ...more } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce", ...more });
  const faults = [];
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(TIMEOUT);
    page.on("console", (message) => {
      if (message.type() === "error" && !EXPECTED.test(message.text())) faults.push(message.text());
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("request", (request) => {
      const target = new URL(request.url());
      if (target.protocol !== "data:" && target.origin !== new URL(url).origin) faults.push(`a request to ${target.origin}`);
    });
    await page.exposeFunction("noteViolation", (text) => faults.push(text));
    await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) => {
      window.noteViolation(`${event.violatedDirective} forbids ${event.blockedURI}`);
    }));
    await before?.(page);
    await page.goto(url);
    await use(page);
  } finally {
    await context.close();
  }
  assert.deepEqual(faults, []);
}

module.exports = { DESKTOP, PHONE, PICTURE, launch, withPage };
