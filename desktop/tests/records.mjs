/** What is done with a customer's record: changed, linked, merged and taken apart, looked up, erased. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { accessible, api, base, entry, frameFits, keep, password, person, readable, run, sees, signIn, step, telephone, ticket, until } from './support.mjs';

// What the server hands over to telephones.
const messages = process.env.MESSAGES;
/** A picture of one dot; what stands behind its end makes each another. */
const photo = (number) => Buffer.concat([
  Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64'),
  Buffer.from([number]),
]);

const menu = async (page, name, item) => {
  await page.getByRole('button', { name, exact: true }).click();
  await page.getByRole('menuitem', { name: item }).click();
};

async function main() {
  const mei = await ticket({ 'external-ref': 'T-1', phone: '13800138000', name: '李晓梅', language: 'zh-CN', category: 'data-charge', state: 'open', code: '407192865' });
  const again = await ticket({ 'external-ref': 'T-2', phone: '13912345678', name: '李小梅', language: 'zh-CN', category: 'coverage', state: 'open', code: '203847167' });
  const long = '阿卜杜热合曼·买买提艾力·阿卜杜克里木 Maximiliana Featherstonehaugh-Cholmondeley';
  const other = await ticket({ 'external-ref': 'T-4', phone: '13700137000', name: long, language: 'en-US', category: 'plan', state: 'open', code: '841620399' });

  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  await step('a profile is changed', async () => {
    await page.goto(`${base}/customers/${mei}`);
    await signIn(page, 'min.li', password);
    await page.locator('h1', { hasText: '李晓梅' }).waitFor();
    const own = await page.getByRole('link', { name: '在业务系统中打开' }).getAttribute('href');
    assert.equal(own, `https://crm.example/open?customer=${mei}`);
    await menu(page, '资料操作', '修改资料');
    await page.locator('input[name=name]').fill('李晓梅女士');
    await page.getByPlaceholder('添加标签').fill('大客户');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: '添加一项' }).click();
    await page.getByLabel('名称').fill('地址');
    await page.getByLabel('内容').fill('杭州市西湖区文三路 100 号');
    await accessible(page, 'a profile being changed');
    await frameFits(page);
    await keep(page, 'profile');
    await page.getByRole('button', { name: '保存', exact: true }).click();
    await page.locator('h1', { hasText: '李晓梅女士' }).waitFor();
    await sees(page, '大客户', 'aside');
    await sees(page, '杭州市西湖区文三路 100 号', 'aside');
  });
  await step('who was overtaken sees by what, and loses nothing', async () => {
    await menu(page, '资料操作', '修改资料');
    await page.locator('input[name=name]').fill('李晓梅');
    const { id } = await api('GET', `/customers/${mei}/card`);
    await api('PATCH', `/customers/${id}`, { tier: '金卡' });
    await page.getByRole('button', { name: '保存', exact: true }).click();
    await sees(page, '资料被改过', 'aside');
    await page.getByText('原来 无 → 现在 金卡').waitFor();
    assert.equal(await page.locator('input[name=name]').inputValue(), '李晓梅');
    await accessible(page, 'a profile that was overtaken');
    await keep(page, 'profile-stale');
    await page.getByRole('button', { name: '按现在的版本继续' }).click();
    await page.getByRole('button', { name: '保存', exact: true }).click();
    await page.getByRole('form', { name: '修改资料' }).waitFor({ state: 'detached' });
    const card = await api('GET', `/customers/${mei}/card`);
    assert.deepEqual([card.name, card.tier, card.tags], ['李晓梅', '金卡', ['大客户']]);
  });
  await step('an identity is linked and unlinked', async () => {
    await menu(page, '资料操作', '添加联系方式');
    await page.getByLabel('种类').selectOption('email');
    await page.getByLabel('号码或账号').fill('mei@example.com');
    await page.getByRole('button', { name: '添加', exact: true }).click();
    const row = page.locator('[data-identity]', { hasText: '邮箱' });
    await row.getByText('自称').waitFor();
    assert.match(await row.locator('.value').textContent(), /••/);
    await row.getByRole('button', { name: /^移除/ }).click();
    await sees(page, '确定移除', 'aside');
    await row.getByRole('button', { name: '移除', exact: true }).click();
    await row.waitFor({ state: 'detached' });
  });
  await step('a consent is noted and withdrawn, and the history stays', async () => {
    await page.getByRole('button', { name: '记一笔授权' }).click();
    const form = page.getByRole('form', { name: '记一笔授权' });
    await form.getByLabel('哪一项').selectOption('recording');
    await form.getByLabel('通过').selectOption('letter');
    await accessible(page, 'a consent being noted');
    await keep(page, 'consent');
    await form.getByRole('button', { name: '客户不同意' }).click();
    await page.locator('[data-consent=recording]', { hasText: '撤回' }).waitFor();
    await page.getByRole('button', { name: '恢复：通话录音' }).click();
    await form.getByRole('button', { name: '客户同意' }).click();
    await page.locator('[data-consent=recording]', { hasText: '同意' }).waitFor();
    const all = await api('GET', `/customers/${mei}/consents`);
    assert.deepEqual(all.map((one) => [one.state, one.current]), [['given', true], ['withdrawn', false]]);
    await entry(page, '授权').waitFor();
  });
  await step('a photo is put on the record and seen on the time line', async () => {
    await page.locator('aside input[type=file]').setInputFiles({ name: '账单 <b>.png', mimeType: 'image/png', buffer: photo(1) });
    await page.locator('aside [data-file]', { hasText: '账单 <b>.png' }).waitFor();
    await entry(page, '账单 <b>.png').waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('.entry img')].some((image) => image.naturalWidth === 1));
    await accessible(page, 'a file on the record');
    await keep(page, 'file');
    await page.locator('aside input[type=file]').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('no picture at all') });
    await sees(page, '只收 JPEG、PNG、WebP、HEIC 图片和 PDF', '.notices');
    await page.getByRole('button', { name: '发上传链接' }).click();
    await sees(page, '链接马上发到登记号码', '.notices');
  });
  await step('or the customer sends one by the link that the message brings', async () => {
    const told = () => existsSync(messages) && /\/u\/[0-9a-f]{32}/.exec(readFileSync(messages, 'utf8'))?.[0];
    await until('the link is sent', told);
    await readable(`${base}${told()}`, 'upload');
    const phone = await telephone('zh-CN', 'light');
    await phone.goto(`${base}${told()}`);
    await phone.getByLabel('选择照片或文件').setInputFiles({ name: '客厅.png', mimeType: 'image/png', buffer: photo(2) });
    await phone.getByRole('button', { name: '上传' }).click();
    await sees(phone, '客厅.png', '.told .good');
    await page.locator('aside [data-file]', { hasText: '客厅.png' }).waitFor();
    await phone.context().close();
  });
  await step('two records are one, seen side by side, and two again', async () => {
    await menu(page, '资料操作', '合并客户');
    await page.getByLabel('另一份资料').fill('李小梅');
    await page.getByRole('dialog').getByRole('button', { name: '李小梅' }).click();
    await page.locator('.side').nth(1).waitFor();
    await sees(page, '+86139••••5678', '.dialog');
    await page.getByLabel('为什么合并').fill('同一个人，姓名写错');
    await accessible(page, 'two records side by side');
    await keep(page, 'merge');
    await page.getByRole('button', { name: '合并', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await sees(page, '+86139••••5678', 'aside');
    await entry(page, 'T-2').waitFor();
    await menu(page, '资料操作', '合并客户');
    await page.getByRole('button', { name: '撤销' }).click();
    await sees(page, '已分开', '.dialog');
    await keep(page, 'unmerged');
    await page.keyboard.press('Escape');
    await page.locator('aside [data-identity]', { hasText: '5678' }).waitFor({ state: 'detached' });
    assert.equal((await api('GET', `/customers/${again}/card`)).name, '李小梅');
  });
  await step('what an agent may not do is not there, and refused', async () => {
    await page.getByRole('button', { name: '资料操作', exact: true }).click();
    await page.getByRole('menuitem', { name: '修改资料' }).waitFor();
    assert.equal(await page.getByRole('menuitem', { name: '永久删除' }).count(), 0);
    await page.keyboard.press('Escape');
    const refused = await page.evaluate(
      (id) => Promise.all(['access-log', 'export'].map((what) => fetch(`/api/v1/customers/${id}/${what}`).then((answer) => answer.status))),
      mei,
    );
    assert.deepEqual(refused, [403, 403]);
    const pages = page.getByRole('navigation', { name: '页面' }).getByRole('button');
    assert.deepEqual(await pages.allTextContents(), ['工作台', '质检', '知识库']);
    await page.goto(`${base}/team`);
    await sees(page, '这一页只给班长看');
    await accessible(page, 'a page that is refused');
  });

  const boss = await person('en-US', 'dark', { width: 1920, height: 1080 });
  await step('a supervisor sees who looked, and takes the data', async () => {
    await boss.goto(`${base}/customers/${mei}`);
    await signIn(boss, 'boss', password);
    await boss.locator('h1', { hasText: '李晓梅' }).waitFor();
    await menu(boss, 'Record', 'Who looked');
    await boss.getByRole('cell', { name: 'min.li' }).first().waitFor();
    await accessible(boss, 'who looked');
    await keep(boss, 'looks');
    await boss.keyboard.press('Escape');
    const taken = boss.waitForEvent('download');
    await menu(boss, 'Record', 'Export all data');
    const file = await taken;
    assert.match(file.suggestedFilename(), /^customer-.*\.json$/);
    let text = '';
    for await (const piece of await file.createReadStream()) text += piece;
    assert.match(text, /李晓梅/);
  });
  await step('a long name is shown whole or cut, and nothing is pushed away', async () => {
    await boss.goto(`${base}/customers/${other}`);
    await boss.locator('h1', { hasText: 'Featherstonehaugh' }).waitFor();
    await frameFits(boss);
    await keep(boss, 'long');
  });
  await step('a customer is erased by whoever types the name', async () => {
    await boss.goto(`${base}/customers/${again}`);
    await boss.locator('h1', { hasText: '李小梅' }).waitFor();
    await menu(boss, 'Record', 'Erase for good');
    const act = boss.getByRole('button', { name: 'Erase for good' });
    assert(await act.isDisabled());
    await boss.getByLabel(/Type “李小梅”/).fill('李小梅');
    await accessible(boss, 'erasing');
    await keep(boss, 'erase');
    await act.click();
    await sees(boss, 'This customer was erased', 'aside');
    const card = await api('GET', `/customers/${again}/card`);
    assert.equal(card.name, null);
    assert.deepEqual(card.identities, []);
  });
}

await run(main);
