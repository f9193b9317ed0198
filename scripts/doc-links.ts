// SPDX-License-Identifier: Apache-2.0
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** What a look at the pages came to. */
export interface LinkCheck {
  readonly pages: readonly string[];
  readonly links: number;
  /** `page: target`, of links whose file or heading is not there. */
  readonly broken: readonly string[];
  /** Pages that no way of links leads to from the README. */
  readonly unreachable: readonly string[];
}

const START = 'README.md';

/** Follows every relative link of every page: its file exists, and so does the heading it names. */
export function checkLinks(root: string): LinkCheck {
  const pages = globSync(['*.md', 'docs/**/*.md', 'packages/**/*.md', 'apps/**/*.md'], {
    cwd: root,
    exclude: isForeign,
  }).sort();
  const broken: string[] = [];
  const ways = new Map<string, readonly string[]>();
  let links = 0;
  for (const page of pages) {
    const targets = linksOf(readFileSync(join(root, page), 'utf8'));
    links += targets.length;
    const files = targets.map((target) => ({ target, ...resolved(page, target) }));
    broken.push(...files.filter((one) => !isThere(root, one)).map(({ target }) => `${page}: ${target}`));
    ways.set(
      page,
      files.flatMap(({ path }) => pagesAt(path, pages)),
    );
  }
  const reached = reachedFrom(ways);
  return { pages, links, broken, unreachable: pages.filter((page) => page.startsWith('docs/') && !reached.has(page)) };
}

function isForeign(path: string): boolean {
  return path.split('/').includes('node_modules');
}

/** Links outside of code, which shows links and has none. */
export function linksOf(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

interface Resolved {
  /** From the root, without a slash at its end. */
  readonly path: string;
  readonly anchor: string | undefined;
}

function resolved(page: string, target: string): Resolved {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? page : normalize(join(dirname(page), file));
  return { path: path.replace(/\/$/, ''), anchor };
}

function isThere(root: string, { path, anchor }: Resolved): boolean {
  const full = join(root, path);
  if (path.startsWith('..') || !existsSync(full)) return false;
  if (anchor === undefined) return true;
  return statSync(full).isFile() && anchorsOf(readFileSync(full, 'utf8')).has(anchor);
}

/** As forges make them: lower case, without punctuation, hyphens for spaces. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = markdown.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...headings].map(([, text = '']) => slug(text)));
}

function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

/** A link to a folder leads to its README, or, where it has none, to all its pages: a forge lists them. */
function pagesAt(path: string, pages: readonly string[]): readonly string[] {
  if (path.endsWith('.md')) return [path];
  const index = join(path, 'README.md');
  return pages.includes(index) ? [index] : pages.filter((page) => dirname(page) === path);
}

function reachedFrom(ways: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set<string>();
  const next = [START];
  for (let page = next.pop(); page !== undefined; page = next.pop()) {
    if (reached.has(page)) continue;
    reached.add(page);
    next.push(...(ways.get(page) ?? []));
  }
  return reached;
}
