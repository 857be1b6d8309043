// Opens pages of reports in a browser and checks what only a browser can: that they work, ask for nothing, can be read and handled by everybody.
//
//   node check.mjs BROWSER FOLDER [SHOTS]
//
// FOLDER holds pages made by the test (tests/it/browser.rs); their names say what they are. With SHOTS, pictures are left there. One line for each thing that
// was checked; the exit code is 1 if any does not hold.
import { chromium } from "playwright-core";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [browserPath, folder, shots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pages = readdirSync(folder).filter((name) => name.endsWith(".html")).sort();
const failures = [];
const done = new Map();

const check = (what, page, holds, detail = "") => {
  const so_far = done.get(what) ?? [];
  done.set(what, [...so_far, page]);
  if (!holds) failures.push(`${page}: ${what}${detail ? `: ${detail}` : ""}`);
};
const url = (name, hash = "") => pathToFileURL(resolve(join(folder, name))).href + hash;

const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });

// A fresh page that remembers what it asked for and what it complained of.
const open = async (name, { hash = "", width = 1280, height = 900, ...options } = {}) => {
  const context = await browser.newContext({ viewport: { width, height }, bypassCSP: false, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const [asked, said] = [[], []];
  page.on("request", (request) => request.url().startsWith("data:") || asked.push(request.url()));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("dialog", (dialog) => (said.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  await page.goto(url(name, hash), { waitUntil: "load" });
  return { page, context, asked, said };
};

const drawn = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("figure.chart")].map((figure) => {
      const svg = figure.querySelector(".plot svg");
      const marks = svg.querySelectorAll("path, image, rect").length;
      const named = (svg.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent.trim() ?? "");
      return { id: figure.id, marks, named, role: svg.getAttribute("role"), rows: figure.querySelectorAll("table tbody tr").length, high: svg.getBoundingClientRect().height };
    }),
  );

// Labels of a chart that lie over each other.
const overlaps = (page) =>
  page.evaluate(() => {
    const found = [];
    for (const svg of document.querySelectorAll("svg[role=img]")) {
      const texts = [...svg.querySelectorAll("text")].map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() })).filter((one) => one.box.width > 0);
      const edge = svg.getBoundingClientRect();
      for (const [at, one] of texts.entries()) {
        if (one.box.left < edge.left - 3 || one.box.right > edge.right + 3) found.push(`${svg.closest("figure")?.id ?? "topology"}: "${one.text}" leaves the drawing`);
        for (const other of texts.slice(at + 1)) {
          const across = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
          const down = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
          if (across > 1 && down > 4) found.push(`${svg.closest("figure")?.id ?? "topology"}: "${one.text}" over "${other.text}"`);
        }
      }
    }
    return found.slice(0, 8);
  });

const violations = async (page) => {
  // The script comes from the test, past the page's policy.
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((one) => `${one.id} (${one.nodes.length}): ${one.nodes[0].html.slice(0, 160)} ${one.nodes[0].failureSummary?.split("\n")[1] ?? ""}`);
};

const box = (page) => page.locator("#f0-p99-over-time .plot");
const series = (page, number) => page.locator(`#f0-p99-over-time [data-part="lines"] [data-series="${number}"]`);
const label = (page) => page.evaluate(() => [...document.querySelectorAll("#f0-p99-over-time [data-part=axes] text.label")].map((text) => text.textContent).join("|"));

for (const name of pages) {
  const file = join(folder, name);
  if (name.startsWith("five")) check("smaller than 500 kB", name, statSync(file).size < 500_000, String(statSync(file).size));
  const { page, context, asked, said } = await open(name);
  const paint = await page.evaluate(
    () =>
      new Promise((done) => {
        new PerformanceObserver((seen) => done(seen.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null)).observe({ type: "paint", buffered: true });
        setTimeout(() => done(null), 2000);
      }),
  );
  check("is painted within two seconds", name, paint !== null && paint < 2000, String(paint));
  console.log(`${name}: ${(statSync(file).size / 1000).toFixed(0)} kB, first contentful paint after ${paint === null ? "?" : paint.toFixed(0)} ms`);
  await page.evaluate(() => document.querySelectorAll("details.more").forEach((one) => (one.open = true)));
  const charts = await drawn(page);
  check("has charts, and each is drawn", name, charts.length >= 8 && charts.every((one) => one.marks > 4 && one.high > 60), JSON.stringify(charts.find((one) => one.marks <= 4)));
  check("each chart has a name, a finding and a table", name, charts.every((one) => one.role === "img" && one.named.length === 2 && one.named.every((text) => text.length > 3) && one.rows > 0));
  check("labels do not lie over each other", name, (await overlaps(page)).length === 0, (await overlaps(page)).join("; "));
  const order = await page.evaluate(() => [...document.querySelectorAll("h1,h2,h3,h4")].map((one) => +one.tagName[1]));
  check("headings are in order", name, order[0] === 1 && order.every((level, at) => at === 0 || level <= order[at - 1] + 1) && order.filter((level) => level === 1).length === 1);
  check("language and landmarks are there", name, await page.evaluate(() => document.documentElement.lang === "en" && ["header", "main", "footer", "nav"].every((tag) => document.querySelector(tag))));
  const small = await page.evaluate(() => [...document.querySelectorAll("button, summary")].map((one) => one.getBoundingClientRect()).filter((one) => one.width && (one.height < 24 || one.width < 24)).length);
  check("targets are 24 pixels or more", name, small === 0, String(small));

  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    const found = await violations(page);
    check(`axe finds nothing (${scheme})`, name, found.length === 0, found.join("\n    "));
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  const opened = await violations(page);
  check("axe finds nothing (all tables open)", name, opened.length === 0, opened.join("\n    "));
  for (const width of [320, 768, 1280, 3840]) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check("the page does not scroll sideways at 320, 768, 1280 and 3840 pixels", name, wide <= 0, `${width}: ${wide}`);
  }
  check("asks for nothing but itself", name, asked.length === 1 && asked[0].startsWith("file:"), asked.slice(1, 4).join(" "));
  check("nothing in the console, no violation of its policy", name, said.length === 0, said.slice(0, 3).join(" | "));
  if (shots) {
    for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [320, "light"], [2560, "light"]]) {
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = false)));
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: join(shots, `${name}-${width}-${scheme}.png`), fullPage: true });
    }
  }
  await context.close();

  const still = await open(name, { javaScriptEnabled: false });
  const tables = await still.page.locator("table").count();
  const plots = await still.page.locator("figure.chart svg[role=img] path").count();
  const dead = await still.page.locator("button:visible").count();
  check("without scripts all charts and tables are there, and no dead button", name, tables > charts.length && plots > charts.length && dead === 0, `${tables} tables, ${plots} marks, ${dead} buttons`);
  await still.context.close();
}

// Handling, on the large page.
const main = pages.find((name) => name.startsWith("five"));
{
  const { page, context, said } = await open(main);
  const whole = await label(page);
  const before = await page.evaluate(() => document.querySelector("#f0-p99-over-time [data-part=lines] [data-series='0'] path.line").getBBox().toJSON?.() ?? (({ x, y, width, height }) => ({ x, y, width, height }))(document.querySelector("#f0-p99-over-time [data-part=lines] [data-series='0'] path.line").getBBox()));

  await page.locator('[data-hide="0"]').click();
  check("hiding a balancer hides it everywhere (mouse)", main, (await page.locator('svg [data-series="0"]:visible, tr[data-series="0"]:visible').count()) === 0 && (await page.locator('[data-hide="0"]').getAttribute("aria-pressed")) === "false");
  check("choices stand in the address", main, page.url().includes("hide=0"), page.url());
  await page.locator('[data-hide="0"]').focus();
  await page.keyboard.press("Enter");
  check("and showing it again (keyboard)", main, await series(page, 0).first().isVisible());
  await page.locator('[data-only="2"]').focus();
  await page.keyboard.press("Space");
  const faded = await series(page, 1).first().evaluate((one) => getComputedStyle(one).opacity);
  check("highlighting fades the others (keyboard)", main, +faded < 0.5 && (await page.locator('[data-only="2"]').getAttribute("aria-pressed")) === "true", faded);
  await page.locator('[data-only="2"]').click();
  check("and ends (mouse)", main, +(await series(page, 1).first().evaluate((one) => getComputedStyle(one).opacity)) === 1);

  // What the script draws again looks as what was there.
  const again = await page.evaluate(() => (({ x, y, width, height }) => ({ x, y, width, height }))(document.querySelector("#f0-p99-over-time [data-part=lines] [data-series='0'] path.line").getBBox()));
  const near = ["x", "y", "width", "height"].every((edge) => Math.abs(again[edge] - before[edge]) < 0.5);
  check("a chart drawn again is the same chart", main, near && (await label(page)) === whole, `${JSON.stringify(before)} ${JSON.stringify(again)} ${whole} ${await label(page)}`);

  await box(page).scrollIntoViewIfNeeded();
  const edge = await box(page).locator("svg[role=img]").boundingBox();
  await page.mouse.move(edge.x + edge.width * 0.4, edge.y + edge.height * 0.5);
  const values = await page.locator("figure.lines .readout").allTextContents();
  const shared = values.filter((text) => text.startsWith("at ") && text.includes(" s:"));
  check("the pointer reads values in all charts over time at once", main, shared.length >= 6 && new Set(shared.map((text) => text.split(":")[0])).size === 1, values.join(" / ").slice(0, 300));
  check("and draws a line in each", main, (await page.locator('[data-part="cross"]').count()) === shared.length);
  await box(page).focus();
  const first = await page.locator("#f0-p99-over-time .readout").textContent();
  await page.keyboard.press("ArrowRight");
  const second = await page.locator("#f0-p99-over-time .readout").textContent();
  check("arrow keys step from value to value", main, first !== second && second.startsWith("at "), `${first} → ${second}`);

  await page.mouse.move(edge.x + edge.width * 0.3, edge.y + edge.height * 0.5);
  await page.mouse.down();
  await page.mouse.move(edge.x + edge.width * 0.4, edge.y + edge.height * 0.5);
  await page.mouse.move(edge.x + edge.width * 0.5, edge.y + edge.height * 0.5);
  await page.mouse.up();
  check("dragging zooms in time", main, (await label(page)) !== whole && /t=[\d.]+-[\d.]+/.test(page.url()), page.url());
  check("labels do not lie over each other when zoomed", main, (await overlaps(page)).length === 0, (await overlaps(page)).join("; "));
  const heat = await page.locator('.cells [data-part="cells"]').first().getAttribute("viewBox");
  check("heat maps zoom along", main, !heat.startsWith("0 0 240"), heat);
  await page.locator("#whole").click();
  check("and back (mouse)", main, (await label(page)) === whole);
  await box(page).focus();
  await page.keyboard.press("+");
  const closer = await label(page);
  await page.keyboard.press("0");
  check("plus zooms in and 0 out (keyboard)", main, closer !== whole && (await label(page)) === whole);
  await page.locator("#log").click();
  const linear = await label(page);
  check("latency can be linear", main, linear !== whole && page.url().includes("log=0"), linear);
  check("labels do not lie over each other when linear", main, (await overlaps(page)).length === 0, (await overlaps(page)).join("; "));
  await page.locator("#theme").focus();
  await page.keyboard.press("Enter");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  check("the theme can be chosen", main, (await ground()) === "rgb(17, 24, 39)" && page.url().includes("theme=dark"), await ground());
  await page.locator('[data-hide="1"]').click();
  await page.locator('[data-only="2"]').click();
  const address = page.url();
  const found = await violations(page);
  check("axe finds nothing with choices made", main, found.length === 0, found.join("\n    "));
  check("nothing in the console while it is handled", main, said.length === 0, said.slice(0, 3).join(" | "));
  await context.close();

  const back = await open(main, { hash: address.slice(address.indexOf("#")) });
  const restored = await back.page.evaluate(() => [document.documentElement.dataset.theme, document.documentElement.className, document.getElementById("log").getAttribute("aria-pressed")].join(" "));
  check("an address brings every choice back", main, restored.includes("dark") && restored.includes("hide-1") && restored.includes("only-2") && restored.endsWith("false"), restored);
  await back.context.close();
  const odd = await open(main, { hash: "#hide=999,-1,x&only=<b>&t=9e9-1&log=maybe&theme=javascript:1" });
  check("a senseless address does no harm", main, odd.said.length === 0 && (await odd.page.locator('svg [data-series="0"]:visible').count()) > 0, odd.said.join());
  await odd.context.close();

  const paper = await open(main, { colorScheme: "dark" });
  await paper.page.emulateMedia({ media: "print", colorScheme: "dark" });
  check("paper is light whatever the screen is", main, (await paper.page.evaluate(() => getComputedStyle(document.body).backgroundColor)) === "rgb(255, 255, 255)");
  const pdf = await paper.page.pdf({ format: "A4", ...(shots ? { path: join(shots, "print.pdf") } : {}) });
  const sheets = (pdf.toString("latin1").match(/\/Type\s*\/Page[^s]/g) ?? []).length;
  check("it prints, with the tables open", main, pdf.length > 50_000 && sheets >= 5 && sheets <= 60, `${pdf.length} bytes, ${sheets} pages`);
  console.log(`${main}: ${sheets} pages of A4`);
  await paper.context.close();
}

await browser.close();
for (const [what, where] of done) console.log(`${failures.some((one) => one.includes(`: ${what}`)) ? "FAILED " : "checked"} ${what} (${new Set(where).size === 1 ? where[0] : `${new Set(where).size} pages`})`);
if (failures.length) {
  console.log(`\n${failures.length} do not hold:\n${failures.map((one) => `  ${one}`).join("\n")}`);
  process.exit(1);
}
