import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { packageRoot } from "../../src/database/index.js";
import { fillShop, openShop, type TestShop } from "../support/shop.js";

const executable = process.env.LOOKALIKE_TEST_BROWSER ?? "/usr/bin/chromium";
const missing = existsSync(executable)
  ? false
  : `skipped: no browser at ${executable}; install Chromium or set LOOKALIKE_TEST_BROWSER`;

describe("the explorer in a real browser", { skip: missing }, () => {
  let shop: TestShop;
  let browser: Browser;
  let page: Page;
  const elsewhere: string[] = [];
  const faults: string[] = [];

  before(async () => {
    shop = await openShop("embedded");
    await fillShop(shop);
    browser = await chromium.launch({
      executablePath: executable,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on("request", (request) => {
      if (!request.url().startsWith(shop.address) && !request.url().startsWith("data:")) elsewhere.push(request.url());
    });
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
  });
  after(async () => {
    await browser?.close();
    await shop?.close();
  });

  it("shows a query that answers at the first click, and asks no other machine", async () => {
    await page.goto(`${shop.address}/explorer`);
    await page.getByRole("button", { name: /execute query/i }).click();
    const result = page.locator(".result-window");
    await result.getByText("READY").waitFor({ timeout: 20_000 });
    const answer = (await result.textContent()) ?? "";
    assert.match(answer, /similarItems/);
    assert.match(answer, /VISUAL/);
    const pictures = path.join(packageRoot(), "test-output");
    await mkdir(pictures, { recursive: true });
    await page.screenshot({ path: path.join(pictures, "explorer.png") });
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(faults, []);
  });

  it("knows the schema, for completion and documentation", async () => {
    await page.getByRole("button", { name: /show documentation explorer/i }).click();
    await page.getByText("A GraphQL schema provides a root type").waitFor();
    await page.getByRole("link", { name: "Query", exact: true }).first().click();
    await page.getByText("similarItemsByImage").first().waitFor();
    assert.deepEqual(elsewhere, []);
  });
});
