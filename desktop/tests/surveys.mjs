/**
 * A customer is called after a complaint, is not content, and reaches a human who knows what it was about and what was
 * answered; a supervisor sees what came of it, and stops the calls.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { accessible, api, askFor, base, choose, entry, frameFits, keep, password, person, run, sees, signIn, step, ticket, until } from './support.mjs';

const MEI = '13800138000';
const RESULT = '您的退费25元7个工作日到账,请您关注。';

const count = async (kind) => (await api('GET', '/calls?limit=5')).filter((call) => call.path.some((event) => event.type === kind)).length;
const [starts, kept] = [() => count('call.started'), () => count('call.surveyed')];
const came = async (kind) => (await api('GET', '/calls?limit=5')).some((call) => call.path.some((event) => event.type === kind));

async function main() {
  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  const boss = await person('en-US', 'dark', { width: 1920, height: 1080 });
  await step('an agent is ready, a supervisor looks at the calls to customers', async () => {
    await page.goto(base);
    await signIn(page, 'min.li', password);
    await sees(page, '已连接');
    await askFor('telephone min.li');
    await choose(page, '可接听');
    await page.locator('.state', { hasText: '可接听' }).waitFor();
    await boss.goto(`${base}/campaigns`);
    await signIn(boss, 'boss', password);
    await boss.locator('h1', { hasText: 'Calls to customers' }).waitFor();
    await sees(boss, 'It has drawn nobody in this time', '[data-policy=survey]');
    await accessible(boss, 'calls to customers, none yet');
    await frameFits(boss);
  });
  await step('the complaint is settled, the customer is called, and is not content', async () => {
    await askFor(`outside mei ${MEI}`);
    await ticket({ 'external-ref': 'T-1', phone: MEI, name: '李晓梅', language: 'zh-CN', category: 'data-charge', state: 'closed', result: RESULT });
    await until('the customer was called', () => came('call.started'));
    await askFor('keys mei 1');
    await askFor('keys mei 2');
    await until('the answer is kept', () => came('call.surveyed'));
    await askFor('keys mei 1');
  });
  await step('the card at ringing tells what it is about, and what was answered', async () => {
    const card = page.locator('.offer');
    await card.locator('.name', { hasText: '李晓梅' }).waitFor({ timeout: 30_000 });
    await card.getByText(RESULT).waitFor();
    await card.getByText('是否满意').waitFor();
    await card.locator('dd.unhappy', { hasText: '不满意' }).waitFor();
    await card.getByText('流量费 T-1').waitFor();
    await accessible(page, 'an offer of somebody whom we called');
    await frameFits(page);
    await keep(page, 'escalation');
  });
  await step('they talk; the page knows the whole way', async () => {
    await askFor('answer min.li');
    await page.locator('.dock').waitFor();
    await askFor('hears mei 900');
    await askFor('hears min.li 500');
    await sees(page, '按规则「survey」外呼，第 1 次', '.live');
    await sees(page, '是否满意：不满意', '.live');
    await keep(page, 'escalation-talk');
    await page.getByRole('button', { name: '结束' }).click();
    const form = page.getByRole('form', { name: '通话整理' });
    await form.getByText('已解决').click();
    await form.getByLabel('客户为什么不满意').selectOption({ label: '费用问题' });
    await form.getByLabel('原话或说明').fill('少退了十元');
    await accessible(page, 'what a human finds out is written down');
    await keep(page, 'why-not');
    await page.getByRole('button', { name: '完成，继续接听' }).click();
    await form.waitFor({ state: 'detached' });
    await entry(page, '去电').getByRole('button', { name: '查看路径' }).click();
    await sees(page, '不满意的原因：费用问题', '.entry');
    await sees(page, '少退了十元', '.entry');
  });
  await step('the supervisor sees what came of it, why, and stops it', async () => {
    await boss.reload();
    const policy = boss.locator('[data-policy=survey]');
    await policy.waitFor();
    const figure = async (name) => (await policy.locator(`[data-step=${name}] td`).first().textContent()).trim();
    await until('it is counted', async () => (await figure('followed-up')) === '1');
    for (const [name, count] of [['drawn', '1'], ['attempted', '1'], ['answered', '1'], ['took-part', '1'], ['satisfied', '0'], ['dissatisfied', '1']]) assert.equal(await figure(name), count, name);
    await boss.locator('[data-verdict=called]').waitFor();
    await policy.locator('[data-reason=money] td').nth(1).waitFor();
    assert.deepEqual(await policy.locator('[data-reason=money] td').allTextContents(), ['0', '1'], 'what they say, what was found');
    await sees(boss, 'T-1', '.scroll');
    await accessible(boss, 'calls to customers');
    await keep(boss, 'campaigns');
    await policy.getByRole('button', { name: 'Stop' }).click();
    await policy.getByText('stopped').waitFor();
    await policy.getByRole('button', { name: 'Go on' }).click();
    await policy.getByText('stopped').waitFor({ state: 'detached' });
  });
  await step('what is promised after the next complaint is theirs who knows the customer', async () => {
    await ticket({ 'external-ref': 'T-2', phone: MEI, name: '李晓梅', language: 'zh-CN', category: 'coverage', state: 'closed', result: RESULT });
    await until('the customer is called again', async () => (await starts()) === 2);
    await askFor('keys mei 1');
    await askFor('keys mei 2');
    await until('the answer is kept', async () => (await kept()) === 2);
    await askFor('keys mei 2');
    const mine = page.locator('.panel section[aria-labelledby=work-mine]');
    await mine.locator('.item', { hasText: '李晓梅' }).waitFor({ timeout: 30_000 });
    await accessible(page, 'a promise of one’s own');
    await boss.locator('[data-verdict=called]').first().getByRole('button').click();
    await sees(boss, 'with 李敏', '[aria-labelledby=right-follow-ups]');
    await keep(page, 'promise');
  });
  await step('what was promised is done, and why it was wanted is written down', async () => {
    await page.locator('.panel section[aria-labelledby=work-mine] .item', { hasText: '李晓梅' }).getByRole('button').first().click();
    const card = page.locator('[aria-labelledby=right-follow-ups] form');
    await card.getByLabel('客户为什么不满意').selectOption({ label: '处理太慢' });
    await card.getByRole('button', { name: '完成' }).click();
    await card.waitFor({ state: 'detached' });
  });
  await step('each category has its funnel, and the file has the same numbers', async () => {
    await boss.goto(`${base}/campaigns`);
    const policy = boss.locator('[data-policy=survey]');
    await policy.locator('[data-reason=too-slow]').waitFor();
    const figure = async (name) => (await policy.locator(`[data-step=${name}] td`).first().textContent()).trim();
    assert.deepEqual([await figure('drawn'), await figure('dissatisfied')], ['2', '2']);
    const saved = async () => {
      const [file] = await Promise.all([boss.waitForEvent('download'), boss.getByRole('button', { name: 'Save as CSV' }).click()]);
      const text = readFileSync(await file.path(), 'utf8');
      assert(text.startsWith('\ufeff'), 'a spreadsheet has to know that it is UTF-8');
      const [head, ...rows] = text.slice(1).trim().split('\r\n').map((line) => line.split(','));
      return rows.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at]])));
    };
    const all = await saved();
    assert.deepEqual(all.map((row) => [row.policy, row.category]).sort(), [['survey', 'coverage'], ['survey', 'data-charge']]);
    for (const name of ['drawn', 'due', 'attempted', 'answered', 'took-part', 'completed', 'satisfied', 'dissatisfied', 'followed-up']) {
      assert.equal(String(all.reduce((sum, row) => sum + Number(row[name]), 0)), await figure(name), name);
    }
    await boss.locator('select[name=category]').selectOption('data-charge');
    await until('one category alone is counted', async () => (await figure('drawn')) === '1');
    const [row, ...none] = await saved();
    assert.deepEqual([none.length, row.category, row.drawn, row.dissatisfied, row.found], [0, 'data-charge', '1', '1', 'money=1']);
    await accessible(boss, 'calls to customers, one category');
    await keep(boss, 'campaigns-category');
  });
  await step('an agent has no part in who is called', async () => {
    await page.goto(`${base}/campaigns`);
    await page.locator('h1').waitFor();
    await page.getByRole('button').first().waitFor();
  });
}

await run(main);
