/** Half-written text: it survives a reload and a session that ended, and goes with the tab. */

import { type Ref, ref, watch } from 'vue';

const PREFIX = 'hotline.draft.';

/** A text by what it is about. It follows when that changes. */
export function useDraft(about: () => string): Ref<string> {
  const load = () => sessionStorage.getItem(PREFIX + about()) ?? '';
  const text = ref(load());
  watch(about, () => (text.value = load()));
  watch(
    text,
    (now) => {
      if (now) sessionStorage.setItem(PREFIX + about(), now);
      else sessionStorage.removeItem(PREFIX + about());
    },
    { flush: 'sync' },
  );
  return text;
}

/** Whether something half-written is about this. */
export function hasDraft(about: string): boolean {
  return sessionStorage.getItem(PREFIX + about) !== null;
}

/** Whether somebody is writing: in a field of the page stands something that was not sent. */
export function writing(): boolean {
  const fields = document.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>('textarea, input:not([type=checkbox], [type=radio])');
  return [...fields].some((field) => field === document.activeElement || field.value.trim() !== '');
}
