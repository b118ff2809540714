/**
 * A survey that a customer answers in writing, on a telephone of 360 pixels, without scripts: every page can be read and
 * worked at by everybody, in both languages, light and dark.
 */

import assert from 'node:assert/strict';
import { accessible, base, readable, run, step, telephone } from './support.mjs';

const at = `${base}${process.env.SURVEY_PATH}`;
const shots = process.env.DESKTOP_SHOTS;

async function main() {
  const page = await telephone('zh-CN', 'light');
  await step('a question is answered by keys alone', async () => {
    await readable(at, 'question');
    await page.goto(at);
    await page.getByRole('group', { name: '您对处理结果满意吗?' }).waitFor();
    await page.getByRole('radio', { name: '不满意', exact: true }).focus();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: '下一步' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /主要是什么原因/ }).waitFor();
  });
  await step('back, in the other language, and on', async () => {
    await readable(at, 'reason');
    await page.getByRole('link', { name: '上一题' }).click();
    assert(await page.getByRole('radio', { name: '不满意', exact: true }).isChecked());
    await page.getByRole('link', { name: 'English' }).click();
    await page.getByRole('group', { name: 'Are you satisfied with the result?' }).waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('radio', { name: /too long/ }).check();
    await page.getByRole('button', { name: 'Next' }).click();
  });
  await step('words are written', async () => {
    await readable(at, 'comment');
    await page.getByRole('textbox', { name: /anything else/ }).fill('<script>alert(1)</script> & "more"');
    await page.getByRole('link', { name: /hear from us/ }).click();
    await readable(`${at}?stop=1`, 'stop');
    await page.getByRole('link', { name: 'Go back' }).click();
    await page.getByRole('textbox').fill('<script>alert(1)</script> & "more"');
    await page.getByRole('button', { name: 'Next' }).click();
  });
  await step('the promise is told', async () => {
    await page.getByRole('heading', { name: 'Thank you' }).waitFor();
    await page.getByText(/call you back by/).waitFor();
    await readable(at, 'end');
  });
  await step('a link that leads nowhere says so', async () => {
    const lost = await telephone('en-US', 'dark', true);
    const answer = await lost.goto(`${base}/s/zzzzzzzzzzzzzzzzzzzzzzzzzz`);
    assert.equal(answer.status(), 404);
    await accessible(lost, 'nothing there');
    if (shots) await lost.screenshot({ path: `${shots}/telephone-lost.png`, fullPage: true });
  });
}

await run(main);
