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
