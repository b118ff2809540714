/**
 * A caller asks for a person, who knows them before the first word; they talk, wait, and are put through, and another
 * caller gives up. Callers and agents have baresip telephones, so that what everybody hears is told by the tone that each
 * says (`hears`: who, and which); SIPp calls in `talks.mjs`.
 */

import assert from 'node:assert/strict';
import { accessible, api, askFor, base, choose, frameFits, inOtherLanguage, keep, password, person, run, sees, signIn, step, ticket, until } from './support.mjs';

const MEI = '13800138000';
const second = '13912345678';

/** What the page measured: from the offer's entry to the painted card. */
const marks = (page) =>
  page.evaluate(() => {
    const at = (name) => performance.getEntriesByName(name).at(-1)?.startTime;
    return { begun: at('offer-begun') - at('offer'), painted: at('offer-painted') - at('offer') };
  });

/** Whether a caller has heard to its end which place they have. */
async function heardThePlace() {
  const isPlace = ({ type, body }) => type === 'call.heard' && /^place-/.test(body.prompt) && body.whole;
  return (await api('GET', '/calls?limit=10')).some((call) => call.path.some(isPlace));
}

async function main() {
  const mei = await ticket({ 'external-ref': 'T-1', phone: MEI, name: '李晓梅', language: 'zh-CN', category: 'data-charge', state: 'open', code: '407192865' });
  await ticket({ 'external-ref': 'T-3', phone: MEI, language: 'zh-CN', category: 'coverage', state: 'open', code: '841620399' });
  await api('PATCH', `/customers/${mei}`, { tier: '金卡' });

  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  const hong = await person('en-US', 'light', { width: 1366, height: 768 });
  const boss = await person('en-US', 'dark', { width: 1920, height: 1080 });
  await step('two agents have telephones, one is ready, a supervisor looks on', async () => {
    await page.goto(base);
    await signIn(page, 'min.li', password);
    await sees(page, '已连接');
    await askFor('telephone min.li');
    await choose(page, '可接听');
    await page.locator('.state', { hasText: '可接听' }).waitFor();
    await hong.goto(base);
    await signIn(hong, 'hong.zhao', password);
    await sees(hong, 'Connected');
    await askFor('telephone hong.zhao');
    await boss.goto(`${base}/team`);
    await signIn(boss, 'boss', password);
    await boss.locator('h1', { hasText: 'Queues and team' }).waitFor();
    await sees(boss, 'Nobody is waiting');
    await accessible(boss, 'queues and team, nobody waits');
    await frameFits(boss);
  });
  await step('the card is there while it rings, and the customer behind it', async () => {
    await askFor(`calls mei ${MEI}`);
    const card = page.locator('.offer');
    await card.locator('.name', { hasText: '李晓梅' }).waitFor({ timeout: 30_000 });
    await card.getByText('+86138••••8000').waitFor();
    for (const text of ['客户服务', '金卡', '流量费', '信号覆盖', '主菜单']) await card.locator('.inner, .head').getByText(text).first().waitFor();
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
  await step('the agent answers on the telephone, both hear each other, and the page shows the path', async () => {
    await askFor('answer min.li');
    await page.locator('.dock').waitFor();
    await page.locator('.offer').waitFor({ state: 'detached' });
    await page.locator('.state', { hasText: '通话中' }).waitFor();
    await page.locator('.live [data-step="call.joined"]').waitFor();
    await askFor('hears mei 900');
    await askFor('hears min.li 500');
    await sees(page, '在「选择服务」按了 0', '.live');
    await sees(page, '来到「转人工」', '.live');
    const path = await page.locator('.live .steps').innerText();
    assert.doesNotMatch(path, /[a-z]+-[a-z]+|service|choose|greet/, 'no name of a plan is shown');
    await sees(page, '李晓梅', '.dock');
    await accessible(page, 'a talk');
    await frameFits(page);
    await keep(page, 'talk');
  });
  await step('the caller is on hold with music, and back, with the keyboard', async () => {
    await page.keyboard.press('Alt+h');
    await sees(page, '保持中', '.dock');
    await askFor('hears mei music');
    await askFor('hears min.li nothing');
    await page.keyboard.press('Alt+h');
    await page.locator('.dock').getByText('保持中').waitFor({ state: 'detached' });
    await askFor('hears mei 900');
    await askFor('hears min.li 500');
  });
  await step('a page that is loaded anew knows the call that goes on', async () => {
    await page.reload();
    await sees(page, '李晓梅', '.dock');
    await page.locator('.live [data-step="call.joined"]').waitFor();
  });
  await step('a second caller waits, and is told the place that they have', async () => {
    await askFor(`calls wang ${second}`);
    const row = boss.locator('table.callers tbody tr');
    await row.waitFor({ timeout: 30_000 });
    await row.getByText(`+86${second}`).waitFor();
    assert.equal(await row.locator('td').first().textContent(), '1');
    const waiting = page.locator('.chips .waits');
    await waiting.waitFor();
    assert.match(await waiting.textContent(), /客户服务\s*1/);
    await page.locator('.chips').click();
    await page.getByRole('dialog', { name: '队列与团队' }).waitFor();
    await accessible(page, 'queues and team, for everybody');
    await keep(page, 'floor');
    await page.keyboard.press('Escape');
    await row.getByText('place 1').waitFor({ timeout: 30_000 });
    await accessible(boss, 'queues and team, somebody waits');
    await inOtherLanguage(boss, async () => {
      await boss.locator('h1', { hasText: '队列与团队' }).waitFor();
      await accessible(boss, 'queues and team in Chinese, somebody waits');
    });
    await keep(boss, 'team');
  });
  await step('whom to put a caller through to is found by typing', async () => {
    await page.getByRole('button', { name: '转接' }).click();
    await page.getByRole('combobox').fill('赵');
    await page.getByRole('option', { name: '赵红' }).waitFor();
    await page.locator('.preview', { hasText: '接手的同事会看到' }).locator('kbd', { hasText: '0' }).waitFor();
    await page.getByRole('combobox').fill('010-8888 6666');
    await page.getByRole('option', { name: '01088886666' }).waitFor();
    await sees(page, '外线看不到客户资料', '.preview');
    await page.getByRole('combobox').fill('');
    await page.getByRole('option', { name: '客户服务' }).waitFor();
    await accessible(page, 'choosing whom to put through to');
    await keep(page, 'transfer');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox').waitFor({ state: 'detached' });
  });
  await step('who gives up is in the figures', async () => {
    await until('the place was heard', heardThePlace);
    await askFor('hangs-up wang');
    await boss.locator('table.callers').waitFor({ state: 'detached', timeout: 10_000 });
    const figures = boss.locator('[data-queue=service] td');
    await boss.waitForFunction(() => document.querySelectorAll('[data-queue=service] td')[6]?.textContent === '1');
    assert.deepEqual((await figures.allTextContents()).slice(4, 7), ['2', '1 · 50%', '1']);
    await accessible(boss, 'the figures');
  });
  await step('a colleague is asked, sees everything, and has the caller', async () => {
    await choose(hong, 'Available');
    await hong.locator('.state', { hasText: 'Available' }).waitFor();
    await page.getByRole('button', { name: '咨询' }).click();
    await page.getByRole('combobox').fill('赵');
    await page.keyboard.press('Enter');
    await sees(page, '正在咨询 赵红', '.dock');
    await hong.locator('h1', { hasText: '李晓梅' }).waitFor();
    await sees(hong, 'A colleague asks about this caller', '.dock');
    await askFor('answer hong.zhao');
    await askFor('hears hong.zhao 900');
    await askFor('hears min.li 700');
    await askFor('hears mei music');
    await keep(page, 'consult');
    await page.getByRole('button', { name: '转过去' }).click();
    await page.getByRole('form', { name: '通话整理' }).waitFor();
    await hong.getByRole('button', { name: 'Hold' }).waitFor();
    await askFor('hears mei 700');
    await askFor('hears hong.zhao 500');
    await sees(hong, 'keyed 0 at “Choice of service”', '.live');
    assert((await hong.locator('.live [data-step="call.joined"]').count()) >= 2, 'both agents stand in the path');
    for (const text of ['金卡', 'Data charge', 'Coverage']) await sees(hong, text, 'aside');
    await accessible(hong, 'a caller who was put through');
    await keep(hong, 'talk-english');
  });
  await step('the call is wrapped up with a reason; another tab knows of it, and a page that is loaded anew what was written', async () => {
    const form = page.getByRole('form', { name: '通话整理' });
    await page.locator('.state', { hasText: '整理中' }).waitFor();
    await form.getByText('已转交').click();
    await form.getByLabel('备注').fill('已说明收费，客户满意');
    await accessible(page, 'a wrap-up');
    await frameFits(page);
    await keep(page, 'wrap-up');
    const tab = await page.context().newPage();
    await tab.goto(base);
    await tab.getByRole('form', { name: '通话整理' }).getByText('李晓梅').waitFor();
    await tab.close();
    await page.reload();
    await form.waitFor();
    assert(await form.getByLabel('已转交').isChecked());
    assert.equal(await form.getByLabel('备注').inputValue(), '已说明收费，客户满意');
    assert.match(await form.locator('.timer').textContent(), /^0:[0-2]\d$/);
    await sees(page, '李晓梅', 'form.dock');
    await page.getByRole('button', { name: '完成，继续接听' }).click();
    await form.waitFor({ state: 'detached' });
    await page.locator('.state', { hasText: '可接听' }).waitFor();
  });
  await step('the colleague sends the caller back without asking, and writes down why', async () => {
    await hong.getByRole('button', { name: 'Transfer' }).click();
    await hong.getByRole('combobox').fill('min.li');
    await hong.getByRole('option', { name: '李敏' }).click();
    await sees(hong, 'Putting through to 李敏', '.notices');
    const form = hong.getByRole('form', { name: 'Wrap-up' });
    await form.getByText('Passed on').click();
    await accessible(hong, 'a wrap-up in English');
    await keep(hong, 'wrap-up-english');
    await sees(page, '同事把这位客户转给你', '.dock');
    await askFor('answer min.li');
    await page.getByRole('button', { name: '保持' }).waitFor();
    await askFor('hears mei 900');
    await askFor('hears min.li 500');
    await page.locator('h1', { hasText: '李晓梅' }).waitFor();
    assert((await page.locator('.live [data-step="call.joined"]').count()) >= 3, 'all three talks stand in the path');
    await hong.getByRole('button', { name: 'Done, next caller' }).click();
    await form.waitFor({ state: 'detached' });
    await choose(hong, 'Offline');
    await hong.locator('.state', { hasText: 'Offline' }).waitFor();
  });
  await step('the agent ends the call, and what both wrote stands there', async () => {
    await page.getByRole('button', { name: '结束' }).click();
    // The page goes just as the talk ends, and comes back to what is to be written.
    await page.goto('about:blank');
    await page.goto(base);
    const form = page.getByRole('form', { name: '通话整理' });
    await form.getByText('李晓梅').waitFor();
    // They wrote something about this call before, which is theirs to replace.
    await form.getByRole('alert').getByText('已转交 · 已说明收费，客户满意').waitFor();
    await accessible(page, 'a wrap-up that amends another');
    await keep(page, 'wrap-up-again');
    await form.getByText('已解决').click();
    await page.getByRole('button', { name: '替换' }).click();
    await form.waitFor({ state: 'detached' });
    await page.goto(`${base}/customers/${mei}`);
    const call = page.locator('.entry[data-kind=contact]').first();
    await call.getByRole('button', { name: '查看路径' }).click();
    await call.getByText('已解决').waitFor();
    await call.getByText('赵红').first().waitFor();
    assert.equal(await call.locator('[data-step="call.joined"]').count(), 3);
    await keep(page, 'path');
    await choose(page, '离线');
    await page.locator('.state', { hasText: '离线' }).waitFor();
  });
}

await run(main);
