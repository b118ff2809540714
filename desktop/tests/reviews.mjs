/**
 * A talk that the lot fell on is heard and scored, kept as a draft, shared, seen by whoever talked while they work, and
 * answered; the supervisor sees the answer without asking.
 */

import assert from 'node:assert/strict';
import { accessible, api, askFor, base, choose, frameFits, inOtherLanguage, keep, password, person, run, sees, signIn, step, ticket, until } from './support.mjs';

const MEI = '13800138000';
const NOTE = '开场清楚,<b>但没有问</b>客户还有没有别的问题。';

async function main() {
  const mei = await ticket({ 'external-ref': 'T-1', phone: MEI, name: '李晓梅', language: 'zh-CN', category: 'data-charge', state: 'open', code: '407192865' });
  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  const boss = await person('en-US', 'dark', { width: 1920, height: 1080 });
  await step('nothing is to be heard yet', async () => {
    await boss.goto(`${base}/reviews`);
    await signIn(boss, 'boss', password);
    await boss.locator('h1', { hasText: 'Reviews' }).waitFor();
    await sees(boss, 'Nothing is left to be heard today.');
    await accessible(boss, 'reviews, none yet');
    await keep(boss, 'reviews-empty');
  });
  await step('an agent talks with a customer', async () => {
    await page.goto(base);
    await signIn(page, 'min.li', password);
    await sees(page, '已连接');
    await askFor('telephone min.li');
    await choose(page, '可接听');
    await page.locator('.state', { hasText: '可接听' }).waitFor();
    await askFor(`calls mei ${MEI}`);
    await page.locator('.offer .name', { hasText: '李晓梅' }).waitFor({ timeout: 30_000 });
    await askFor('answer min.li');
    await page.locator('.dock').waitFor();
    await askFor('hears mei 900');
    await page.keyboard.press('Alt+r');
    await sees(page, '录音已暂停', '.dock');
    await sees(page, '李敏 暂停录音', '.live');
    await accessible(page, 'a recording that is paused');
    await frameFits(page);
    await keep(page, 'recording-paused');
    await page.reload();
    await sees(page, '录音已暂停', '.dock');
    await page.getByRole('button', { name: '继续录音' }).click();
    await page.getByRole('button', { name: '暂停录音' }).waitFor();
    await sees(page, '李敏 继续录音', '.live');
    await page.getByRole('button', { name: '结束' }).click();
    const form = page.getByRole('form', { name: '通话整理' });
    await form.getByText('已解决').click();
    await page.getByRole('button', { name: '完成，继续接听' }).click();
    await form.waitFor({ state: 'detached' });
    await until('the call has ended', async () => (await api('GET', '/calls?limit=1')).some((call) => call['ended-at'] !== null));
  });
  const criteria = boss.locator('[data-criterion]');
  await step('the lot falls on it, and it is scored and kept as a draft', async () => {
    await boss.reload();
    const drawn = boss.locator('[data-talk]');
    await drawn.getByText('李敏').waitFor();
    await frameFits(boss);
    await keep(boss, 'reviews-drawn');
    await drawn.getByRole('button', { name: 'Hear and review' }).click();
    const head = boss.getByRole('heading', { name: 'A talk of 李敏' });
    await head.waitFor();
    assert(await head.evaluate((at) => at === document.activeElement), 'the form is where one is');
    const count = await criteria.count();
    assert(count >= 2, `${count} criteria`);
    // By keys alone: the best score of the first, then less.
    for (let at = 0; at < count; at += 1) {
      const scores = criteria.nth(at).getByRole('radio');
      await scores.nth(at === 0 ? (await scores.count()) - 2 : 1).focus();
      await boss.keyboard.press('Space');
    }
    await boss.getByLabel('What went well').fill(NOTE);
    await accessible(boss, 'a review being written');
    await inOtherLanguage(boss, async () => {
      await boss.getByRole('heading', { name: '李敏 的一次通话' }).waitFor();
      await accessible(boss, 'a review being written, in Chinese');
    });
    await keep(boss, 'review-form');
    await boss.getByRole('button', { name: 'Keep as a draft' }).click();
    await sees(boss, 'The draft is kept.', '.notices');
    assert.deepEqual(await page.evaluate(() => fetch('/api/v1/reviews').then((answer) => answer.json())), [], 'a draft is the reviewer’s own');
    await boss.reload();
    await boss.getByRole('button', { name: 'Go on', exact: true }).click();
    assert.equal(await boss.getByLabel('What went well').inputValue(), NOTE);
  });
  await step('and stands with its recording in the customer’s time line, for those who lead', async () => {
    await boss.goto(`${base}/customers/${mei}`);
    const call = boss.locator('.entry[data-kind=contact]').first();
    await call.getByRole('button', { name: 'Show path' }).click();
    const player = call.locator('audio');
    await player.waitFor();
    const seconds = await player.evaluate(async (audio) => {
      audio.muted = true;
      await audio.play();
      await new Promise((done) => audio.addEventListener('timeupdate', () => audio.currentTime > 0.3 && done()));
      audio.pause();
      return audio.duration;
    });
    assert(seconds > 2, `a recording of ${seconds} s`);
    await accessible(boss, 'a recording in the time line');
    await frameFits(boss);
    await keep(boss, 'time-line-recording');
    await page.goto(`${base}/customers/${mei}`);
    const own = page.locator('.entry[data-kind=contact]').first();
    await own.getByRole('button', { name: '查看路径' }).click();
    await own.locator('.steps').waitFor();
    assert.equal(await own.locator('audio').count(), 0, 'recordings are for those who lead');
    await boss.goto(`${base}/reviews`);
    await boss.getByRole('button', { name: 'Go on', exact: true }).click();
  });
  const shared = page.locator('[data-review]');
  await step('it is shared, and whoever talked is told at once', async () => {
    await boss.getByRole('button', { name: 'Share with the agent' }).click();
    await sees(boss, 'The review is shared', '.notices');
    await sees(page, '班长发来一份通话评分', '.notices');
    await page.getByRole('button', { name: '质检', exact: true }).click();
    await shared.getByText(NOTE).waitFor();
    await shared.getByText('待答复').waitFor();
    await accessible(page, 'a review of one’s own');
    await inOtherLanguage(page, async () => {
      await page.getByRole('heading', { name: 'Reviews of my talks' }).waitFor();
      await accessible(page, 'a review of one’s own, in English');
    });
    await frameFits(page);
    await keep(page, 'review-mine');
  });
  await step('they see it otherwise, and the supervisor sees that without asking', async () => {
    assert(await shared.getByRole('button', { name: '有异议' }).isDisabled(), 'a dispute needs words');
    await shared.getByRole('textbox').fill('客户赶时间,先挂了。');
    await shared.getByRole('button', { name: '有异议' }).click();
    await shared.locator('.chip', { hasText: '有异议' }).waitFor();
    assert.equal(await shared.getByRole('button').count(), 0);
    const answered = boss.locator('[data-review]');
    await answered.getByText('客户赶时间,先挂了。').waitFor({ timeout: 30_000 });
    await answered.locator('.chip', { hasText: 'Disputed' }).waitFor();
    await boss.getByRole('region', { name: 'Means of the last 30 days' }).getByText('李敏').waitFor();
    await accessible(boss, 'reviews');
    await inOtherLanguage(boss, async () => {
      await boss.locator('h1', { hasText: '质检' }).waitFor();
      await accessible(boss, 'reviews, in Chinese');
    });
    await keep(boss, 'reviews');
  });
}

await run(main);
