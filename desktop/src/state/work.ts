/** What lies on one's own desk. */

import { ref } from 'vue';
import { ask } from '../api';
import type { MyWork } from '../types';

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
