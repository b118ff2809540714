/**
 * A customer is called, is not content, says why and waits for a human: the agent hears the comment on the card before they
 * answer, and what the browser plays is the comment.
 */

import assert from 'node:assert/strict';
import { accessible, api, askFor, base, choose, keep, password, person, run, sees, signIn, step, ticket, until } from './support.mjs';

/** Somebody who leaves words (`support/people.rs`): a chord of these two tones. */
const LAN = '13912348010';
const CHORD = [500, 1300];

/** The share of a sound's power at each of some frequencies, as the browser itself decodes the file. */
const shares = (player, tones) =>
  player.evaluate(async (audio, tones) => {
    const answer = await fetch(audio.currentSrc || audio.src);
    const context = new OfflineAudioContext(1, 8000, 8000);
    const sound = await context.decodeAudioData(await answer.arrayBuffer());
    // The first second behind the beep's rest: somebody speaks by then.
    const all = sound.getChannelData(0);
    const begin = all.findIndex((sample) => Math.abs(sample) > 0.02) + 1600;
    const part = all.slice(begin, begin + sound.sampleRate);
    const power = part.reduce((sum, sample) => sum + sample * sample, 0) / part.length;
    const share = (hertz) => {
      const angle = (2 * Math.PI * hertz) / sound.sampleRate;
      let [re, im] = [0, 0];
      part.forEach((sample, n) => {
        re += sample * Math.cos(angle * n);
        im += sample * Math.sin(angle * n);
      });
      return (2 * (re * re + im * im)) / part.length ** 2 / power;
    };
    return { seconds: sound.duration, of: tones.map(share) };
  }, tones);

async function main() {
  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  await step('an agent is ready, the customer is called and says what was wrong', async () => {
    await page.goto(base);
    await signIn(page, 'min.li', password);
    await sees(page, '已连接');
    await askFor('telephone min.li');
    await choose(page, '可接听');
    await page.locator('.state', { hasText: '可接听' }).waitFor();
    await ticket({ 'external-ref': 'T-2', phone: LAN, name: '兰兰', language: 'zh-CN', category: 'data-charge', state: 'closed', result: '已处理。' });
    await until('her words are kept', async () => (await api('GET', '/calls?limit=5')).some((call) => call.path.some((event) => event.type === 'call.recorded')), 60_000);
  });
  await step('the card plays the comment while it rings', async () => {
    const card = page.locator('.offer');
    await card.locator('.name', { hasText: '兰兰' }).waitFor({ timeout: 30_000 });
    const player = card.locator('audio');
    await player.waitFor();
    await accessible(page, 'an offer with a comment');
    await player.evaluate((audio) => audio.play());
    const state = () => player.evaluate((audio) => ({ length: audio.duration, at: audio.currentTime, error: audio.error?.message }));
    await until('it plays', async () => (await state()).at > 0.4);
    const { length, error } = await state();
    assert.equal(error, undefined);
    assert(length > 2 && length < 6, `the comment lasts ${length} s`);
    const heard = await shares(player, [...CHORD, 1000]);
    assert(Math.abs(heard.seconds - length) < 0.1, JSON.stringify(heard));
    assert(heard.of[0] > 0.35 && heard.of[1] > 0.35, `the comment is the chord: ${heard.of}`);
    assert(heard.of[2] < 0.05, `the beep is not in it: ${heard.of}`);
    await keep(page, 'comment');
  });
  await step('they talk', async () => {
    await askFor('answer min.li');
    await page.locator('.dock').waitFor();
    await page.getByRole('button', { name: '结束' }).click();
    const form = page.getByRole('form', { name: '通话整理' });
    await form.getByText('已解决').click();
    await page.getByRole('button', { name: '完成，继续接听' }).click();
    await form.waitFor({ state: 'detached' });
  });
}

await run(main);
