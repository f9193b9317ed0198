// SPDX-License-Identifier: Apache-2.0

/** A package that people install, with everything of ours inside. */
export interface Product {
  /** The workspace it is made from. */
  readonly folder: string;
  /** The command it puts on the PATH. */
  readonly command: string;
  /** Its packages that are started beside it when they are installed, of the same version. */
  readonly companions: readonly string[];
  /** Whether the page for people is among its files. */
  readonly hasConsole?: true;
}

/** What is published. The simulator and the demonstration need the checkout, and are not. */
export const PRODUCTS: readonly Product[] = [
  { folder: 'apps/server', command: 'outrider-server', companions: [], hasConsole: true },
  { folder: 'apps/agent', command: 'outrider-agent', companions: [] },
  { folder: 'apps/cli', command: 'outrider', companions: ['@outrider/server'] },
];

/** Our packages that travel inside each product, as far as it reaches them. */
export const OWN_PACKAGES: readonly { readonly name: string; readonly folder: string }[] = [
  'domain',
  'protocol',
  'delta',
  'adapters',
].map((name) => ({ name: `@outrider/${name}`, folder: `packages/${name}` }));
