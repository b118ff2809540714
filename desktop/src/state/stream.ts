/**
 * The journal as it grows, over one connection. It says when it is lost, resumes where it was, and
 * says when it could not.
 */

import { ref } from 'vue';
import { lostSession } from '../api';
import type { JournalEvent } from '../types';

/** The server gives a sign of life every 15 s. */
const SILENCE = 35_000;
const LONGEST_PAUSE = 8_000;

export const light = ref<'connecting' | 'live' | 'lost'>('connecting');
/** Since when nothing is told any more. */
export const lostSince = ref<Date | null>(null);

export interface Follower {
  event(event: JournalEvent): void;
  /** The connection stands. `anew`: what is painted may be old and is to be loaded again. */
  ready(anew: 'first' | 'resumed' | 'gap'): void;
}

let seq: number | null = null;
let running: AbortController | null = null;

/** Follows from `after` on; `null`: from now on. */
export function follow(customer: string | null, after: number | null, follower: Follower): void {
  running?.abort();
  running = new AbortController();
  seq = after;
  void run(customer, follower, running.signal);
}

export function unfollow(): void {
  running?.abort();
  running = null;
}

async function run(customer: string | null, follower: Follower, stop: AbortSignal): Promise<void> {
  let pause = 250;
  let first = true;
  const wanted = new URLSearchParams({ me: '1', house: '1' });
  if (customer) wanted.set('customer', customer);
  while (!stop.aborted) {
    const told = await listen(wanted, stop, (name, data) => {
      if (name === 'ready' || name === 'gap') {
        seq = (JSON.parse(data) as { seq: number }).seq;
        light.value = 'live';
        lostSince.value = null;
        pause = 250;
        follower.ready(name === 'gap' ? 'gap' : first ? 'first' : 'resumed');
        first = false;
        return;
      }
      const event = JSON.parse(data) as JournalEvent;
      seq = event.seq;
      follower.event(event);
    });
    if (stop.aborted) return;
    if (told === 'unknown') return lostSession();
    light.value = 'lost';
    lostSince.value ??= new Date();
    await rest(pause * (0.75 + Math.random() / 2), stop);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}

/** One connection, until it breaks. `unknown`: we are signed in no longer. */
async function listen(
  wanted: URLSearchParams,
  stop: AbortSignal,
  tell: (name: string, data: string) => void,
): Promise<'broken' | 'unknown'> {
  const cut = new AbortController();
  const forward = () => cut.abort();
  stop.addEventListener('abort', forward);
  // The browser knows at once what the silence would tell later.
  window.addEventListener('offline', forward);
  let watch = setTimeout(forward, SILENCE);
  try {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (seq !== null) headers['Last-Event-ID'] = String(seq);
    const answer = await fetch(`/api/v1/events?${wanted}`, { headers, signal: cut.signal, cache: 'no-store' });
    if (answer.status === 401) return 'unknown';
    if (!answer.ok || !answer.body) return 'broken';
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done || stop.aborted) return 'broken';
      clearTimeout(watch);
      watch = setTimeout(forward, SILENCE);
      const frames = (rest + value).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        let name = 'message';
        const data: string[] = [];
        for (const line of frame.split('\n')) {
          if (line.startsWith('event:')) name = line.slice(6).trim();
          else if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
        }
        if (data.length) tell(name, data.join('\n'));
      }
    }
  } catch {
    return 'broken';
  } finally {
    clearTimeout(watch);
    stop.removeEventListener('abort', forward);
    window.removeEventListener('offline', forward);
  }
}

/** Waits, but not longer than until the network is back. */
function rest(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    window.addEventListener('online', done);
    stop.addEventListener('abort', done);
  });
}
