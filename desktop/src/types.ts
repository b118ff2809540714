/** What the API tells, as /api/v1/openapi.json describes it. */

export type Role = 'agent' | 'supervisor' | 'designer' | 'operator';
export type AgentState = 'signed-out' | 'available' | 'break' | 'offered' | 'talking' | 'wrap-up';

export interface Agent {
  user: string;
  login: string;
  name: string;
  state: AgentState;
  reason: string | null;
  since: string;
  extension: string | null;
}

export interface Me {
  id: string;
  login: string;
  name: string;
  roles: Role[];
  languages: string[];
  'sees-numbers': boolean;
  'csrf-token': string;
  agent: Agent | null;
}

/** An entry of the journal. */
export interface JournalEvent {
  seq: number;
  type: string;
  'customer-id': string | null;
  'interaction-id': string | null;
  'ticket-id': string | null;
  'occurred-at': string;
  body: Record<string, unknown>;
}

export interface Identity {
  id: string;
  kind: string;
  value: string;
  level: 'claimed' | 'observed' | 'verified';
}

export interface Ticket {
  id: string;
  'external-ref': string;
  state: string;
  category: string | null;
  result: string | null;
  'due-at': string | null;
  owner: string | null;
  'created-at': string;
  version: number;
}

export interface FollowUp {
  id: string;
  reason: string;
  state: 'open' | 'taken' | 'done';
  'due-at': string;
  ticket: string | null;
  customer: string | null;
  owner: string | null;
  outcome: string | null;
  version: number;
}

export interface Contact {
  id: string;
  channel: string;
  direction: string;
  'started-at': string;
  'ended-at': string | null;
  plan: string | null;
  reason: string | null;
  'known-by': string | null;
  path: JournalEvent[];
}

export type Alert =
  | { kind: 'ticket-overdue'; ticket: string; 'external-ref': string; 'due-at': string }
  | { kind: 'follow-up-overdue'; 'follow-up': string; reason: string; 'due-at': string }
  | { kind: 'repeat-contact'; contacts: number; ticket: string | null; reason: string | null };

export interface Card {
  seq: number;
  id: string;
  name: string | null;
  language: string | null;
  tier: string | null;
  'do-not-call': boolean;
  'erased-at': string | null;
  tags: string[];
  attributes: Record<string, string>;
  identities: Identity[];
  alerts: Alert[];
  'open-tickets': Ticket[];
  'open-follow-ups': FollowUp[];
  live: Contact[];
  'last-contact-at': string | null;
}

export interface Entry {
  kind: 'contact' | 'message' | 'ticket' | 'follow-up' | 'note';
  id: string;
  at: string;
  until: string | null;
  channel: string | null;
  direction: string | null;
  state: string | null;
  subject: string | null;
  text: string | null;
  reference: string | null;
  ticket: string | null;
}

export interface Timeline {
  entries: Entry[];
  next: string | null;
}

export interface Hit {
  kind: 'customer' | 'ticket' | 'note';
  id: string;
  customer: string;
  name: string | null;
  title: string | null;
  text: string | null;
  at: string;
}

export interface MyWork {
  tickets: (Ticket & { customer: string; name: string | null })[];
  'follow-ups': (FollowUp & { name: string | null })[];
}
