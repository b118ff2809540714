/** Times, lengths and steps in words of the reader's language. */

import { onScopeDispose, ref } from 'vue';
import { i18n, locale } from './i18n';
import type { JournalEvent, Title } from './types';

const { t, te } = i18n.global;

/** A word of the firm's own, translated where we know it, else as it is, or as `otherwise` says. */
export function word(group: string, text: string | null | undefined, otherwise?: string): string {
  if (!text) return otherwise ?? '';
  let words: unknown = i18n.global.getLocaleMessage(locale.value);
  for (const name of group.split('.')) words = (words as Record<string, unknown> | undefined)?.[name];
  return typeof words === 'object' && words !== null && Object.hasOwn(words, text) ? t(`${group}.${text}`) : (otherwise ?? text);
}

/** What stands in the record for a word that somebody typed as it is shown to them, in either language. */
export function codeOf(group: string, typed: string): string {
  for (const language of i18n.global.availableLocales) {
    let words: unknown = i18n.global.getLocaleMessage(language);
    for (const name of group.split('.')) words = (words as Record<string, unknown> | undefined)?.[name];
    const found = Object.entries((words as Record<string, unknown> | undefined) ?? {}).find(([, text]) => typeof text === 'string' && text.toLowerCase() === typed.toLowerCase());
    if (found) return found[0];
  }
  return typed;
}

/** A ticket's number; of those that we make the end, which tells them apart. */
export function ticketName(reference: string | null): string {
  if (!reference) return '';
  return /^H-[0-9A-Za-z]{20,}$/.test(reference) ? `H-${reference.slice(-6)}` : reference;
}

const sameDay = (a: Date, b: Date) => a.toDateString() === b.toDateString();

/** A moment: the hour today, the day before, the year where it is another. */
export function moment(at: string): string {
  const when = new Date(at);
  const now = new Date();
  const options: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  if (!sameDay(when, now)) Object.assign(options, { month: 'short', day: 'numeric' });
  if (when.getFullYear() !== now.getFullYear()) options.year = 'numeric';
  return new Intl.DateTimeFormat(locale.value, options).format(when);
}

/** `4:05`, `1:02:03`. */
export function clock(milliseconds: number): string {
  const all = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** A length in its largest unit: seconds, minutes, hours or days. */
export function span(milliseconds: number): string {
  const minutes = Math.max(1, Math.round(milliseconds / 60_000));
  const [value, unit] =
    milliseconds < 60_000 ? [Math.max(0, Math.round(milliseconds / 1000)), 'second'] : minutes < 60 ? [minutes, 'minute'] : minutes < 48 * 60 ? [Math.round(minutes / 60), 'hour'] : [Math.round(minutes / 1440), 'day'];
  return new Intl.NumberFormat(locale.value, { style: 'unit', unit: unit as string, unitDisplay: 'long' }).format(value as number);
}

/** The time, once a second. */
export function useNow(every = 1000) {
  const now = ref(Date.now());
  const timer = setInterval(() => (now.value = Date.now()), every);
  onScopeDispose(() => clearInterval(timer));
  return now;
}

/** A due time as it stands now. */
export function due(at: string, now: number): { late: boolean; text: string } {
  const left = Date.parse(at) - now;
  return left < 0
    ? { late: true, text: t('work.overdue', { time: span(-left) }) }
    : { late: false, text: t('work.due', { time: moment(at) }) };
}

/** What the firm calls something, in the reader's language if it has one there. */
export function titled(titles: Title | undefined, name: string): string {
  return titles?.[locale.value] ?? titles?.['en-US'] ?? Object.values(titles ?? {})[0] ?? name;
}

/** An amount of money. */
export function amount(value: string, currency: string): string {
  const options: Intl.NumberFormatOptions = { style: 'currency', currency, currencyDisplay: 'narrowSymbol' };
  return new Intl.NumberFormat(locale.value, options).format(Number(value));
}

/** Seconds as a clock; a dash where nobody knows. */
export function seconds(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : clock(value * 1000);
}

/** A step that is reached, in words: what the plan calls it for agents, else what kind of step it is. */
function reached(body: Record<string, unknown>): string {
  return titled(body.title as Title | undefined, '') || word('verb', text(body, 'verb'), t('verb.step'));
}

const text = (body: Record<string, unknown>, field: string) =>
  typeof body[field] === 'string' || typeof body[field] === 'number' ? String(body[field]) : '';

/** What the plan of a call is called, where somebody has said. */
export function planName(path: JournalEvent[]): string {
  return titled(path.find((event) => event.type === 'call.started')?.body.title as Title | undefined, '');
}

export interface Line {
  event: JournalEvent;
  words: string;
}

/** A call's path in words, of a plan's own names none. `agents`: names by id; `queues`: titles by name. */
export function inWords(path: JournalEvent[], agents: Map<string, string>, queues: Map<string, Title>): Line[] {
  const lines: Line[] = [];
  const steps = new Map<string, string>();
  let here = t('verb.opening');
  for (const event of path) {
    // What queues and follow-ups report of a call stands beside its own steps in the journal.
    if (!event.type.startsWith('call.')) continue;
    if (event.type === 'call.entered') {
      here = reached(event.body);
      steps.set(text(event.body, 'step'), here);
    }
    const words = line(event, steps.get(text(event.body, 'step')) ?? here, agents, queues);
    // A step that says several prompts is heard once.
    if (event.type !== 'call.heard' || lines.at(-1)?.words !== words) lines.push({ event, words });
  }
  return lines;
}

function line(event: JournalEvent, step: string, agents: Map<string, string>, queues: Map<string, Title>): string {
  const { type, body } = event;
  if (type === 'call.recording') {
    const how = `path.recording.${text(body, 'by') || text(body, 'state') !== 'resumed' ? text(body, 'state') : 'again'}`;
    return te(how) ? t(how, { agent: agents.get(text(body, 'by')) ?? t('path.somebody') }) : t('path.other');
  }
  if (!te(`path.${type}`)) return t('path.other');
  if (type === 'call.texted' && text(body, 'step')) return t('path.call.textedAsked');
  if (type === 'call.identified') return t('path.call.identified', { agent: agents.get(text(body, 'user')) ?? t('path.somebody') });
  if (type === 'call.texted') return t('path.call.texted', { agent: agents.get(text(body, 'by')) ?? t('path.somebody') });
  if (type === 'call.said' && body.spoken === false) return t('path.call.notSaid', { agent: agents.get(text(body, 'by')) ?? t('path.somebody'), text: text(body, 'text') });
  const part = type === 'call.heard' && body.whole === false;
  const to = type === 'call.transferred' && typeof body.to === 'string';
  const promised = type === 'call.dialled' && !text(body, 'policy');
  const key = part ? 'path.call.heardPart' : promised ? 'path.call.calledBack' : to ? 'path.call.transferredTo' : `path.${type}`;
  return t(key, {
    plan: titled(body.title as Title | undefined, ''),
    step,
    keys: text(body, 'keys'),
    outcome: word('path', text(body, 'outcome')),
    language: languageName(text(body, 'language')),
    queue: titled(queues.get(text(body, 'queue')), text(body, 'queue')),
    place: text(body, 'place'),
    agent: agents.get(text(body, 'agent') || text(body, 'to') || text(body, 'by')) ?? t('path.somebody'),
    how: word('path', text(body, 'how'), t('path.otherWay')),
    text: text(body, 'text'),
    policy: text(body, 'policy'),
    attempt: text(body, 'attempt'),
    by: word('path', text(body, 'by')),
    question: word('survey.question', text(body, 'question')),
    answer: word('survey.answer', text(body, 'answer')),
    seconds: text(body, 'seconds'),
    reason: word('survey.answer', text(body, 'reason')),
  }).trim();
}

/** A language in the reader's words. */
function languageName(tag: string): string {
  return tag ? (new Intl.DisplayNames(locale.value, { type: 'language' }).of(tag) ?? tag) : '';
}

/** What a call's path comes to, for somebody who has two seconds. */
export function digest(path: JournalEvent[]): { keyed: string[]; heard: string[]; verified: string | null } {
  const texts = (type: string, field: string) =>
    path.filter((event) => event.type === type && typeof event.body[field] === 'string').map((event) => event.body[field] as string);
  const heard: string[] = [];
  let here = '';
  for (const { type, body } of path) {
    // What agents have no words for tells them nothing.
    if (type === 'call.entered') here = titled(body.title as Title | undefined, '');
    if (type === 'call.heard' && here && !heard.includes(here)) heard.push(here);
  }
  return { keyed: texts('call.keyed', 'keys').slice(-4), heard: heard.slice(-3), verified: texts('call.verified', 'outcome').at(-1) ?? null };
}

/** What was answered in a survey: questions and answers in words. */
export function answers(path: JournalEvent[]): { question: string; answer: string; bad: boolean }[] {
  return path
    .filter((event) => event.type === 'call.surveyed')
    .map(({ body }) => ({
      question: word('survey.question', text(body, 'question')),
      answer: word('survey.answer', text(body, 'answer')),
      bad: body.content === false,
    }));
}

/** A decision of the scheduler in a sentence: `exhausted:busy`, `ended:hung-up:2`. */
export function why(verdict: string, reason: string | null): string {
  const [head = '', ...rest] = (reason ?? '').split(':');
  // Which of the caps it was says nothing to whoever does not know their order.
  const more = /cap$/.test(head) ? '' : rest.join(':');
  const detail = te(`campaigns.why.${head}`) ? t(`campaigns.why.${head}`) : head;
  const then = more ? `${t('campaigns.detail')}${why('', more)}` : '';
  return verdict ? [t(`campaigns.verdict.${verdict}`), detail + then].filter(Boolean).join(t('campaigns.detail')) : detail + then;
}
