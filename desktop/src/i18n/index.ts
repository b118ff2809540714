import { watch } from 'vue';
import { createI18n } from 'vue-i18n';
import english from './en-US';
import chinese from './zh-CN';

export type Locale = 'zh-CN' | 'en-US';
const KEPT = 'hotline.language';

const isLocale = (text: string | null): text is Locale => text === 'zh-CN' || text === 'en-US';

function first(): Locale {
  const kept = localStorage.getItem(KEPT);
  if (isLocale(kept)) return kept;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en-US';
}

export const i18n = createI18n({
  legacy: false,
  locale: first(),
  fallbackLocale: 'en-US',
  messages: { 'zh-CN': chinese, 'en-US': english },
  // Words of a firm's own (categories, reasons) have no translation; they are shown as they are.
  missingWarn: false,
  fallbackWarn: false,
});

export const locale = i18n.global.locale;

watch(
  locale,
  (now) => {
    document.documentElement.lang = now;
    document.title = i18n.global.t('app.name');
  },
  { immediate: true },
);

// What is chosen in one tab is so in all.
addEventListener('storage', ({ key, newValue }) => {
  if (key === KEPT && isLocale(newValue)) locale.value = newValue;
});

export function chooseLanguage(to: Locale): void {
  localStorage.setItem(KEPT, to);
  locale.value = to;
}
