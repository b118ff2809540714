/**
 * What agents and supervisors do with a call by their pages: three talk together, somebody listens, whispers, joins, a
 * colleague has a sentence spoken. What everybody hears is told by the tone that each telephone says. Then callers
 * whom nobody knows, and those who call while somebody writes.
 */

import assert from 'node:assert/strict';
import { accessible, api, askFor, base, choose, entry, frameFits, keep, password, person, run, sees, signIn, step, ticket, until } from './support.mjs';

const MEI = '13800138000';
const second = '13912345678';
const shared = '13600136000';
/** Its speech is in the tests' cache: the server has no voice here. */
const SENTENCE = '尊敬的客户,您好,您3月产生128.5元流量费,已按30元套餐核减,为您退费98.5元,7个工作日到账,请您关注。';

async function main() {
  const mei = await ticket({ 'external-ref': 'T-1', phone: MEI, name: '李晓梅', language: 'zh-CN', category: 'data-charge', state: 'open', code: '407192865' });
  await ticket({ 'external-ref': 'T-2', phone: second, name: '王建国', language: 'zh-CN', category: 'plan', state: 'open', code: '203847167' });

  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  const hong = await person('zh-CN', 'dark', { width: 1366, height: 768 });
  const boss = await person('en-US', 'light', { width: 1366, height: 768 });
  await step('a caller talks with an agent', async () => {
    for (const [who, login, ready] of [[page, 'min.li', '可接听'], [hong, 'hong.zhao', '可接听'], [boss, 'boss', null]]) {
      await who.goto(who === boss ? `${base}/team` : base);
      await signIn(who, login, password);
      await sees(who, ready ? '已连接' : 'Connected');
      await askFor(`telephone ${login}`);
      if (who === page) await choose(who, ready);
    }
    await page.locator('.state', { hasText: '可接听' }).waitFor();
    await askFor(`calls mei ${MEI}`);
    await page.locator('.offer').waitFor({ timeout: 30_000 });
    await askFor('answer min.li');
    await page.getByRole('button', { name: '保持' }).waitFor();
    await askFor('hears mei 900');
  });
  await step('a colleague who serves the same customer has a sentence spoken to the caller', async () => {
    await hong.goto(`${base}/customers/${mei}`);
    const form = hong.locator('.live form.say');
    await form.locator('input').fill(SENTENCE);
    await accessible(hong, 'a sentence for a caller');
    await keep(hong, 'sentence');
    await form.getByRole('button', { name: '播报' }).click();
    await sees(hong, '正在播报给来电人', '.notices');
    await askFor('hears mei words');
    await page.locator('.live [data-step="call.said"]').waitFor();
    await sees(page, '赵红 代播', '.live');
    await askFor('hears mei 900');
  });
  await step('or sends a text message to the number that calls', async () => {
    const form = hong.locator('.live form.say');
    await form.locator('input').fill('退费进度可以回复这条短信查询。');
    await form.getByRole('button', { name: '发短信' }).click();
    await sees(hong, '短信即将发出', '.notices');
    await sees(page, '赵红 发了一条短信', '.live');
  });
  await step('all three talk, and then the two again', async () => {
    await choose(hong, '可接听');
    await hong.locator('.state', { hasText: '可接听' }).waitFor();
    await page.getByRole('button', { name: '咨询' }).click();
    await page.getByRole('combobox').fill('hong');
    await page.keyboard.press('Enter');
    await sees(hong, '同事来咨询这位客户', '.dock');
    await askFor('answer hong.zhao');
    await askFor('hears min.li 700');
    await page.getByRole('button', { name: '三方通话' }).click();
    await sees(page, '与 赵红 三方通话', '.dock');
    await askFor('hears mei 900 700');
    await askFor('hears min.li 500 700');
    await askFor('hears hong.zhao 500 900');
    await accessible(page, 'a conference');
    await keep(page, 'conference');
    await page.getByRole('button', { name: '回到客户' }).click();
    await askFor('hears mei 900');
    await askFor('hears min.li 500');
    await choose(hong, '离线');
  });
  await step('a supervisor listens, whispers and joins', async () => {
    const row = boss.locator('tr[data-agent="min.li"]');
    await row.getByRole('button', { name: 'Listen' }).click();
    await row.locator('[aria-pressed=true]', { hasText: 'Listen' }).waitFor();
    await askFor('answer boss');
    await askFor('hears boss 500 900');
    await askFor('hears mei 900');
    await askFor('hears min.li 500');
    await accessible(boss, 'a supervisor who listens');
    await keep(boss, 'listening');
    await row.getByRole('button', { name: 'Whisper' }).click();
    await askFor('hears min.li 500 1200');
    await askFor('hears mei 900');
    await row.getByRole('button', { name: 'Join' }).click();
    await askFor('hears mei 900 1200');
    await askFor('hears boss 500 900');
    await row.getByRole('button', { name: 'Stop' }).click();
    await askFor('hears mei 900');
    await askFor('hears min.li 500');
  });
  await step('the caller hangs up, and the call is wrapped up', async () => {
    await askFor('hangs-up mei');
    const form = page.getByRole('form', { name: '通话整理' });
    await form.getByText('已解决').click();
    await page.getByRole('button', { name: '完成，继续接听' }).click();
    await form.waitFor({ state: 'detached' });
    await page.locator('.state', { hasText: '可接听' }).waitFor();
  });
  await step('a caller whom nobody knows has a number', async () => {
    await askFor('caller 13500135000 4');
    const card = page.locator('.offer');
    await card.locator('.name', { hasText: '未知客户' }).waitFor({ timeout: 30_000 });
    await card.getByText('+86135••••5000').waitFor();
    // Nobody else's page stands there meanwhile, but the call with its path.
    await page.locator('main h1', { hasText: '未知客户' }).waitFor();
    await page.locator('main .live .steps li').first().waitFor();
    await card.waitFor({ state: 'detached', timeout: 30_000 });
    await page.locator('.state', { hasText: '可接听' }).waitFor();
    await page.locator('.keys kbd', { hasText: 'Alt H' }).waitFor();
  });
  await step('of five customers of one number the agent says which one calls', async () => {
    const owners = await Promise.all(['陈一', '陈二', '陈三', '陈四', '陈五'].map((name) => api('POST', '/customers', { 'external-ref': name, name, phones: [shared] })));
    const two = owners[1];
    for (const of of owners.slice(0, 2)) await api('POST', `/customers/${of.customer}/tickets`, { category: of === two ? 'plan' : 'coverage' });
    await page.goto(`${base}/customers/${mei}`);
    await page.locator('main h1', { hasText: '李晓梅' }).waitFor();
    await askFor(`calls twin ${shared}`);
    const card = page.locator('.offer');
    await card.locator('.name', { hasText: '未知客户' }).waitFor({ timeout: 30_000 });
    await card.locator('.match', { hasText: '陈一' }).waitFor();
    assert.deepEqual((await card.locator('.match strong').allTextContents()).sort(), ['陈一', '陈二', '陈三', '陈四', '陈五'].sort());
    await card.locator('.match', { hasText: '陈二' }).getByText('1 张未结').waitFor();
    await page.locator('main h1', { hasText: '未知客户' }).waitFor();
    assert.equal(await page.locator('main').getByText('李晓梅').count(), 0);
    await accessible(page, 'an offer of a number that five have');
    await frameFits(page);
    await keep(page, 'offer-shared');
    await askFor('answer min.li');
    const dock = page.locator('.dock');
    await dock.getByRole('button', { name: '认领来电人' }).click();
    await accessible(page, 'who calls');
    await keep(page, 'who-calls');
    await dock.locator('.match', { hasText: '陈二' }).click();
    await page.locator('main h1', { hasText: '陈二' }).waitFor();
    await dock.locator('strong', { hasText: '陈二' }).waitFor();
    await sees(page, '李敏 认出了来电人', '.live');
    const [call] = await api('GET', '/calls?limit=1');
    assert.deepEqual([call.customer, call['known-by']], [two.customer, 'agent']);
    await askFor('hangs-up twin');
    const form = page.getByRole('form', { name: '通话整理' });
    await form.getByText('已解决').click();
    await page.getByRole('button', { name: '完成，继续接听' }).click();
    await form.waitFor({ state: 'detached' });
    await page.locator('.state', { hasText: '可接听' }).waitFor();
    await page.goto(`${base}/customers/${mei}`);
    await page.locator('main h1', { hasText: '李晓梅' }).waitFor();
  });
  await step('an offer takes nothing from whoever writes, and goes when the caller does', async () => {
    await page.keyboard.press('Alt+n');
    await page.keyboard.type('还没写完');
    // Pictures take their time.
    await askFor(`caller ${second} ${process.env.DESKTOP_SHOTS ? 40 : 9}`);
    const card = page.locator('.offer');
    await card.locator('.name', { hasText: '王建国' }).waitFor({ timeout: 30_000 });
    await page.keyboard.type('，接着写');
    assert.equal(await page.locator('.note textarea').inputValue(), '还没写完，接着写');
    await page.locator('h1', { hasText: '李晓梅' }).waitFor();
    await card.getByRole('button', { name: '打开客户页' }).waitFor();
    await frameFits(page);
    await keep(page, 'offer-writing');
    await frameFits(page);
    await card.waitFor({ state: 'detached', timeout: 60_000 });
    await sees(page, '来电人已挂断', '.notices');
    await page.locator('.note textarea').fill('');
    await page.locator('.state', { hasText: '可接听' }).waitFor();
  });
  await step('of a customer who is erased during a call nothing stays, and the call goes on', async () => {
    await askFor(`calls wang ${second}`);
    await page.locator('.offer .name', { hasText: '王建国' }).waitFor({ timeout: 30_000 });
    await page.locator('.offer').getByRole('button', { name: '打开客户页' }).click();
    await page.locator('main h1', { hasText: '王建国' }).waitFor();
    await askFor('answer min.li');
    await page.locator('.dock').getByRole('button', { name: '保持' }).waitFor();
    const [call] = await api('GET', '/calls?limit=1');
    await boss.goto(`${base}/customers/${call.customer}`);
    await boss.locator('h1', { hasText: '王建国' }).waitFor();
    await boss.getByRole('button', { name: 'Record', exact: true }).click();
    await boss.getByRole('menuitem', { name: 'Erase for good' }).click();
    await boss.getByLabel(/Type “王建国”/).fill('王建国');
    await boss.getByRole('button', { name: 'Erase for good' }).click();
    await sees(boss, 'This customer was erased', 'aside');
    await page.getByText('这位客户的资料已被删除').first().waitFor();
    await until('nobody is named', async () => (await page.getByText('王建国').count()) === 0);
    assert.equal(await page.getByText('5678').count(), 0);
    await askFor('hears wang 900');
    await askFor('hears min.li 500');
    await askFor('hangs-up wang');
    const form = page.getByRole('form', { name: '通话整理' });
    await form.getByText('已解决').click();
    await page.getByRole('button', { name: '完成，继续接听' }).click();
    await form.waitFor({ state: 'detached' });
    await page.locator('.state', { hasText: '可接听' }).waitFor();
    const left = JSON.stringify(await api('GET', `/calls/${call.id}`));
    assert(!left.includes('王建国') && !left.includes(second) && !left.includes('5678'), left);
    assert.deepEqual(await api('GET', `/customers?phone=${second}`).catch(() => null), null);
    await page.goto(`${base}/customers/${mei}`);
    await page.locator('main h1', { hasText: '李晓梅' }).waitFor();
  });
  await step('who is offline is rung no more', async () => {
    await choose(page, '离线');
    await page.locator('.state', { hasText: '离线' }).waitFor();
    await entry(page, '来电').waitFor();
  });
}

await run(main);
