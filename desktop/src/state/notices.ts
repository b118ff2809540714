/** Short words to whoever works here. They cover nothing and take no focus. */

import { reactive } from 'vue';

export interface Notice {
  id: number;
  kind: 'done' | 'told' | 'failed';
  text: string;
}

export const notices = reactive<Notice[]>([]);
let next = 1;

export function notify(kind: Notice['kind'], text: string): void {
  const id = next++;
  notices.push({ id, kind, text });
  if (notices.length > 4) notices.shift();
  setTimeout(() => dismiss(id), kind === 'failed' ? 12_000 : 5_000);
}

export function dismiss(id: number): void {
  const at = notices.findIndex((notice) => notice.id === id);
  if (at >= 0) notices.splice(at, 1);
}
