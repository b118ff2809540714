/**
 * What customers were given is shown and its text sent again; what is known is written down by a supervisor and stands on
 * the page of every customer whom it fits.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { accessible, api, base, entry, frameFits, inOtherLanguage, keep, password, person, run, sees, signIn, step, ticket, until } from './support.mjs';

// What the server hands over to telephones.
const messages = process.env.MESSAGES;
const TEXT = '您获赠50元电子充值卡,卡密1234567890,请在充值页面使用。';

async function main() {
  const mei = await ticket({ 'external-ref': 'T-1', phone: '13800138000', name: '李晓梅', language: 'zh-CN', category: 'data-charge', state: 'open', code: '407192865' });
  const other = await ticket({ 'external-ref': 'T-2', phone: '13912345678', name: '王建国', language: 'zh-CN', category: 'coverage', state: 'open', code: '203847167' });
  const given = new Date(Date.now() - 3 * 86_400_000).toISOString();
  const gift = { phone: '13800138000', 'face-value': '50', state: 'unused', 'returned-at': given };
  const all = [
    { ...gift, 'external-ref': 'R-1', activity: '春节充值返礼 <b>', type: 'e-recharge-card', quantity: 2, message: TEXT, 'expires-at': new Date(Date.now() + 86_400_000 * 20).toISOString() },
    { ...gift, 'external-ref': 'R-2', activity: '老用户回馈', type: 'e-voucher', 'face-value': '9.9', state: 'used', 'used-at': new Date(Date.now() - 86_400_000).toISOString() },
    { ...gift, 'external-ref': 'R-3', activity: '流量误收返费', type: 'small-fee-rebate', 'face-value': '3.5', message: '返费3.5元已到账。', 'expires-at': new Date(Date.now() - 86_400_000).toISOString() },
  ];
  for (const one of all) await api('POST', '/rebates', one);

  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  const gifts = (ref) => page.locator(`aside [data-rebate="${ref}"]`);
  await step('what was given is there, with what became of it', async () => {
    await page.goto(`${base}/customers/${mei}`);
    await signIn(page, 'min.li', password);
    await page.locator('h1', { hasText: '李晓梅' }).waitFor();
    await gifts('R-1').getByText('春节充值返礼 <b>').waitFor();
    await gifts('R-1').getByText(/充值卡 · ¥50\.00 × 2/).waitFor();
    await gifts('R-1').getByText('24 小时内还可重发 3 次').waitFor();
    await gifts('R-2').getByText('已使用', { exact: true }).waitFor();
    // Its time is over, whatever the firm said last.
    await gifts('R-3').getByText('已过期', { exact: true }).waitFor();
    for (const ref of ['R-2', 'R-3']) assert.equal(await gifts(ref).getByRole('button').count(), 0);
    await gifts('R-3').scrollIntoViewIfNeeded();
    await accessible(page, 'gifts and rebates');
    await frameFits(page);
    await inOtherLanguage(page, async () => {
      await gifts('R-1').getByText('3 more in 24 hours').waitFor();
      await accessible(page, 'gifts and rebates, in English');
    });
    await keep(page, 'rebates');
  });
  await step('its text is sent again, word for word, three times a day at most', async () => {
    const button = gifts('R-1').getByRole('button', { name: '重发短信' });
    for (const left of ['还可重发 2 次', '还可重发 1 次', '已重发三次']) {
      await button.click();
      await gifts('R-1').getByText(left).waitFor();
    }
    await sees(page, '短信即将重发到登记的号码', '.notices');
    assert(await button.isDisabled());
    const told = () => existsSync(messages) && readFileSync(messages, 'utf8').split('\n').filter((line) => line.includes(TEXT)).length === 3;
    await until('the customer has it three times', told);
    await entry(page, '春节充值返礼 <b>').waitFor();
  });

  const boss = await person('en-US', 'dark', { width: 1920, height: 1080 });
  await step('a supervisor writes an article', async () => {
    await boss.goto(`${base}/articles`);
    await signIn(boss, 'boss', password);
    await boss.locator('h1', { hasText: 'Knowledge' }).waitFor();
    await sees(boss, 'There are no articles yet.');
    await accessible(boss, 'knowledge, none yet');
    await keep(boss, 'articles-empty');
    await boss.getByRole('button', { name: 'New article' }).click();
    const [chinese, english] = [boss.getByRole('group', { name: 'Chinese' }), boss.getByRole('group', { name: 'English' })];
    assert(await chinese.getByLabel('Title').evaluate((field) => field === document.activeElement), 'one can write at once');
    await chinese.getByLabel('Title').fill('流量费争议怎么办');
    await chinese.getByLabel('Text').fill('先核对账单周期,再看是否订了<b>自动续订</b>包。\n多收的费用3个工作日内退回。');
    await english.getByLabel('Title').fill('Disputed data charges');
    assert(await boss.getByRole('button', { name: 'Save' }).isDisabled(), 'a title needs its text');
    await english.getByLabel('Text').fill('Check the billing period first, then packages that renew themselves.\nWhat was charged too much is paid back within 3 working days.');
    await boss.locator('form').getByLabel('Categories of tickets it fits').fill('Data charge, 套餐, roaming');
    await boss.locator('form').getByLabel('Tags').fill('账单');
    await boss.locator('form').getByLabel('State').selectOption('published');
    await accessible(boss, 'an article being written');
    await frameFits(boss);
    await keep(boss, 'article-form');
    await boss.getByRole('button', { name: 'Save' }).click();
    const card = boss.locator('[data-article]', { hasText: 'Disputed data charges' });
    await card.getByText('Data charge', { exact: true }).waitFor();
    // What was written as it is shown is stored as tickets have it.
    const [stored] = await api('GET', '/articles');
    assert.deepEqual(stored.categories, ['data-charge', 'plan', 'roaming']);
    await card.locator('summary').click();
    await card.getByText('renew themselves').waitFor();
    await accessible(boss, 'knowledge');
    await inOtherLanguage(boss, async () => {
      await boss.locator('[data-article]', { hasText: '流量费争议怎么办' }).getByText('流量费', { exact: true }).waitFor();
      await accessible(boss, 'knowledge, in Chinese');
    });
    await keep(boss, 'articles');
  });
  await step('who was overtaken sees what is there now, and loses nothing', async () => {
    await boss.getByRole('button', { name: 'Edit: Disputed data charges' }).click();
    const [{ id, version, title, body, categories, tags }] = await api('GET', '/articles');
    const status = await boss.evaluate(async ([id, version, article]) => {
      const me = await fetch('/api/v1/me').then((answer) => answer.json());
      const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': me['csrf-token'], 'If-Match': `"${version}"` };
      return fetch(`/api/v1/articles/${id}`, { method: 'PUT', headers, body: JSON.stringify(article) }).then((answer) => answer.status);
    }, [id, version, { title, body, categories, tags: [...tags, '退费'], state: 'published' }]);
    assert.equal(status, 200);
    await boss.locator('form').getByLabel('Tags').fill('账单, 续订');
    await boss.getByRole('button', { name: 'Save' }).click();
    await sees(boss, 'changed this article after you had opened it');
    await accessible(boss, 'an article that was overtaken');
    await keep(boss, 'article-stale');
    await boss.getByRole('button', { name: 'Go on from this version' }).click();
    await boss.getByRole('button', { name: 'Save' }).click();
    await boss.locator('form').waitFor({ state: 'detached' });
    assert.deepEqual((await api('GET', '/articles'))[0].tags, ['账单', '续订']);
  });
  await step('it stands on the page of whom it fits, and of nobody else', async () => {
    await page.reload();
    const fitting = page.locator('aside [data-article]');
    await fitting.locator('summary', { hasText: '流量费争议怎么办' }).click();
    await fitting.getByText('<b>自动续订</b>').waitFor();
    await fitting.scrollIntoViewIfNeeded();
    await accessible(page, 'an article that fits');
    await inOtherLanguage(page, async () => {
      await fitting.getByText('renew themselves').waitFor();
      await accessible(page, 'an article that fits, in English');
    });
    await keep(page, 'article');
    const asked = page.waitForResponse((one) => one.url().endsWith(`/customers/${other}/articles`));
    await page.goto(`${base}/customers/${other}`);
    await page.locator('h1', { hasText: '王建国' }).waitFor();
    assert.deepEqual(await (await asked).json(), []);
    assert.equal(await fitting.count(), 0);
  });
  await step('an agent reads and searches what is published, and writes nothing', async () => {
    await page.getByRole('button', { name: '知识库', exact: true }).click();
    await page.locator('[data-article]', { hasText: '流量费争议怎么办' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /^(新建文章|修改)/ }).count(), 0);
    await page.getByRole('searchbox').fill('没有这样的词');
    await sees(page, '没有找到');
    await page.getByRole('searchbox').fill('续订');
    await page.locator('[data-article]', { hasText: '流量费争议怎么办' }).waitFor();
    await accessible(page, 'knowledge, for an agent');
    await frameFits(page);
    await keep(page, 'articles-agent');
  });
}

await run(main);
