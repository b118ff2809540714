import { ref } from 'vue';

export type Theme = 'light' | 'dark' | 'system';
const KEPT = 'hotline.theme';

function kept(): Theme {
  const text = localStorage.getItem(KEPT);
  return text === 'light' || text === 'dark' ? text : 'system';
}

export const theme = ref<Theme>(kept());

function paint(): void {
  if (theme.value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

export function chooseTheme(to: Theme): void {
  theme.value = to;
  if (to === 'system') localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, to);
  paint();
}

paint();
