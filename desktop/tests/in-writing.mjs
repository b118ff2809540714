/**
 * A survey that a customer answers in writing, on a telephone of 360 pixels, without scripts: every page can be read and
 * worked at by everybody, in both languages, light and dark.
 */

import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';
import { accessible, base, browser, run, step } from './support.mjs';

const at = `${base}${process.env.SURVEY_PATH}`;
const shots = process.env.DESKTOP_SHOTS;

/** A telephone; its browser runs no scripts of pages. */
async function telephone(locale, colorScheme, scripts = false) {
  const context = await browser.newContext({
    viewport: { width: 360, height: 640 }, locale, colorScheme, javaScriptEnabled: scripts, timezoneId: 'Asia/Shanghai',
  });
  context.setDefaultTimeout(15_000);
  return context.newPage();
}

/** The page as it stands, looked at in both languages, light and dark. axe-core is a script, so it looks at a page of its own. */
async function readable(query, name) {
  for (const colorScheme of ['light', 'dark']) {
    for (const lang of ['zh-CN', 'en-US']) {
      const page = await telephone(lang, colorScheme, true);
      await page.goto(`${at}?lang=${lang}${query}`);
      assert.equal(await page.locator('html').getAttribute('lang'), lang);
      await accessible(page, `${name}, ${lang}, ${colorScheme}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert(!wide, `${name}, ${lang}: the page is wider than the telephone`);
      if (shots) await page.screenshot({ path: `${shots}/in-writing-${name}-${lang}-${colorScheme}.png`, fullPage: true });
      await page.context().close();
    }
  }
}

async function main() {
  assert(AxeBuilder, 'axe-core is there');
  const page = await telephone('zh-CN', 'light');
  await step('a question is answered by keys alone', async () => {
    await readable('', 'question');
    await page.goto(at);
    await page.getByRole('group', { name: '您对处理结果满意吗?' }).waitFor();
    await page.getByRole('radio', { name: '不满意', exact: true }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: '下一步' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /主要是什么原因/ }).waitFor();
  });
  await step('back, in the other language, and on', async () => {
    await readable('', 'reason');
    await page.getByRole('link', { name: '上一题' }).click();
    assert(await page.getByRole('radio', { name: '不满意', exact: true }).isChecked());
    await page.getByRole('link', { name: 'English' }).click();
    await page.getByRole('group', { name: 'Are you satisfied with the result?' }).waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('radio', { name: /too long/ }).check();
    await page.getByRole('button', { name: 'Next' }).click();
  });
  await step('words are written', async () => {
    await readable('', 'comment');
    await page.getByRole('textbox', { name: /anything else/ }).fill('<script>alert(1)</script> & "more"');
    await page.getByRole('link', { name: /hear from us/ }).click();
    await readable('&stop=1', 'stop');
    await page.getByRole('link', { name: 'Go back' }).click();
    await page.getByRole('textbox').fill('<script>alert(1)</script> & "more"');
    await page.getByRole('button', { name: 'Next' }).click();
  });
  await step('the promise is told', async () => {
    await page.getByRole('heading', { name: 'Thank you' }).waitFor();
    await page.getByText(/call you back by/).waitFor();
    await readable('', 'end');
  });
  await step('a link that leads nowhere says so', async () => {
    const lost = await telephone('en-US', 'dark', true);
    const answer = await lost.goto(`${base}/s/zzzzzzzzzzzzzzzzzzzzzzzzzz`);
    assert.equal(answer.status(), 404);
    await accessible(lost, 'nothing there');
    if (shots) await lost.screenshot({ path: `${shots}/in-writing-lost.png`, fullPage: true });
  });
}

await run(main);
