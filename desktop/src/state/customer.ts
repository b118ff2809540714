/** The customer on screen: the card, the time line, and what goes on at this moment. */

import { computed, ref, shallowRef } from 'vue';
import { Problem, ask, askVersioned } from '../api';
import type { Card, Entry, JournalEvent, Timeline } from '../types';

export const wanted = ref<string | null>(null);
export const card = ref<Card | null>(null);
export const entries = shallowRef<Entry[]>([]);
export const next = ref<string | null>(null);
export const missing = ref(false);
export const failed = ref(false);
/** Counts what was told of the customer's rebates. */
export const rebatesTold = ref(0);
/** The card stands. */
export const live = computed(() => card.value?.live ?? []);

const PAGE = 40;
const key = (entry: Entry) => `${entry.kind}:${entry.id}`;

/** A card, with the version that a change of it rests on. */
export async function loadCard(id: string): Promise<Card> {
  const { body, version } = await askVersioned<Card>('GET', `/customers/${encodeURIComponent(id)}/card`);
  return { ...body, version };
}

function load(id: string): Promise<[Card, Timeline]> {
  return Promise.all([loadCard(id), ask<Timeline>('GET', `/customers/${encodeURIComponent(id)}/timeline?limit=${PAGE}`)]);
}

/** Shows a customer. Gives the `seq` to follow from; `null`: there is nothing to show. */
export async function show(id: string | null): Promise<number | null> {
  if (id !== card.value?.id) {
    card.value = null;
    entries.value = [];
    next.value = null;
  }
  wanted.value = id;
  missing.value = failed.value = false;
  if (id === null) return null;
  try {
    const [now, line] = await load(id);
    if (wanted.value !== id) return null;
    paint(now, line);
    return now.seq;
  } catch (error) {
    if (wanted.value === id) {
      missing.value = error instanceof Problem && error.status === 404;
      failed.value = !missing.value;
    }
    return null;
  }
}

function paint(now: Card, line: Timeline): void {
  const known = new Map(card.value?.live.map((contact) => [contact.id, contact.path]));
  for (const contact of now.live) {
    const path = known.get(contact.id);
    // What was told meanwhile is newer than what was read.
    if (path && path.length > contact.path.length) contact.path = path;
  }
  card.value = now;
  const fresh = new Set(line.entries.map(key));
  const last = line.entries.at(-1);
  const older = last ? entries.value.filter((entry) => !fresh.has(key(entry)) && entry.at < last.at) : [];
  if (!older.length) next.value = line.next;
  entries.value = [...line.entries, ...older];
}

let refreshing = false;
let again = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Loads card and newest page anew; what was scrolled to stays. */
export async function refresh(): Promise<void> {
  const id = wanted.value;
  if (id === null) return;
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = true;
  try {
    const [now, line] = await load(id);
    if (wanted.value === id) {
      paint(now, line);
      failed.value = false;
    }
  } catch {
    if (!card.value) failed.value = true;
  } finally {
    refreshing = false;
  }
  if (again) {
    again = false;
    refreshSoon();
  }
}

export function refreshSoon(): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    void refresh();
  }, 120);
}

export async function loadOlder(): Promise<void> {
  const id = wanted.value;
  const before = next.value;
  if (id === null || before === null) return;
  const path = `/customers/${encodeURIComponent(id)}/timeline?limit=${PAGE}&before=${encodeURIComponent(before)}`;
  const page = await ask<Timeline>('GET', path);
  if (wanted.value !== id || next.value !== before) return;
  const known = new Set(entries.value.map(key));
  entries.value = [...entries.value, ...page.entries.filter((entry) => !known.has(key(entry)))];
  next.value = page.next;
}

/** Something happened with this customer. */
export function happened(event: JournalEvent): void {
  const contact = card.value?.live.find((one) => one.id === event['interaction-id']);
  if (contact && event.type.startsWith('call.')) {
    if (!contact.path.some((known) => known.seq === event.seq)) contact.path = [...contact.path, event];
    // The steps of a call stand in its path; the rest of the page changes when it ends or is known.
    if (event.type !== 'call.ended' && event.type !== 'call.verified') return;
  }
  if (event.type.startsWith('rebate.')) rebatesTold.value += 1;
  refreshSoon();
}
