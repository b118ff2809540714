import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Plugin } from 'vite';

/** What a browser fetches before the first page stands, compressed. */
const FIRST_LOAD = 300 * 1024;

/** Packs what is built, for the server to send as it lies there, and keeps the first load small. */
function packed(): Plugin {
  let folder = 'dist';
  return {
    name: 'packed',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir;
    },
    buildStart() {
      // The folder itself stays: the binary is compiled with it, built or not.
      rmSync(join(folder, 'assets'), { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
    },
    closeBundle() {
      const assets = readdirSync(join(folder, 'assets')).map((name) => join('assets', name));
      let first = 0;
      for (const name of ['index.html', 'icon.svg', ...assets]) {
        const bytes = gzipSync(readFileSync(join(folder, name)), { level: 9 });
        writeFileSync(join(folder, `${name}.gz`), bytes);
        first += bytes.length;
      }
      console.log(`first load: ${(first / 1024).toFixed(1)} KB compressed, of ${FIRST_LOAD / 1024} KB at most`);
      if (first > FIRST_LOAD) throw new Error('the first load is too large');
    },
  };
}

/** Where `vite` and `vite preview` find the API while somebody works on the page. */
const api = process.env.HOTLINE_API ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [vue(), packed()],
  define: { __VUE_OPTIONS_API__: false, __VUE_PROD_DEVTOOLS__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  build: { outDir: 'dist', emptyOutDir: false, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { '/api': api } },
  preview: { proxy: { '/api': api } },
});
