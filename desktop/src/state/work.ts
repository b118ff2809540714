/** What lies on one's own desk. */

import { ref } from 'vue';
import { ask } from '../api';
import type { Missed, MyWork } from '../types';

export const work = ref<MyWork | null>(null);

let timer: ReturnType<typeof setTimeout> | undefined;

export async function loadWork(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  try {
    work.value = await ask<MyWork>('GET', '/me/work');
  } catch {
    // What is painted stays; the connection's light tells what is wrong.
  }
}

/** Loads it soon. What concerns all is not asked for by all at once. */
export function loadWorkSoon(mine: boolean): void {
  timer ??= setTimeout(() => void loadWork(), mine ? 100 : 500 + Math.random() * 1500);
}

/** Calls of the last day that rang here and were not taken. */
export const missedCalls = ref<Missed[]>([]);
const DAY = 24 * 3600 * 1000;

export async function loadMissed(): Promise<void> {
  try {
    const all = await ask<Missed[]>('GET', '/me/missed');
    missedCalls.value = all.filter((one) => Date.parse(one.at) > Date.now() - DAY);
  } catch {
    // What is painted stays.
  }
}
