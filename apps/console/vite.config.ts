// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vite';

/** Everything beside the page lies below `console/`, where the server looks for nothing else; see docs/console.md. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  logLevel: 'warn',
  build: {
    outDir: 'dist',
    assetsDir: 'console',
    emptyOutDir: true,
    // The policy of the page allows no `data:` addresses: whatever is small is a file as well.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
  },
});
