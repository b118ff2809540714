/**
 * How long it takes from an offer to the painted card, in one Chromium, while other desktops hold their event streams.
 * Started by `tools/offers`, which has the telephones.
 */

import { Agent, get } from 'node:http';
import { askFor, base, choose, password, person, run, signIn, sees, ticket } from './support.mjs';

const OTHERS = Number(process.env.OTHERS ?? 199);
const OFFERS = Number(process.env.OFFERS ?? 40);
/** Between two callers; each is offered for three seconds. */
const EVERY_MS = 4_500;

/** Another desktop's stream, as a page opens it, once it stands. */
function stream(cookie, agent) {
  const seen = { bytes: 0, open: false };
  const headers = { Accept: 'text/event-stream', Cookie: cookie };
  return new Promise((resolve) => {
    const asked = get(`${base}/api/v1/events?me=1&house=1`, { headers, agent }, (answer) => {
      seen.open = answer.statusCode === 200;
      answer.on('data', (piece) => (seen.bytes += piece.length));
      answer.on('close', () => (seen.open = false));
      resolve(seen);
    });
    asked.on('error', () => resolve(seen));
  });
}

const sorted = (list) => [...list].sort((a, b) => a - b);
const part = (list, share) => sorted(list)[Math.min(list.length - 1, Math.ceil(list.length * share) - 1)];
const row = (words, list) =>
  console.log(`  ${words.padEnd(44)} p50 ${part(list, 0.5).toFixed(0)} ms, p95 ${part(list, 0.95).toFixed(0)} ms, longest ${Math.max(...list).toFixed(0)} ms, of ${list.length}`);

async function main() {
  const numbers = Array.from({ length: 20 }, (_, at) => `138001380${String(at + 10)}`);
  for (const [at, phone] of numbers.entries()) {
    const fields = { phone, name: `客户${at}`, language: 'zh-CN', state: 'open' };
    await ticket({ ...fields, 'external-ref': `A-${at}`, category: 'data-charge' });
    await ticket({ ...fields, 'external-ref': `B-${at}`, category: 'coverage' });
  }
  const session = await fetch(`${base}/api/v1/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ login: 'hong.zhao', password }),
  });
  const cookie = session.headers.get('set-cookie').split(';')[0];
  const agent = new Agent({ maxSockets: Infinity });
  // A few at a time: the server lets in 20 of one address at once until it knows who they are.
  const others = [];
  while (others.length < OTHERS) {
    const some = Array.from({ length: Math.min(10, OTHERS - others.length) }, () => stream(cookie, agent));
    others.push(...(await Promise.all(some)));
  }

  const page = await person('zh-CN', 'light', { width: 1366, height: 768 });
  await page.goto(base);
  await signIn(page, 'min.li', password);
  await sees(page, '已连接');
  await askFor('telephone min.li');
  await choose(page, '可接听');
  await page.locator('.state', { hasText: '可接听' }).waitFor();
  console.log(`  ${others.filter((one) => one.open).length} other streams are open, ${OFFERS} callers come`);
  for (let at = 0; at < OFFERS; at += 1) {
    await askFor(`caller ${numbers[at % numbers.length]} 3`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  const offers = await page.evaluate(() => {
    const of = (name) => new Map(performance.getEntriesByName(name).map((mark) => [mark.detail.offer, mark]));
    const [begun, painted] = [of('offer-begun'), of('offer-painted')];
    return performance.getEntriesByName('offer').flatMap((mark) => {
      const done = painted.get(mark.detail.offer);
      if (!done) return [];
      const at = performance.timeOrigin + done.startTime;
      return [{ first: begun.get(mark.detail.offer).startTime - mark.startTime, page: done.startTime - mark.startTime, all: at - Date.parse(mark.detail.at) }];
    });
  });
  console.log(`  ${others.filter((one) => one.open).length} other streams still open, ${Math.min(...others.map((one) => one.bytes))} bytes told to each at least`);
  row('offer made to the whole card painted', offers.map((one) => one.all));
  row('  of it in the page: told to painted', offers.map((one) => one.page));
  row('  of it the card begun, before the look-up', offers.map((one) => one.first));
  agent.destroy();
}

await run(main);
