/** Callers who ask for a person, and an agent who knows them before the first word. */

import assert from 'node:assert/strict';
import { accessible, api, askFor, base, choose, entry, frameFits, keep, password, person, run, sees, signIn, step, ticket } from './support.mjs';

const MEI = '13800138000';
const second = '13912345678';

/** What the page measured: from the offer's entry to the painted card. */
const marks = (page) =>
  page.evaluate(() => {
    const at = (name) => performance.getEntriesByName(name).at(-1)?.startTime;
    return { begun: at('offer-begun') - at('offer'), painted: at('offer-painted') - at('offer') };
  });

async function main() {
  const mei = await ticket({ 'external-ref': 'T-1', phone: MEI, name: '李晓梅', language: 'zh-CN', category: 'data-charge', state: 'open', code: '407192865' });
  await ticket({ 'external-ref': 'T-3', phone: MEI, language: 'zh-CN', category: 'coverage', state: 'open', code: '841620399' });
  await ticket({ 'external-ref': 'T-2', phone: second, name: '王建国', language: 'zh-CN', category: 'plan', state: 'open', code: '203847167' });
  await api('PATCH', `/customers/${mei}`, { tier: '金卡' });

  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  const boss = await person('en-US', 'dark', { width: 1920, height: 1080 });
  await step('an agent is ready, a supervisor looks on', async () => {
    await page.goto(base);
    await signIn(page, 'min.li', password);
    await sees(page, '已连接');
    await askFor('telephone min.li');
    await choose(page, '可接听');
    await page.locator('.state', { hasText: '可接听' }).waitFor();
    await boss.goto(`${base}/team`);
    await signIn(boss, 'boss', password);
    await boss.locator('h1', { hasText: 'Queues and team' }).waitFor();
    await sees(boss, 'Nobody is waiting');
    await accessible(boss, 'queues and team, nobody waits');
    await frameFits(boss);
  });
  await step('the card is there while it rings, and the customer behind it', async () => {
    await askFor(`caller ${MEI} stays`);
    const card = page.locator('.offer');
    await card.locator('.name', { hasText: '李晓梅' }).waitFor({ timeout: 30_000 });
    await card.getByText('+86138••••8000').waitFor();
    for (const text of ['客户服务', '金卡', '流量费', '信号覆盖']) await card.locator('.inner, .head').getByText(text).first().waitFor();
    assert.equal(await card.locator('dd kbd').first().textContent(), '0');
    await page.locator('h1', { hasText: '李晓梅' }).waitFor();
    assert.match(await page.title(), /来电/);
    assert(await page.evaluate(() => document.activeElement.matches('.state')), 'the focus stays where it was');
    await accessible(page, 'an offer');
    await frameFits(page);
    await keep(page, 'offer');
    const told = await marks(page);
    console.log(`    offer to card: begun ${told.begun.toFixed(0)} ms, painted whole ${told.painted.toFixed(0)} ms`);
  });
  await step('the agent answers on the telephone, and sees the path', async () => {
    await askFor('answer min.li');
    await page.locator('.dock').waitFor();
    await page.locator('.offer').waitFor({ state: 'detached' });
    await page.locator('.state', { hasText: '通话中' }).waitFor();
    await page.locator('.live [data-step="call.joined"]').waitFor();
    assert(await page.locator('.live [data-step="call.keyed"]').count());
    await sees(page, '李晓梅', '.dock');
    await accessible(page, 'a talk');
    await frameFits(page);
    await keep(page, 'talk');
  });
  await step('the caller is on hold, and back, with the keyboard', async () => {
    await page.keyboard.press('Alt+h');
    await sees(page, '保持中', '.dock');
    await page.keyboard.press('Alt+h');
    await page.locator('.dock').getByText('保持中').waitFor({ state: 'detached' });
  });
  await step('a page that is loaded anew knows the call that goes on', async () => {
    await page.reload();
    await sees(page, '李晓梅', '.dock');
    await page.locator('.live [data-step="call.joined"]').waitFor();
  });
  await step('a second caller waits, and is told the place that they have', async () => {
    await askFor(`caller ${second} 24`);
    const row = boss.locator('table.callers tbody tr');
    await row.waitFor({ timeout: 30_000 });
    await row.getByText('+8613912345678').waitFor();
    await row.getByText('place 1').waitFor({ timeout: 30_000 });
    assert.equal(await row.locator('td').first().textContent(), '1');
    const waiting = page.locator('.chips .waits');
    await waiting.waitFor();
    assert.match(await waiting.textContent(), /客户服务\s*1/);
    await accessible(boss, 'queues and team, somebody waits');
    await keep(boss, 'team');
    await page.locator('.chips').click();
    await page.getByRole('dialog', { name: '队列与团队' }).waitFor();
    await accessible(page, 'queues and team, for everybody');
    await keep(page, 'floor');
    await page.keyboard.press('Escape');
  });
  await step('whom to put a caller through to is found by typing', async () => {
    await page.getByRole('button', { name: '转接' }).click();
    await page.getByRole('combobox').fill('赵');
    await page.getByRole('option', { name: '赵红' }).waitFor();
    await page.getByRole('combobox').fill('010-8888 6666');
    await page.getByRole('option', { name: '01088886666' }).waitFor();
    await page.getByRole('combobox').fill('');
    await page.getByRole('option', { name: '客户服务' }).waitFor();
    await accessible(page, 'choosing whom to put through to');
    await keep(page, 'transfer');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox').waitFor({ state: 'detached' });
  });
  await step('who gives up is in the figures', async () => {
    await boss.locator('table.callers').waitFor({ state: 'detached', timeout: 40_000 });
    const figures = boss.locator('[data-queue=service] td');
    await boss.waitForFunction(() => document.querySelectorAll('[data-queue=service] td')[6]?.textContent === '1');
    assert.deepEqual((await figures.allTextContents()).slice(4, 7), ['2', '1 · 50%', '1']);
  });
  const hong = await person('zh-CN', 'light', { width: 1366, height: 768 });
  await step('a colleague is asked, sees everything, and has the caller', async () => {
    await hong.goto(base);
    await signIn(hong, 'hong.zhao', password);
    await sees(hong, '已连接');
    await askFor('telephone hong.zhao');
    await choose(hong, '可接听');
    await hong.locator('.state', { hasText: '可接听' }).waitFor();
    await page.getByRole('button', { name: '咨询' }).click();
    await page.getByRole('combobox').fill('赵');
    await page.keyboard.press('Enter');
    await sees(page, '正在咨询 赵红', '.dock');
    await hong.locator('h1', { hasText: '李晓梅' }).waitFor();
    await sees(hong, '同事来咨询这位客户', '.dock');
    await askFor('answer hong.zhao');
    await keep(page, 'consult');
    await page.getByRole('button', { name: '转过去' }).click();
    await page.getByRole('form', { name: '通话整理' }).waitFor();
    await hong.getByRole('button', { name: '保持' }).waitFor();
    await hong.locator('.live [data-step="call.keyed"]').first().waitFor();
    assert((await hong.locator('.live [data-step="call.joined"]').count()) >= 2, 'both agents stand in the path');
    await accessible(hong, 'a caller who was put through');
  });
  await step('the call is wrapped up with a reason', async () => {
    const form = page.getByRole('form', { name: '通话整理' });
    await form.waitFor();
    await page.locator('.state', { hasText: '整理中' }).waitFor();
    await form.getByText('已解决').click();
    await form.getByLabel('备注').fill('已说明收费，客户满意');
    await accessible(page, 'a wrap-up');
    await frameFits(page);
    await keep(page, 'wrap-up');
    await page.getByRole('button', { name: '完成，继续接听' }).click();
    await form.waitFor({ state: 'detached' });
    await page.locator('.state', { hasText: '可接听' }).waitFor();
  });
  await step('the colleague ends the call, and what both wrote stands there', async () => {
    await hong.getByRole('button', { name: '结束' }).click();
    const form = hong.getByRole('form', { name: '通话整理' });
    await form.getByText('已转交').click();
    await hong.getByRole('button', { name: '完成，继续接听' }).click();
    await form.waitFor({ state: 'detached' });
    await choose(hong, '离线');
    await hong.locator('.state', { hasText: '离线' }).waitFor();
    const call = page.locator('.entry[data-kind=contact]').first();
    await call.getByRole('button', { name: '查看路径' }).click();
    await call.getByText('已说明收费，客户满意').waitFor();
    await call.getByText('已解决').waitFor();
    await call.getByText('已转交').waitFor();
    assert.equal(await call.locator('[data-step="call.joined"]').count(), 2);
  });
  await step('a caller whom nobody knows has a number', async () => {
    await askFor('caller 13500135000 4');
    const card = page.locator('.offer');
    await card.locator('.name', { hasText: '未知客户' }).waitFor({ timeout: 30_000 });
    await card.getByText('+86135••••5000').waitFor();
    await page.locator('h1', { hasText: '李晓梅' }).waitFor();
    await card.waitFor({ state: 'detached', timeout: 30_000 });
    await page.locator('.state', { hasText: '可接听' }).waitFor();
  });
  await step('an offer takes nothing from whoever writes, and goes when the caller does', async () => {
    await page.keyboard.press('Alt+n');
    await page.keyboard.type('还没写完');
    await askFor(`caller ${second} 9`);
    const card = page.locator('.offer');
    await card.locator('.name', { hasText: '王建国' }).waitFor({ timeout: 30_000 });
    await page.keyboard.type('，接着写');
    assert.equal(await page.locator('.note textarea').inputValue(), '还没写完，接着写');
    await page.locator('h1', { hasText: '李晓梅' }).waitFor();
    await card.getByRole('button', { name: '打开客户页' }).waitFor();
    await frameFits(page);
    await keep(page, 'offer-writing');
    await frameFits(page);
    await card.waitFor({ state: 'detached', timeout: 30_000 });
    await sees(page, '来电人已挂断', '.notices');
    await page.locator('.note textarea').fill('');
    await page.locator('.state', { hasText: '可接听' }).waitFor();
  });
  await step('who is offline is rung no more', async () => {
    await choose(page, '离线');
    await page.locator('.state', { hasText: '离线' }).waitFor();
    await entry(page, '来电').waitFor();
  });
}

await run(main);
