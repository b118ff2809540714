/**
 * What the browser's scripts share. They are started by the test `desktop` of the workspace, which does what is asked
 * on standard output (`ask stop`, `ask call`) and answers `done`.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

export const { DESKTOP_URL: base, DESKTOP_TOKEN: token, DESKTOP_PASSWORD: password } = process.env;
const browserAt = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
assert(browserAt, 'there is no Chromium: tools/install --tests installs it (or name one by CHROMIUM)');

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
export async function askFor(what) {
  console.log(`ask ${what}`);
  assert.equal((await answers.next()).value, 'done');
}

export async function api(method, path, body, headers = {}) {
  const answer = await fetch(`${base}/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
    body: body && JSON.stringify(body),
  });
  assert(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  const text = await answer.text();
  return text ? JSON.parse(text) : undefined;
}

export const browser = await chromium.launch({ executablePath: browserAt, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
export const troubles = [];

export async function person(locale, colorScheme, size) {
  const context = await browser.newContext({ viewport: size, locale, colorScheme, timezoneId: 'Asia/Shanghai' });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  if (process.env.DESKTOP_DIST) await paintFrom(context, process.env.DESKTOP_DIST);
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('console', (told) => {
    // Answers of the API that are meant to be refusals, and a server that is stopped, are told here too.
    if (told.type() === 'error' && !/Failed to load resource|ERR_/.test(told.text())) troubles.push(told.text());
  });
  return page;
}

/** Serves the page as it was built last in place of what is in the binary, with the binary's own rules. */
async function paintFrom(context, folder) {
  const kinds = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
  const rules = (await fetch(base)).headers.get('content-security-policy');
  await context.route(
    (url) => url.href.startsWith(base) && !url.pathname.startsWith('/api/'),
    (route) => {
      const { pathname } = new URL(route.request().url());
      const name = extname(pathname) ? pathname : '/index.html';
      const headers = { 'content-security-policy': rules };
      return route.fulfill({ body: readFileSync(join(folder, name)), contentType: kinds[extname(name)], headers });
    },
  );
}

export async function signIn(page, login, word) {
  await page.fill('input[name=login]', login);
  await page.fill('input[name=password]', word);
  await page.keyboard.press('Enter');
}

/** Nothing that a screen reader or weak eyes would stumble over, by axe-core's rules. */
export async function accessible(page, what) {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']).analyze();
  const found = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`);
  assert.deepEqual(found, [], what);
}

/** A customer's telephone; unless `scripts` is true, its browser runs no scripts of pages. */
export async function telephone(locale, colorScheme, scripts = false) {
  const context = await browser.newContext({
    viewport: { width: 360, height: 640 }, locale, colorScheme, javaScriptEnabled: scripts, timezoneId: 'Asia/Shanghai',
  });
  context.setDefaultTimeout(15_000);
  return context.newPage();
}

/** A customer's page as it stands, looked at in both languages, light and dark. axe-core is a script, so it looks at a page of its own. */
export async function readable(address, name) {
  for (const colorScheme of ['light', 'dark']) {
    for (const lang of ['zh-CN', 'en-US']) {
      const page = await telephone(lang, colorScheme, true);
      await page.goto(`${address}${address.includes('?') ? '&' : '?'}lang=${lang}`);
      assert.equal(await page.locator('html').getAttribute('lang'), lang);
      await accessible(page, `${name}, ${lang}, ${colorScheme}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert(!wide, `${name}, ${lang}: the page is wider than the telephone`);
      if (process.env.DESKTOP_SHOTS) {
        await page.screenshot({ path: `${process.env.DESKTOP_SHOTS}/telephone-${name}-${lang}-${colorScheme}.png`, fullPage: true });
      }
      await page.context().close();
    }
  }
}

export async function frameFits(page) {
  const fits = await page.evaluate(() => {
    const [root, body] = [document.documentElement, document.body];
    return root.scrollHeight <= innerHeight && root.scrollWidth <= innerWidth && root.scrollTop + body.scrollTop === 0 && document.querySelector('header').getBoundingClientRect().top === 0;
  });
  assert(fits, 'the frame scrolls');
  const cut = await page.evaluate(() => [...document.querySelectorAll('header button')].filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.textContent));
  assert.deepEqual(cut, [], 'the top bar is wider than the page');
  const below = await page.evaluate(() => [...document.querySelectorAll('.panels > *, form.note')].filter((one) => one.getBoundingClientRect().bottom > innerHeight + 1).map((one) => one.className));
  assert.deepEqual(below, [], 'what stands at the bottom is below the page');
}

export const sees = (page, text, scope = 'body') => page.locator(scope).getByText(text).first().waitFor();
export const entry = (page, text) => page.locator('.entry', { hasText: text }).first();

/** The page in the other language, as another tab would change it, and back. */
export async function inOtherLanguage(page, act) {
  const change = (language) =>
    page.evaluate((newValue) => dispatchEvent(new StorageEvent('storage', { key: 'hotline.language', newValue })), language);
  const before = await page.evaluate(() => document.documentElement.lang);
  const other = before === 'zh-CN' ? 'en-US' : 'zh-CN';
  await change(other);
  await page.waitForFunction((lang) => document.documentElement.lang === lang, other);
  await act(other);
  await change(before);
  await page.waitForFunction((lang) => document.documentElement.lang === lang, before);
}

/** Keeps what is seen, in both languages, sizes and schemes, in the folder DESKTOP_SHOTS, if there is one. */
export async function keep(page, name) {
  if (!process.env.DESKTOP_SHOTS) return;
  const before = page.viewportSize();
  const dark = await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches);
  const shoot = async (language) => {
    for (const [width, height] of [[1366, 768], [1920, 1080]]) {
      for (const colorScheme of ['light', 'dark']) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme });
        if (await page.locator('.bar').count()) await frameFits(page);
        await page.screenshot({ path: `${process.env.DESKTOP_SHOTS}/${name}-${language}-${colorScheme}-${width}.png` });
      }
    }
  };
  await shoot(await page.evaluate(() => document.documentElement.lang));
  await inOtherLanguage(page, shoot);
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
}

/** Asks until it is so. */
export async function until(what, isSo, within = 20_000) {
  const end = Date.now() + within;
  while (!(await isSo())) {
    assert(Date.now() < end, `not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export async function step(words, act) {
  const at = Date.now();
  await act();
  console.log(`  ${words}: ${Date.now() - at} ms`);
}

/** Does all of it; what went wrong is told with what was on screen. */
export async function run(main) {
  try {
    await main();
    assert.deepEqual(troubles, [], 'the browser complained');
  } catch (error) {
    const shown = browser.contexts().flatMap((context) => context.pages());
    for (const [at, page] of shown.entries()) await keep(page, `failed-${at}`).catch(() => {});
    console.log(`FAILED: ${error.stack}\n${troubles.join('\n')}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
    process.stdin.destroy();
  }
}

/** Chooses where one is. */
export async function choose(page, name) {
  await page.locator('.state').click();
  await page.getByRole('menuitem', { name }).click();
}

/** The customer of a ticket that was put. */
export async function ticket(fields) {
  return (await api('POST', '/tickets', fields)).customer;
}
