/** An agent's day at the desktop, in a real browser. */

import assert from 'node:assert/strict';
import { accessible, api, askFor, base, choose, entry, frameFits, keep, password, person, run, sees, signIn, step, ticket } from './support.mjs';

async function main() {
  const markup = '<img src=x onerror="window.hacked=1"><b>王</b>';
  const customer = await ticket({
    'external-ref': 'T-1', phone: '13800138000', name: '李晓梅', language: 'zh-CN', category: 'data-charge', state: 'closed',
    result: '尊敬的客户,您好,为您退费98.5元,7个工作日到账,请您关注。', code: '407192865',
  });
  await ticket({ 'external-ref': 'T-3', phone: '13800138000', language: 'zh-CN', category: 'coverage', state: 'open', code: '841620399' });
  await ticket({ 'external-ref': 'T-9', phone: '13912345678', name: markup, language: 'zh-CN', category: 'plan', state: 'open', code: '203847167' });
  const card = await api('GET', `/customers/${customer}/card`);
  const open = card['open-tickets'][0];

  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  await step('nobody signs in with a wrong password, and a login is locked', async () => {
    const answer = await page.goto(base);
    const policy = answer.headers()['content-security-policy'];
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    await signIn(page, 'min.li', 'not the password');
    await sees(page, '账号或密码不对');
    await accessible(page, 'signing in, with an error');
    await keep(page, 'sign-in');
    for (let tries = 0; tries < 7 && !(await page.getByText('账号已锁定').isVisible()); tries += 1) {
      const answered = page.waitForResponse((one) => one.url().endsWith('/session'));
      await signIn(page, 'lock.me', 'not the password');
      await answered;
      await page.locator('[role=alert]').waitFor();
    }
    await sees(page, '账号已锁定');
  });
  await step('the right password leads to the desktop', async () => {
    await signIn(page, 'min.li', password);
    await sees(page, '选一位客户');
    await sees(page, '已连接');
    await frameFits(page);
    await accessible(page, 'the empty desktop');
    await keep(page, 'empty');
  });
  await step('a break has a reason', async () => {
    await page.locator('.state').click();
    assert(await page.getByRole('menuitem', { name: '用餐' }).isDisabled(), 'who is offline takes no break');
    await page.keyboard.press('Escape');
    await choose(page, '可接听');
    await page.locator('.state', { hasText: '可接听' }).waitFor();
    await choose(page, '用餐');
    await page.locator('.state', { hasText: '小休用餐' }).waitFor();
    const { agent } = await page.evaluate(() => fetch('/api/v1/me').then((answer) => answer.json()));
    assert.deepEqual([agent.state, agent.reason], ['break', 'meal']);
    await choose(page, '离线');
    await page.locator('.state', { hasText: '离线' }).waitFor();
  });
  await step('a customer is found by a word of a result, with the keyboard alone', async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('退费');
    await page.getByRole('option').first().waitFor();
    await accessible(page, 'search');
    await keep(page, 'search');
    await page.keyboard.press('Enter');
    await page.locator('h1', { hasText: '李晓梅' }).waitFor();
    assert.equal(new URL(page.url()).pathname, `/customers/${customer}`);
    await sees(page, '+86138••••8000', 'aside');
    await entry(page, 'T-1').waitFor();
    await frameFits(page);
  });
  await step('a half-written note survives a reload, and is saved once', async () => {
    await page.keyboard.press('Alt+n');
    await page.keyboard.type('客户要求书面答复');
    await page.reload();
    await page.locator('h1', { hasText: '李晓梅' }).waitFor();
    assert.equal(await page.locator('.note textarea').inputValue(), '客户要求书面答复');
    await page.keyboard.press('Alt+n');
    await page.keyboard.press('Control+Enter');
    await entry(page, '客户要求书面答复').waitFor();
    assert.equal(await page.locator('.note textarea').inputValue(), '');
    assert.equal(await page.locator('.entry', { hasText: '客户要求书面答复' }).count(), 1);
  });
  await step('a result is published, and who was overtaken is told by what', async () => {
    const box = page.locator('[data-ticket="T-3"]');
    await box.getByRole('button', { name: '公布结果' }).click();
    await box.locator('textarea').fill('您反映的信号问题已经修复。');
    await api('PATCH', `/tickets/${open.id}`, { category: 'plan' }, { 'If-Match': `"${open.version}"` });
    // The new category is painted; the text still rests on the old one.
    await box.locator('.chip', { hasText: '套餐' }).waitFor();
    await box.getByRole('button', { name: '公布并通知客户' }).click();
    await sees(page, '这张工单被改过', '[data-ticket="T-3"]');
    await box.getByText('原来 信号覆盖 → 现在 套餐').waitFor();
    assert.equal(await box.locator('textarea').inputValue(), '您反映的信号问题已经修复。');
    await accessible(page, 'a conflict');
    await keep(page, 'conflict');
    await box.getByRole('button', { name: '按现在的版本继续' }).click();
    await box.getByRole('button', { name: '公布并通知客户' }).click();
    await sees(page, '没有未结的工单', 'aside');
    assert.equal((await api('GET', `/tickets/${open.id}`)).result, '您反映的信号问题已经修复。');
    await entry(page, '您反映的信号问题已经修复。').waitFor();
  });
  await step('the code is sent again, three times a day at most', async () => {
    const button = page.locator('.result', { hasText: 'T-1' }).getByRole('button', { name: '重发编码' });
    for (let time = 1; time <= 4; time += 1) {
      const answered = page.waitForResponse((one) => one.url().endsWith('/code'));
      await button.click();
      assert.equal((await answered).status(), time < 4 ? 202 : 409);
      await page.locator('.result button:disabled').waitFor({ state: 'detached' });
    }
    await sees(page, '24 小时内已重发三次', '.notices');
  });
  await step('a ticket is made', async () => {
    await page.getByRole('button', { name: '新建工单' }).click();
    await page.locator('aside form input').first().fill('plan');
    await page.getByRole('button', { name: '建立' }).click();
    await page.locator('nav', { hasText: '我的工单 1' }).waitFor();
    assert.equal((await api('GET', `/customers/${customer}/card`))['open-tickets'][0].owner, 'min.li');
  });
  await step('a call is seen step by step while it goes on, and its follow-up after it', async () => {
    await askFor('call');
    await page.locator('.live [data-step="call.keyed"]').waitFor({ timeout: 30_000 });
    const seen = await page.locator('.live li').count();
    assert(seen >= 3, `${seen} steps are seen`);
    await sees(page, '正在通话', 'nav');
    await accessible(page, 'a live call');
    await keep(page, 'call');
    await page.keyboard.press('Alt+n');
    await page.keyboard.type('来电');
    await page.locator('.live').waitFor({ state: 'detached', timeout: 60_000 });
    // What happens takes no focus from whoever types.
    await page.keyboard.type('再记');
    assert.equal(await page.locator('.note textarea').inputValue(), '来电再记');
    await page.locator('.note textarea').fill('');
    const call = page.locator('.entry[data-kind=contact]').first();
    await call.getByRole('button', { name: '查看路径' }).click();
    await call.locator('[data-step="call.ended"]').waitFor();
    await entry(page, '要求人工').waitFor();
  });
  await step('the follow-up is taken and done', async () => {
    await page.locator('nav section', { hasText: '待领取' }).getByRole('button', { name: '领取' }).click();
    await page.locator('nav section', { hasText: '我的跟进 1' }).waitFor();
    await page.locator('aside select').selectOption('reached');
    await page.locator('aside').getByRole('button', { name: '完成' }).click();
    await page.locator('nav section', { hasText: '我的跟进 1' }).waitFor({ state: 'detached' });
    assert.deepEqual(await api('GET', '/follow-ups'), []);
  });
  await step('markup in a name is text', async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('5678');
    await page.getByRole('option', { name: 'onerror' }).first().waitFor();
    await page.keyboard.press('Enter');
    await page.locator('h1', { hasText: 'onerror' }).waitFor();
    assert.equal(await page.locator('aside .name').textContent(), markup);
    assert.equal(await page.locator('h1 img, h1 b, aside .name *').count(), 0);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    await page.goBack();
    await page.locator('h1', { hasText: '李晓梅' }).waitFor();
  });

  const boss = await person('en-US', 'dark', { width: 1920, height: 1080 });
  await step('a supervisor sees whole numbers, in English and in the dark', async () => {
    await boss.goto(`${base}/customers/${customer}`);
    await accessible(boss, 'signing in, in English and dark');
    await signIn(boss, 'boss', password);
    await boss.locator('h1', { hasText: '李晓梅' }).waitFor();
    await sees(boss, '+8613800138000', 'aside');
    await sees(boss, 'My work', 'nav');
    await sees(boss, 'Connected');
    await accessible(boss, 'a customer, in English and dark');
    await frameFits(boss);
    await keep(boss, 'customer-en');
  });
  await step('a lost connection is told, and made good by what was missed', async () => {
    await askFor('stop');
    await sees(page, '连接已断开，正在重连');
    await sees(boss, 'Connection lost');
    await accessible(page, 'a lost connection');
    await keep(page, 'lost');
    // One resumes behind a place that the journal does not have: it has to paint anew, and says so. Until the server
    // is back every try asks so.
    const lost = (route) => route.continue({ headers: { ...route.request().headers(), 'last-event-id': '999999999' } });
    await boss.route('**/api/v1/events*', lost);
    await askFor('start');
    await sees(page, '连接已恢复');
    await sees(page, '已连接');
    await sees(boss, 'everything was loaded anew');
    await boss.unroute('**/api/v1/events*', lost);
    await api('POST', `/customers/${customer}/notes`, { text: 'written elsewhere' });
    await entry(page, 'written elsewhere').waitFor();
    await entry(boss, 'written elsewhere').waitFor();
  });
  await step('the language is changed, and who signs out is out', async () => {
    await page.getByRole('button', { name: '账号与设置' }).click();
    await page.getByRole('menuitemradio', { name: 'English' }).click();
    await sees(page, 'My work', 'nav');
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en-US');
    await page.getByRole('button', { name: 'Account and settings' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await sees(page, 'Sign in to the service desk');
    assert.equal(await page.evaluate(() => fetch('/api/v1/me').then((answer) => answer.status)), 401);
  });
}

await run(main);
