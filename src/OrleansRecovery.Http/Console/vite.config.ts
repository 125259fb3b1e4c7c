import { defineConfig } from 'vite';

// Everything is a file of its own: the content policy of the server allows no script, style or picture that stands in the page.
export default defineConfig({
  base: '/console/',
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false }, emptyOutDir: true, reportCompressedSize: false, chunkSizeWarningLimit: 700 },
});
