/**
 * What takes a page away from what goes on: a telephone that is not there, a network that goes and comes, a browser that
 * puts the page to sleep. Nothing is made up meanwhile, and nothing is missing after.
 */

import assert from 'node:assert/strict';
import { accessible, askFor, base, choose, frameFits, inOtherLanguage, keep, password, person, run, sees, signIn, step } from './support.mjs';

async function main() {
  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  const bar = page.locator('header');
  const card = page.locator('.offer');
  const available = page.locator('.state', { hasText: '可接听' });
  await step('who is at work without a telephone sees it, and that it is back', async () => {
    await page.goto(base);
    await signIn(page, 'min.li', password);
    await sees(page, '已连接');
    assert.equal(await bar.locator('.telephone').count(), 0, 'who is not at work needs none');
    await choose(page, '可接听');
    await bar.locator('.telephone', { hasText: '话机未注册' }).waitFor();
    await accessible(page, 'a missing telephone');
    await inOtherLanguage(page, () => bar.getByText('No telephone').waitFor());
    await frameFits(page);
    await keep(page, 'no-telephone');
    await askFor('telephone min.li');
    await bar.locator('.telephone[data-light=live]').waitFor();
    await accessible(page, 'a telephone');
  });
  await step('a page that loses the network says so, and knows what happened once it is back', async () => {
    const context = page.context();
    await context.setOffline(true);
    await bar.getByText('连接断开').waitFor();
    await accessible(page, 'a page without a network');
    await keep(page, 'no-network');
    await askFor('calls late 13400134000');
    assert.equal(await card.count(), 0, 'nothing is known of it yet');
    await context.setOffline(false);
    await card.locator('.name', { hasText: '未知客户' }).waitFor({ timeout: 20_000 });
    await bar.getByText('已连接').waitFor();
    assert.equal(await card.count(), 1);
    await context.setOffline(true);
    await bar.getByText('连接断开').waitFor();
    await askFor('hangs-up late');
    await page.waitForTimeout(1_500);
    assert.equal(await card.count(), 1, 'what stood there stands there');
    await context.setOffline(false);
    await card.waitFor({ state: 'detached', timeout: 20_000 });
    await available.waitFor();
  });
  await step('a page that was put to sleep wakes up to what is', async () => {
    const browser = await page.context().newCDPSession(page);
    await browser.send('Page.setWebLifecycleState', { state: 'frozen' });
    await askFor('caller 13400134001 3');
    await new Promise((done) => setTimeout(done, 14_000));
    await askFor('calls sleepy 13400134002');
    await new Promise((done) => setTimeout(done, 5_000));
    await browser.send('Page.setWebLifecycleState', { state: 'active' });
    await card.getByText('+86134••••4002').waitFor({ timeout: 20_000 });
    assert.equal(await card.count(), 1, 'who gave up meanwhile has no card');
    await askFor('answer min.li');
    await page.locator('.dock').getByRole('button', { name: '保持' }).waitFor();
    await askFor('hangs-up sleepy');
    const form = page.getByRole('form', { name: '通话整理' });
    await form.getByText('已解决').click();
    await page.getByRole('button', { name: '完成，继续接听' }).click();
    await form.waitFor({ state: 'detached' });
    await available.waitFor();
  });
}

await run(main);
