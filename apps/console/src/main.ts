// SPDX-License-Identifier: Apache-2.0
import { createElement as h, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './view/app.ts';
import type { Kept, World } from './world.ts';

const world: World = {
  now: () => Date.now(),
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
  fetch: (path, init) => fetch(path, init),
  zone: kept(localStorage, 'outrider-zone'),
  place: {
    current: () => location.hash.slice(1),
    onChange(work) {
      addEventListener('hashchange', work);
      return () => removeEventListener('hashchange', work);
    },
  },
};

const root = document.getElementById('console');
if (root !== null) createRoot(root).render(h(StrictMode, {}, h(App, { world })));

function kept(storage: Storage, name: string): Kept {
  return {
    load: () => storage.getItem(name) ?? undefined,
    store: (text) => (text === undefined ? storage.removeItem(name) : storage.setItem(name, text)),
  };
}
