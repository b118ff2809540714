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
  skills: string[];
  extension: string | null;
  /** When the wrap-up ends by itself. */
  until?: string | null;
  /** Whose place in a queue is offered to them, or whom they talk with. */
  waiting?: string | null;
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
  interaction: string | null;
  /** The customer said there that they are not content. */
  dissatisfied: boolean;
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
  language: string | null;
  customer: string | null;
  /** The file that it is recorded in. */
  recording?: string | null;
  /** What it is about. */
  ticket?: string | null;
  /** The number, masked unless one may see it. */
  caller?: string | null;
  path: JournalEvent[];
  /** The agents who talked in it, in order. */
  talks?: { id: string; agent: string; 'started-at': string; 'ended-at': string | null; reason: string | null }[];
  'wrap-ups'?: { reason: string; note: string | null; by: string; at: string }[];
  /** Why the customer was not content, as a human found. */
  dissatisfaction?: { reason: string; note: string | null; by: string; at: string };
}

export type Alert =
  | { kind: 'ticket-overdue'; ticket: string; 'external-ref': string; 'due-at': string }
  | { kind: 'follow-up-overdue'; 'follow-up': string; reason: string; 'due-at': string }
  | { kind: 'dissatisfied'; call: string; ticket: string | null; reason: string | null; found: string | null; at: string }
  | { kind: 'repeat-contact'; contacts: number; ticket: string | null; reason: string | null };

/** A customer whom a number may belong to. */
export interface Match {
  customer: string;
  name: string | null;
  level: Identity['level'];
  'last-contact': string | null;
  'open-tickets': number;
}

/** What a customer agreed to or refused; `current`: nothing newer of its kind is known. */
export interface Consent {
  id: string;
  kind: string;
  state: 'given' | 'withdrawn';
  current: boolean;
  channel: string;
  interaction: string | null;
  words: string | null;
  'words-version': string | null;
  'noted-by': string;
  at: string;
}

/** A file of a customer. */
export interface Attachment {
  id: string;
  name: string;
  'media-type': string;
  bytes: number;
  by: string;
  at: string;
}

export interface Card {
  seq: number;
  version: number;
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
  consents: Consent[];
  /** The firm's own page about them. */
  'pop-url'?: string;
}

export interface Entry {
  kind: 'contact' | 'message' | 'ticket' | 'follow-up' | 'note' | 'consent' | 'attachment' | 'rebate';
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
  kind: 'customer' | 'ticket' | 'note' | 'rebate';
  id: string;
  customer: string;
  name: string | null;
  title: string | null;
  text: string | null;
  at: string;
}

/** Something of value that a customer was given. */
export interface Rebate {
  id: string;
  'external-ref': string;
  activity: string;
  type: string;
  /** With two decimals. */
  'face-value': string;
  currency: string;
  quantity: number;
  state: string;
  'returned-at': string;
  'used-at': string | null;
  'expires-at': string | null;
  /** The text message that carried it. */
  text: string | null;
  resends: number;
  /** How often it may be sent again now. */
  'resends-left': number;
}

export type ArticleState = 'draft' | 'published' | 'withdrawn';

/** A piece of knowledge. */
export interface Article {
  id: string;
  'external-ref': string | null;
  title: Title;
  body: Title;
  categories: string[];
  tags: string[];
  'valid-from': string | null;
  'valid-to': string | null;
  state: ArticleState;
  version: number;
  'changed-by': string;
  'changed-at': string;
}

export interface MyWork {
  tickets: (Ticket & { customer: string; name: string | null })[];
  'follow-ups': (FollowUp & { name: string | null })[];
}

/** Words by language. */
export type Title = Record<string, string>;

/** A caller in a queue. */
export interface Waiting {
  /** Of the place. */
  id: string;
  call: string;
  customer: string | null;
  state: 'waiting' | 'offered' | 'talking' | 'kept' | 'call-back' | 'calling';
  agent: string | null;
  'joined-at': string;
  since: string;
  priority: number;
  /** Masked unless one may see it. */
  number: string | null;
  reason: string | null;
  /** What they were told last. */
  'told-place': number | null;
  'told-minutes': number | null;
}

export interface Queue {
  name: string;
  title: Title;
  skills: string[];
  callers: Waiting[];
  /** How long a call takes, talk and wrap-up. */
  'handling-s': number | null;
  today: {
    offered: number;
    answered: number;
    'gave-up': number;
    nobody: number;
    closed: number;
    'longest-wait-s': number;
    'average-wait-s': number | null;
  };
}

/** What one agent did today. */
export interface AgentDay {
  user: string;
  offered: number;
  answered: number;
  missed: number;
}

export interface Floor {
  at: string;
  queues: Queue[];
  agents: AgentDay[];
}

/** What came of the calls of a policy, of one category of tickets. */
export interface Funnel {
  policy: string;
  category: string;
  drawn: number;
  due: number;
  attempted: number;
  attempts: number;
  messaged: number;
  delivered: number;
  answered: number;
  'took-part': number;
  completed: number;
  satisfied: number;
  dissatisfied: number;
  'followed-up': number;
  promised: number;
  /** Why not, as they answered, and as the humans found: tickets. */
  reasons: Record<string, number>;
  found: Record<string, number>;
}

export interface Campaigns {
  at: string;
  since: string;
  paused: string[];
  /** All that are in effect, or were stopped, drawn or not. */
  policies: string[];
  funnels: Funnel[];
}

/** Why somebody is called, or is not. */
export interface Decision {
  seq: number;
  at: string;
  policy: string;
  verdict: 'drawn' | 'not-drawn' | 'waits' | 'called' | 'messaged' | 'otherwise' | 'ended' | 'done';
  why: string | null;
  'external-ref': string | null;
  customer: string | null;
  call: string | null;
}

/** A word of the firm's own. */
export interface Reason {
  code: string;
  name: Title;
}

export interface Reasons {
  /** Where a queue has none of its own. */
  'wrap-up': Reason[];
  'by-queue': Record<string, Reason[]>;
  breaks: Reason[];
}

/** A call that one was offered and did not take. */
export interface Missed {
  id: string;
  at: string;
  outcome: string;
  queue: string;
  customer: string | null;
  name: string | null;
  /** How the caller fared. */
  caller: string;
}

export interface Merge {
  id: string;
  from: string;
  into: string;
  reason: string | null;
  'made-by': string;
  at: string;
  'undone-by': string | null;
  'undone-at': string | null;
}

export interface Look {
  who: string;
  what: string;
  at: string;
}

/** A criterion of the rubric. */
export interface Criterion {
  code: string;
  name: Title;
  scale: number;
  weight: number;
}

/** A talk that is to be heard. */
export interface DrawnTalk {
  talk: string;
  call: string;
  agent: string;
  customer: string | null;
  'started-at': string;
  'ended-at': string;
  reason: string | null;
  recorded: boolean;
}

export interface Review {
  id: string;
  talk: string;
  call: string | null;
  agent: string;
  reviewer: string;
  scores: { criterion: string; score: number | null; scale: number; weight: number }[];
  permille: number | null;
  note: string | null;
  state: 'draft' | 'shared' | 'accepted' | 'disputed';
  answer: string | null;
  at: string;
  version: number;
}

/** What an agent's reviews come to. */
export interface ReviewFigures {
  agent: string;
  reviews: number;
  permille: number | null;
  criteria: Record<string, number>;
}
