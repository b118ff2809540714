/** Who waits, and where everybody at work is: read once, then kept by what the journal tells. */

import { computed, reactive, ref, shallowRef } from 'vue';
import { ask } from '../api';
import type { Agent, AgentDay, AgentState, Floor, JournalEvent, Queue, Waiting } from '../types';

/** A caller in a queue, by the id of the place. */
export interface Place extends Waiting {
  queue: string;
}

export const queues = shallowRef<Queue[]>([]);
export const places = reactive(new Map<string, Place>());
export const team = reactive(new Map<string, Agent>());
/** What each agent did today; only told to those who lead. */
export const days = shallowRef(new Map<string, AgentDay>());
export const loaded = ref(false);

/** What queues are called, by name. */
export const titles = computed(() => new Map(queues.value.map((queue) => [queue.name, queue.title])));
/** Names by id, for the path of a call. */
export const names = computed(() => new Map([...team.values()].map((agent) => [agent.user, agent.name])));

/** What a colleague is called whose login is told; somebody who left keeps it. */
export const nameOf = (login: string | null | undefined) => (login && [...team.values()].find((agent) => agent.login === login)?.name) || (login ?? '');

/** What the journal told last: an answer that was read before may be older. */
let recent: JournalEvent[] = [];
const RECENT = 500;
const GONE = ['served', 'left', 'nobody', 'closed', 'failed', 'resumed', 'expired', 'not-reached'];

/** The journal's own times are microseconds. */
const time = (micros: unknown) => (typeof micros === 'number' ? new Date(micros / 1000).toISOString() : null);
const text = (value: unknown) => (typeof value === 'string' ? value : null);

export async function loadFloor(): Promise<void> {
  const [told, agents] = await Promise.allSettled([ask<Floor>('GET', '/queues'), ask<Agent[]>('GET', '/agents')]);
  if (agents.status === 'fulfilled') {
    team.clear();
    for (const agent of agents.value) team.set(agent.user, agent);
  }
  if (told.status === 'fulfilled') {
    const { at, queues: all, agents: by } = told.value;
    queues.value = all;
    days.value = new Map(by.map((day) => [day.user, day]));
    places.clear();
    for (const queue of all) for (const one of queue.callers) places.set(one.id, { ...one, queue: queue.name });
    // What was told while this was read may be newer than it.
    const since = Date.parse(at) - 5_000;
    recent = recent.filter((event) => Date.parse(event['occurred-at']) > since);
    for (const event of recent) apply(event);
    loaded.value = true;
  }
}

let timer: ReturnType<typeof setTimeout> | undefined;

/** Reads it again soon: figures are counted by the server. */
export function loadFloorSoon(): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    void loadFloor();
  }, 700);
}

/** Something of queues or agents happened. */
export function told(event: JournalEvent): void {
  recent.push(event);
  if (recent.length > RECENT) recent.shift();
  apply(event);
}

function apply(event: JournalEvent): void {
  const body = event.body;
  if (event.type === 'agent.state') {
    const agent = team.get(text(body.user) ?? '');
    if (!agent) return;
    const state = body.state as AgentState;
    Object.assign(agent, {
      state,
      reason: text(body.reason),
      since: event['occurred-at'],
      waiting: text(body.waiting),
      until: time(body.until),
    });
    return;
  }
  const id = text(body.waiting);
  const state = event.type.slice('queue.'.length);
  if (!id || state === 'offer') return;
  if (GONE.includes(state)) {
    places.delete(id);
    return;
  }
  const known = places.get(id);
  places.set(id, {
    id,
    call: event['interaction-id'] ?? known?.call ?? '',
    customer: event['customer-id'] ?? known?.customer ?? null,
    state: state as Place['state'],
    agent: text(body.agent),
    'joined-at': time(body['joined-at']) ?? known?.['joined-at'] ?? event['occurred-at'],
    since: event['occurred-at'],
    priority: typeof body.priority === 'number' ? body.priority : 0,
    number: known?.number ?? null,
    reason: known?.reason ?? null,
    'told-place': known?.['told-place'] ?? null,
    'told-minutes': known?.['told-minutes'] ?? null,
    queue: text(body.queue) ?? known?.queue ?? '',
  });
}

const inLine = ['waiting', 'offered', 'call-back', 'calling'];

/** Those who wait in a queue, here or for a call back, in the order in which they are served. */
export function line(queue: string): Place[] {
  const all = [...places.values()].filter((one) => one.queue === queue && inLine.includes(one.state));
  return all.sort((a, b) => b.priority - a.priority || a['joined-at'].localeCompare(b['joined-at']));
}

/** Whether an agent serves a queue: they can do all that it asks for. */
export function serves(agent: Agent, queue: Queue): boolean {
  return queue.skills.every((skill) => agent.skills.includes(skill));
}

export function free(queue: Queue): number {
  return [...team.values()].filter((agent) => agent.state === 'available' && serves(agent, queue)).length;
}

export function forgetFloor(): void {
  recent = [];
  places.clear();
  team.clear();
  queues.value = [];
  loaded.value = false;
}
