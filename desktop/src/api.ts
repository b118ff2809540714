/** Requests to the API: JSON there and back, errors as the API tells them. */

/** Why something could not be done. */
export class Problem extends Error {
  constructor(
    /** The HTTP status; 0: nobody answered. */
    readonly status: number,
    /** The API's code, `unreachable` where nobody answered. */
    readonly code: string,
    message: string,
    /** Of a conflict: how it is now. */
    readonly now?: unknown,
    /** Seconds until another try makes sense. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

export interface Asked {
  body?: unknown;
  /** The version that a change rests on. */
  version?: number;
  /** Makes a repeated request one with the first. */
  key?: string;
  signal?: AbortSignal;
}

let csrf = '';
let signedOut: () => void = () => {};

/** The token that proves the page is ours. */
export function useToken(token: string): void {
  csrf = token;
}

/** What is done when the API knows us no longer. */
export function onSignedOut(then: () => void): void {
  signedOut = then;
}

export function lostSession(): void {
  signedOut();
}

export async function ask<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
  return (await askVersioned<T>(method, path, asked)).body;
}

/** Sends a file as it is. */
export async function sendFile<T>(path: string, file: Blob): Promise<T> {
  let answer: Response;
  try {
    const headers = { Accept: 'application/json', 'Content-Type': 'application/octet-stream', 'X-CSRF-Token': csrf };
    answer = await fetch(`/api/v1${path}`, { method: 'POST', headers, body: file });
  } catch {
    throw new Problem(0, 'unreachable', 'the server cannot be reached');
  }
  const told = (await answer.json().catch(() => ({}))) as { code?: string; message?: string };
  if (answer.ok) return told as T;
  if (answer.status === 401) signedOut();
  throw new Problem(answer.status, told.code ?? 'failed', told.message ?? answer.statusText);
}

/** The same, with the version that the answer is of, and whether there is more than it holds. */
export async function askVersioned<T>(method: string, path: string, asked: Asked = {}): Promise<{ body: T; version: number; more: boolean }> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (asked.body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf;
  if (asked.version !== undefined) headers['If-Match'] = `"${asked.version}"`;
  if (asked.key !== undefined) headers['Idempotency-Key'] = asked.key;
  let answer: Response;
  try {
    const body = asked.body === undefined ? undefined : JSON.stringify(asked.body);
    answer = await fetch(`/api/v1${path}`, { method, headers, body, signal: asked.signal });
  } catch (error) {
    if (asked.signal?.aborted) throw error;
    throw new Problem(0, 'unreachable', 'the server cannot be reached');
  }
  if (answer.ok) {
    const text = await answer.text();
    const version = Number(/"(\d+)"/.exec(answer.headers.get('ETag') ?? '')?.[1]);
    const more = answer.headers.get('Hotline-More') === 'true';
    return { body: (text ? JSON.parse(text) : undefined) as T, version, more };
  }
  const told = (await answer.json().catch(() => ({}))) as { code?: string; message?: string; now?: unknown };
  if (answer.status === 401 && path !== '/session') signedOut();
  const wait = Number(answer.headers.get('Retry-After')) || undefined;
  throw new Problem(answer.status, told.code ?? 'failed', told.message ?? answer.statusText, told.now, wait);
}
