/** Whether one's own telephone can ring. It is asked for: nobody tells of a telephone that is merely gone. */

import { computed, ref, watch } from 'vue';
import { ask } from '../api';
import { me } from './session';
import { light } from './stream';

/** `null`: not known, or of no matter because one is not at work. */
export const telephone = ref<boolean | null>(null);

/** As long as it can ring, and as long as it cannot. */
const EVERY = { fine: 30_000, missing: 3_000 };

const atWork = computed(() => me.value?.agent && me.value.agent.state !== 'signed-out' && light.value === 'live');

let timer: ReturnType<typeof setTimeout> | undefined;

async function look(): Promise<void> {
  clearTimeout(timer);
  if (!atWork.value) {
    telephone.value = null;
    return;
  }
  // Whoever does not look at the page is asked about when they do.
  if (document.visibilityState === 'visible') {
    const told = await ask<{ registered: boolean | null }>('GET', '/me/telephone').catch(() => null);
    telephone.value = atWork.value ? (told?.registered ?? null) : null;
  }
  clearTimeout(timer);
  timer = setTimeout(() => void look(), telephone.value === false ? EVERY.missing : EVERY.fine);
}

/** Asks from now on; gives the way to stop. */
export function watchTelephone(): () => void {
  const stop = watch([atWork, () => me.value?.agent?.state], () => void look(), { immediate: true });
  document.addEventListener('visibilitychange', look);
  return () => {
    stop();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
    telephone.value = null;
  };
}
