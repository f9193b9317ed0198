// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { readSpecifiers } from '../tidy/specifiers.ts';
import { tokenize } from '../tidy/tokens.ts';
import { OWN_SCOPE, splitSpecifier } from '../tidy/workspace.ts';
import { buildConsole } from './build-console.ts';
import { compile } from './compile.ts';
import { PackError } from './errors.ts';
import { innerManifest, type Manifest, neededPackages, productManifest } from './manifest.ts';
import { OWN_PACKAGES, type Product } from './products.ts';

/**
 * Lays out a product as npm shall pack it: `bin/`, `dist/`, and our own packages under `node_modules/`, which npm bundles
 * into the tarball. `folder` is empty. Throws PackError.
 */
export async function stage(root: string, product: Product, folder: string): Promise<void> {
  const compiled = join(folder, '.compiled');
  mkdirSync(compiled, { recursive: true });
  await compile({ root, app: product.folder, entries: entriesOf(root, product), outFolder: compiled });
  place(join(compiled, product.folder, 'src'), join(folder, 'dist'));
  if (product.hasConsole === true) await buildConsole(root, join(folder, 'dist', 'page'));
  const inner = OWN_PACKAGES.filter((one) => existsSync(join(compiled, one.folder)));
  for (const { name, folder: from } of inner) {
    const home = join(folder, 'node_modules', name);
    place(join(compiled, from, 'src'), join(home, 'dist'));
    writeJson(join(home, 'package.json'), innerManifest(readManifest(root, from)));
    copyFileSync(join(root, 'LICENSE'), join(home, 'LICENSE'));
  }
  const own = readManifest(root, product.folder);
  const innerManifests = inner.map((one) => readManifest(root, one.folder));
  const manifests = [own, ...innerManifests];
  const texts = globSync(['dist/**/*.js', 'node_modules/**/*.js'], { cwd: folder }).map((path) =>
    readFileSync(join(folder, path), 'utf8'),
  );
  const needed = neededPackages({ imported: outsideImports(texts), texts, manifests });
  writeJson(join(folder, 'package.json'), productManifest({ product, own, inner: innerManifests, needed }));
  placeCommand(product, folder);
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  copyFileSync(join(root, product.folder, 'README.md'), join(folder, 'README.md'));
}

/** The main file, and what others import of it. */
function entriesOf(root: string, { folder }: Product): readonly string[] {
  const targets = Object.values(readManifest(root, folder).exports ?? {});
  // A contract that tests play is exported to them alone.
  const shipped = targets.filter((target) => !target.endsWith('-rehearsal.ts'));
  return ['main.ts', ...shipped.map((target) => target.replace(/^\.\/src\//, ''))];
}

/** What the files import by name, Node's own modules and our own packages left out. */
function outsideImports(texts: readonly string[]): ReadonlySet<string> {
  const names = texts.flatMap((text) =>
    readSpecifiers(tokenize(text).filter((token) => token.kind !== 'comment')).flatMap(({ name }) =>
      name === undefined || name.startsWith('.') || isBuiltin(name) ? [] : [splitSpecifier(name).name],
    ),
  );
  return new Set(names.filter((name) => !name.startsWith(OWN_SCOPE)));
}

function placeCommand(product: Product, folder: string): void {
  const command = join(folder, 'bin', `${product.command}.mjs`);
  mkdirSync(dirname(command));
  copyFileSync(join(import.meta.dirname, 'program.mjs'), command);
  chmodSync(command, 0o755);
}

function place(from: string, to: string): void {
  if (!existsSync(from)) throw new PackError(`The compiler wrote nothing to ${from}`);
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
}

function readManifest(root: string, folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}

function writeJson(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
