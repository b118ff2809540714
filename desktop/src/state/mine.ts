/** The caller who is offered to this agent, whom they talk with, and what is to be written of it after. */

import { computed, ref, shallowRef, watch } from 'vue';
import { Problem, ask } from '../api';
import type { Card, Contact, JournalEvent, Reasons } from '../types';
import { loadCard } from './customer';
import { hasDraft } from './drafts';
import { type Place, loadFloor, names, places, team } from './floor';
import { titled, word } from '../words';
import { me } from './session';

export type Asked = 'consulted' | 'sent';

export interface Caller {
  call: string;
  customer: string | null;
  queue: string;
  joinedAt: string;
  /** Since when it rings, or they talk. */
  since: string;
  /** What the record knows of it. `null`: not read yet. */
  contact: Contact | null;
  /** `null`: not read yet, or nobody knows who it is. */
  card: Card | null;
  /** Of a caller whom nobody knows. */
  number: string | null;
  read: boolean;
  /** A colleague asks about the caller, or hands them on without asking. */
  asked?: Asked | null;
}

export interface Offer extends Caller {
  offer: string;
  waiting: string;
}

export interface WrapUp {
  call: string;
  customer: string | null;
  name: string | null;
  queue: string;
  /** How long they talked, in milliseconds. */
  talked: number;
  /** Of a talk that goes on, or ended while no page was there to see it: since when. */
  since?: string;
}

/** Counts what was told of reviews. */
export const reviewsTold = ref(0);

/** A call that one talked in and has written nothing about. */
interface OpenWrapUp {
  call: string;
  customer: string | null;
  name: string | null;
  queue: string;
  'talked-s': number | null;
}

export const offer = ref<Offer | null>(null);
export const talk = ref<Caller | null>(null);
export const wrapUp = ref<WrapUp | null>(null);
/** How the last offer went that came to nothing. */
export const missed = shallowRef<{ offer: string; how: string } | null>(null);
export const reasons = shallowRef<Reasons>({ 'wrap-up': [], 'by-queue': {}, breaks: [] });

/** What is on hold, and who else was asked, as far as this page did it. */
export const held = ref(false);
export const consult = ref<{ label: string; conference: boolean } | null>(null);

const own = computed(() => team.get(me.value?.id ?? '') ?? null);
export const wrapUpUntil = computed(() => (own.value?.state === 'wrap-up' ? (own.value.until ?? null) : null));

const KEPT = 'hotline.wrap-up';
function kept(): WrapUp | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') as WrapUp | null;
  } catch {
    return null;
  }
}
watch(wrapUp, (now) => {
  if (now) sessionStorage.setItem(KEPT, JSON.stringify(now));
  else sessionStorage.removeItem(KEPT);
});

// A page that is loaded anew just when the talk ends knows it by this.
watch(
  () => {
    if (!talk.value || talk.value.asked) return null;
    const { call, customer, queue, since, card } = talk.value;
    return JSON.stringify({ call, customer, name: card?.name ?? null, queue, talked: 0, since } satisfies WrapUp);
  },
  (now) => now && sessionStorage.setItem(KEPT, now),
);

const DONE = 'hotline.wrapped-up';

/** Nothing more is to be written about a call. */
export function closeWrapUp(): void {
  if (wrapUp.value) sessionStorage.setItem(DONE, wrapUp.value.call);
  wrapUp.value = null;
}

/** The wrap-up time that was asked about, by when it began. */
let askedAbout = '';

/** The talk ended while this page was not open: the server knows of it. */
async function askWrapUp(since: string): Promise<void> {
  if (askedAbout === since) return;
  askedAbout = since;
  try {
    const open = await ask<OpenWrapUp | undefined>('GET', '/me/wrap-up');
    if (!open || wrapUp.value || talk.value || own.value?.state !== 'wrap-up' || sessionStorage.getItem(DONE) === open.call) return;
    const { call, customer, name, queue } = open;
    wrapUp.value = { call, customer, name, queue, talked: (open['talked-s'] ?? 0) * 1000 };
  } catch {
    askedAbout = '';
  }
}

export async function loadReasons(): Promise<void> {
  try {
    reasons.value = await ask<Reasons>('GET', '/reasons');
  } catch (error) {
    // A firm that names none writes a note only.
    if (!(error instanceof Problem && error.status === 404)) setTimeout(() => void loadReasons(), 10_000);
  }
}

/** What a break is called. */
export function breakName(reason: string): string {
  const own = reasons.value.breaks.find((one) => one.code === reason);
  return own && Object.keys(own.name).length ? titled(own.name, reason) : word('state.reasons', reason);
}

/** Reads who it is. The card holds the path of every call that goes on, so one answer is enough for a customer. */
async function read(caller: Caller): Promise<void> {
  try {
    if (caller.customer) {
      caller.card = await loadCard(caller.customer);
      caller.contact = caller.card.live.find((one) => one.id === caller.call) ?? null;
    }
    // What happens in a call that is nobody's is told to nobody: its path is read anew.
    const contact = caller.contact && caller.customer ? undefined : ask<Contact>('GET', `/calls/${caller.call}`);
    // Nobody knows who it is: the number is all that there is, and the queue has it.
    if (!caller.customer) await loadFloor();
    caller.contact = (await contact) ?? caller.contact;
    caller.number = [...places.values()].find((one) => one.call === caller.call)?.number ?? null;
  } catch {
    // The card says what the offer itself told.
  }
  if (caller.contact && talk.value?.call === caller.call) consult.value ??= consultOf(caller.contact);
  caller.read = true;
}

/** Who else is in the call, as its path tells it to a page that was loaded anew. */
function consultOf(contact: Contact): { label: string; conference: boolean } | null {
  const { how, to } = contact.path.findLast((event) => event.type === 'call.transferred')?.body ?? {};
  if (how !== 'consulted' && how !== 'conference') return null;
  return { label: names.value.get(String(to)) ?? '', conference: how === 'conference' };
}

function begin(place: Place, since: string): Caller {
  return {
    call: place.call,
    customer: place.customer,
    queue: place.queue,
    joinedAt: place['joined-at'],
    since,
    contact: null,
    card: null,
    number: null,
    read: false,
  };
}

/** An offer of which only the place is known so far. */
let asked: { offer: string; waiting: string; at: string } | null = null;

/** The call that this agent was put on last, by whatever way. */
let joined: { call: string; customer: string | null; at: string; asked: Asked | null } | null = null;

/** Something of queues or agents happened, and the floor knows it already. */
export function mine(event: JournalEvent): void {
  const body = event.body;
  if (event.type === 'queue.offer' && body.user === me.value?.id) {
    if (body.outcome === null) {
      performance.mark('offer', { detail: { offer: body.offer, at: event['occurred-at'] } });
      asked = { offer: String(body.offer), waiting: String(body.waiting), at: event['occurred-at'] };
    } else {
      if (asked?.offer === body.offer) asked = null;
      if (body.outcome !== 'answered') {
        if (offer.value?.offer === body.offer) offer.value = null;
        missed.value = { offer: String(body.offer), how: String(body.outcome) };
      }
    }
  }
  settle();
}

/** Brings this in line with where the floor says that one is. `anew`: the floor was read, no event told of it. */
export function settle(anew = false): void {
  const agent = own.value;
  if (!agent) return;
  const place = [...places.values()].find((one) => one.agent === agent.user && (one.state === 'talking' || one.state === 'offered'));
  if (anew) {
    if (offer.value && places.get(offer.value.waiting)?.agent !== agent.user) offer.value = null;
    // The page came while it rang already.
    if (agent.state === 'offered' && !offer.value && place) {
      asked = { offer: place.id, waiting: place.id, at: agent.since };
    }
  }
  const ringing = asked && places.get(asked.waiting);
  if (asked && ringing?.call && (agent.state === 'offered' || agent.state === 'available')) {
    offer.value = { ...begin(ringing, asked.at), offer: asked.offer, waiting: asked.waiting };
    asked = null;
    void read(offer.value);
  }
  if (agent.state === 'talking') {
    asked = null;
    if (offer.value && (!place || place.call === offer.value.call)) {
      talk.value = { ...offer.value, since: agent.since };
      // What was still being read when they answered is read for the talk.
      if (!talk.value.read || !talk.value.customer) void read(talk.value);
    } else if (place && talk.value?.call !== place.call) {
      talk.value = begin(place, agent.since);
      void read(talk.value);
    } else if (!place && joined && (talk.value?.call !== joined.call || (talk.value.asked ?? null) !== joined.asked)) {
      // A colleague asks, or has put the caller through.
      const { call, customer, at, asked: only } = joined;
      talk.value = { call, customer, queue: '', joinedAt: at, since: at, contact: null, card: null, number: null, read: false, asked: only };
      void read(talk.value);
    }
    if (talk.value && place?.call === talk.value.call) {
      talk.value.asked = null;
      talk.value.queue = place.queue;
    }
    offer.value = null;
    if (wrapUp.value && wrapUp.value.call !== talk.value?.call) wrapUp.value = null;
    return;
  }
  if (agent.state !== 'offered' && agent.state !== 'available') offer.value = null;
  if (talk.value) {
    const { call, customer, queue, since, card, asked: only } = talk.value;
    // A caller who was put through, or hung up: either way something is to be written of it, but not by who was asked.
    if (!only) wrapUp.value = { call, customer, name: card?.name ?? null, queue, talked: Date.parse(agent.since) - Date.parse(since) };
    talk.value = null;
    joined = null;
    held.value = false;
    consult.value = null;
  } else if (!wrapUp.value) {
    const before = kept();
    // What was begun to be written outlasts the time for it.
    const begun = before && (hasDraft(`wrap-up.${before.call}`) || hasDraft(`wrap-up-reason.${before.call}`));
    if (before && (agent.state === 'wrap-up' || begun)) {
      const talked = before.since ? Date.parse(agent.since) - Date.parse(before.since) : before.talked;
      wrapUp.value = { ...before, talked, since: undefined };
    } else if (agent.state === 'wrap-up') void askWrapUp(agent.since);
  }
}

/** Whoever rings or talks and is nobody's customer yet: their call stands in the centre, on no customer's page. */
export const stranger = computed(() => [offer.value, talk.value].find((one) => one && one.read && !one.customer) ?? null);

/** It was said who calls. */
export function identified(call: string, customer: string): void {
  for (const caller of [offer.value, talk.value]) {
    if (caller?.call !== call || caller.customer === customer) continue;
    Object.assign(caller, { customer, card: null, contact: null });
    void read(caller);
  }
  if (wrapUp.value?.call === call) wrapUp.value = { ...wrapUp.value, customer };
  for (const place of places.values()) if (place.call === call) place.customer = customer;
}

/** A step of the call that is talked in. */
export function stepped(event: JournalEvent): void {
  if (event.type === 'call.joined' && event.body.agent === me.value?.id && event['interaction-id']) {
    joined = { call: event['interaction-id'], customer: event['customer-id'], at: event['occurred-at'], asked: null };
    settle();
  }
  if (event.type === 'call.transferred' && event.body.to === me.value?.id && event['interaction-id']) {
    const { how } = event.body;
    if (how === 'consulted' || how === 'sent') {
      joined = { call: event['interaction-id'], customer: event['customer-id'], at: event['occurred-at'], asked: how };
      settle();
    }
  }
  if (event.type === 'call.identified' && event['interaction-id'] && event['customer-id']) identified(event['interaction-id'], event['customer-id']);
  if (event.type === 'customer.erased') {
    // Name and number are gone from the record, and go from here.
    for (const one of [offer.value, talk.value]) {
      if (!one || one.customer !== event['customer-id']) continue;
      Object.assign(one, { card: null, contact: null, number: null });
      void read(one);
    }
  }
  const caller = [offer.value, talk.value].find((one) => one && one.call === event['interaction-id']);
  if (!caller) return;
  if (caller.contact && !caller.contact.path.some((known) => known.seq === event.seq)) {
    caller.contact.path = [...caller.contact.path, event];
  }
  if (event.type !== 'call.transferred' || caller !== talk.value) return;
  const how = event.body.how;
  if (how === 'conference' && consult.value) consult.value.conference = true;
  else if (['back', 'completed', 'busy', 'no-answer', 'failed'].includes(String(how))) consult.value = null;
}

export function forgetMine(): void {
  asked = joined = null;
  askedAbout = '';
  offer.value = talk.value = null;
  wrapUp.value = null;
  held.value = false;
  consult.value = null;
}
