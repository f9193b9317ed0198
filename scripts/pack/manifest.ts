// SPDX-License-Identifier: Apache-2.0
import { PackError } from './errors.ts';
import type { Product } from './products.ts';

/** What is read of a workspace's package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies?: Versions;
  readonly optionalDependencies?: Versions;
}

export type Versions = Readonly<Record<string, string>>;

/** What everything is tested with. npm warns at an older one; the command then looks for a newer one, or says so itself. */
const ENGINES = { node: '>=26' } as const;

/** What an inner package is to those around it: a name, and where its files are now. Its dependencies are the product's. */
export function innerManifest({ name, version, license, exports = {} }: Manifest): object {
  return { name, version, license, type: 'module', exports: publishedExports(exports) };
}

/** The manifest of a product. `needed` holds the outside packages that its compiled files import. */
export function productManifest(options: {
  readonly product: Product;
  readonly own: Manifest;
  readonly inner: readonly Manifest[];
  readonly needed: Needed;
}): object {
  const { product, own, inner, needed } = options;
  const { name, version, description, license, exports = {} } = own;
  return {
    name,
    version,
    description,
    license,
    keywords: ['ota', 'fleet', 'rollout', 'update'],
    type: 'module',
    engines: ENGINES,
    bin: { [product.command]: `bin/${product.command}.mjs` },
    exports: { ...publishedExports(exports), './package.json': './package.json' },
    files: ['bin', 'dist'],
    dependencies: { ...needed.dependencies, ...Object.fromEntries(inner.map((one) => [one.name, one.version])) },
    ...(Object.keys(needed.optional).length > 0 && { optionalDependencies: needed.optional }),
    ...(product.companions.length > 0 && companions(product.companions, version)),
    bundleDependencies: inner.map((one) => one.name),
  };
}

/** Outside packages by name and exact version. */
export interface Needed {
  readonly dependencies: Versions;
  readonly optional: Versions;
}

/**
 * The outside packages that compiled files need, at the versions their workspaces declare: an imported one always, an optional
 * one when a file names it or its scope, since those are loaded by a name made of platform and architecture. Throws PackError.
 */
export function neededPackages(options: {
  /** All that the files import by name, without Node's own and ours. */
  readonly imported: ReadonlySet<string>;
  readonly texts: readonly string[];
  readonly manifests: readonly Manifest[];
}): Needed {
  const { imported, texts, manifests } = options;
  const declared = merged(manifests.map((one) => one.dependencies));
  const dependencies = [...imported].sort().map((name) => {
    const version = declared[name];
    if (version !== undefined) return [name, version];
    throw new PackError(`${name} is imported, and none of ${manifests.map((one) => one.name).join(', ')} declares it`);
  });
  const optional = Object.entries(merged(manifests.map((one) => one.optionalDependencies))).filter(([name]) =>
    texts.some((text) => text.includes(scopeOf(name))),
  );
  return { dependencies: Object.fromEntries(dependencies), optional: Object.fromEntries(optional) };
}

/** `@scope/` of a scoped name, the name itself otherwise. */
function scopeOf(name: string): string {
  return name.startsWith('@') ? name.slice(0, name.indexOf('/') + 1) : name;
}

function merged(versions: readonly (Versions | undefined)[]): Versions {
  return Object.assign({}, ...versions);
}

/** Installed alone the package works; a companion of another version is refused by npm. */
function companions(names: readonly string[], version: string): object {
  return {
    peerDependencies: Object.fromEntries(names.map((name) => [name, version])),
    peerDependenciesMeta: Object.fromEntries(names.map((name) => [name, { optional: true }])),
  };
}

/** `./src/kernel/*.ts` of the checkout is `./dist/kernel/*.js` of the package. Throws PackError. */
function publishedExports(exports: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(exports).map(([subpath, target]) => [subpath, compiled(target)]));
}

function compiled(target: string): string {
  const match = /^\.\/src\/(.+)\.ts$/.exec(target);
  if (match !== null) return `./dist/${match[1]}.js`;
  throw new PackError(`The export ${target} is no source; allowed is ./src/<path>.ts`);
}
