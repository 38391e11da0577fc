// The page of an explained run in a real browser: it opens, steps, finds the violation, and scrolls without stutter.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { launch, madeUp, pageOf } from "./page.js";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

/** Opens a page, and fails when it asks for anything else or throws. */
async function open(file, width = 1400, scheme = "light") {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
  page.on("request", (request) => assert.ok(request.url().startsWith("file:"), `asks for ${request.url()}`));
  page.on("pageerror", (error) => { throw error; });
  await page.goto(pathToFileURL(file).href);
  return page;
}

test("it opens at the violation, and names of a run are text", async () => {
  const page = await open(pageOf(madeUp(30)));
  assert.equal(await page.title(), "<script>alert(1)</script>");
  assert.match(await page.textContent("#promises"), /election-safety is broken/);
  assert.match(await page.textContent("#now"), /^#4 .*leads term 1/);
  assert.equal(await page.locator("#words li").count(), 2);
});

test("keys alone reach every moment", async () => {
  const page = await open(pageOf(madeUp(30)));
  await page.keyboard.press("ArrowDown");
  assert.match(await page.textContent("#now"), /^#5 .*append 2 <b>&amp;/);
  assert.match(await page.textContent("#wire"), /a → b: append 2/);
  await page.keyboard.press("v");
  assert.match(await page.textContent("#now"), /b append 31/);
  await page.keyboard.press("w");
  assert.ok((await page.locator("#causes li").count()) > 5, "the chain of causes is told");
  await page.keyboard.press("d");
  assert.match(await page.textContent("#now"), /^#5 /);
  await page.keyboard.press("s");
  await page.keyboard.press("Home");
  assert.match(await page.textContent("#now"), /^#3 /, "only the slice has rows");
});

test("logs are boxes with their terms and marks", async () => {
  const page = await open(pageOf(madeUp(30)));
  await page.keyboard.press("End");
  const boxes = page.locator(".node").nth(1).locator(".log span");
  assert.equal(await boxes.count(), 26);
  assert.match(await boxes.last().textContent(), /^1cad$/);
});

test("twenty thousand events scroll without stutter", async () => {
  const page = await open(pageOf(madeUp(20_000)));
  const usual = await page.evaluate(async () => {
    const scroll = document.getElementById("scroll");
    const times = [];
    for (let number = 0; number < 61; number++) {
      scroll.scrollTop = number * 13_000;
      const began = performance.now();
      draw();
      times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[30];
  });
  assert.ok(usual < 16, `a picture takes ${usual} ms`);
});

for (const [width, scheme] of [[700, "dark"], [1400, "light"]]) {
  test(`it fits ${width} px, ${scheme}`, async () => {
    const page = await open(pageOf(madeUp(30)), width, scheme);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `it is ${overflow} px too wide`);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/made-up-${width}.png` });
  });
}

// Pages that `splitbrain explain` wrote, when the caller names some.
for (const file of (process.env.PAGES || "").split(":").filter((file) => existsSync(file))) {
  test(`${file} opens and steps`, async () => {
    const page = await open(file);
    assert.notEqual(await page.textContent("#now"), "");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("w");
    assert.ok((await page.locator(".node").count()) > 0);
    if (process.env.SCREENSHOTS) {
      await page.keyboard.press("v");
      const name = file.split("/").pop();
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
      await page.setViewportSize({ width: 700, height: 900 });
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-700.png` });
    }
  });
}
