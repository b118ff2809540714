/** Who is signed in. */

import { computed, reactive, ref } from 'vue';
import { Problem, ask, onSignedOut, useToken } from '../api';
import type { Agent, AgentState, Me } from '../types';

export const me = ref<Me | null>(null);
/** Whether this person leads others: sees the whole floor, hears calls, erases records. */
export const leads = computed(() => me.value?.roles.includes('supervisor') ?? false);
/** Whether this person serves customers. */
export const serves = computed(() => me.value?.roles.some((role) => role === 'agent' || role === 'supervisor') ?? false);
/** Whether this person writes articles. */
export const writes = computed(() => me.value?.roles.some((role) => role === 'designer' || role === 'supervisor') ?? false);
/** `asking` until it is known whether somebody is signed in. */
export const phase = ref<'asking' | 'out' | 'in'>('asking');
/** The session ended while somebody worked: what they wrote is kept. */
export const ended = ref(false);

function enter(who: Me): void {
  useToken(who['csrf-token']);
  me.value = reactive(who);
  phase.value = 'in';
  ended.value = false;
}

function leave(): void {
  me.value = null;
  phase.value = 'out';
}

onSignedOut(() => {
  if (phase.value === 'in') ended.value = true;
  leave();
});

/** Asks who is signed in, until somebody answers. */
export async function recall(): Promise<void> {
  for (;;) {
    try {
      return enter(await ask<Me>('GET', '/me'));
    } catch (error) {
      if (error instanceof Problem && error.status !== 0 && error.status < 500) return leave();
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

export async function signIn(login: string, password: string): Promise<void> {
  enter(await ask<Me>('POST', '/session', { body: { login, password } }));
}

export async function signOut(): Promise<void> {
  await ask('DELETE', '/session');
  ended.value = false;
  leave();
}

export async function chooseState(state: AgentState, reason: string | null): Promise<void> {
  const agent = await ask<Agent>('PUT', '/me/state', { body: { state, reason } });
  if (me.value) me.value.agent = agent;
}

/** Where the journal says that we are. */
export function moved(state: AgentState, reason: string | null, at: string): void {
  const agent = me.value?.agent;
  if (!agent || (agent.state === state && agent.reason === reason)) return;
  Object.assign(agent, { state, reason, since: at });
}
