import { createApp } from 'vue';
import App from './App.vue';
import { i18n } from './i18n';
import './style/tokens.css';
import './style/base.css';
import './style/pages.css';
import './theme';

createApp(App).use(i18n).mount('#app');
