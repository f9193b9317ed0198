// SPDX-License-Identifier: Apache-2.0
import type { Finding } from './finding.ts';
import type { SourceFile, Tree } from './tree.ts';
import { OWN_SCOPE, placeOf, splitSpecifier, type Workspace } from './workspace.ts';

/**
 * R1-R8 of ARCHITECTURE.md: who may import whom. Each import, export-from, `import()` and `require` of each file is held
 * against one table; tests may see more than what ships.
 */
export function importRules(tree: Tree): readonly Finding[] {
  const findings: Finding[] = [];
  for (const file of tree.sources) {
    for (const { name, line, kind } of file.specifiers) {
      if (name === undefined) {
        if (MAY_COMPUTE.test(file.path)) continue;
        findings.push({
          rule: 'R8',
          path: file.path,
          line,
          message: 'A computed import hides what is imported; write the specifier out',
        });
        continue;
      }
      for (const breach of breachesOf(file, name, kind === 'resolve', tree.workspaces)) {
        findings.push({ rule: breach[0], path: file.path, line, message: breach[1] });
      }
    }
  }
  return [...findings, ...cycles(tree.workspaces)];
}

/** The runners find their modules by name, launchers their program; whatever they load is checked as a file of its own. */
const MAY_COMPUTE = /^(scripts|bench|scenarios|apps\/[^/]+\/bin)\//;

interface Permission {
  /** Own packages, all files of the workspace. */
  readonly mayImport: readonly string[];
  readonly rule: string;
  /** Node's modules and packages from npm. */
  readonly mayUsePlatform: boolean;
}

/** One row a workspace. A workspace without a row is a finding: whoever adds one decides here what it may see. */
const PERMISSIONS: Readonly<Record<string, Permission>> = {
  'packages/domain': { rule: 'R1', mayUsePlatform: false, mayImport: [] },
  'packages/protocol': { rule: 'R2', mayUsePlatform: false, mayImport: ['domain'] },
  'packages/delta': { rule: 'R3', mayUsePlatform: true, mayImport: ['domain'] },
  'packages/adapters': { rule: 'R3', mayUsePlatform: true, mayImport: ['domain', 'protocol', 'delta'] },
  'packages/testkit': { rule: 'R7', mayUsePlatform: true, mayImport: ['domain', 'protocol', 'delta', 'adapters'] },
  'apps/agent': { rule: 'R6', mayUsePlatform: true, mayImport: ['domain', 'protocol', 'delta', 'adapters'] },
  'apps/server': { rule: 'R5', mayUsePlatform: true, mayImport: ['domain', 'protocol', 'delta', 'adapters'] },
  'apps/pipeline': { rule: 'R5', mayUsePlatform: true, mayImport: ['domain', 'protocol', 'adapters'] },
  'apps/cli': { rule: 'R5', mayUsePlatform: true, mayImport: ['domain', 'protocol', 'delta', 'adapters'] },
  'apps/console': { rule: 'R6', mayUsePlatform: true, mayImport: ['domain', 'protocol'] },
  'apps/simulator': {
    rule: 'R5',
    mayUsePlatform: true,
    mayImport: ['domain', 'protocol', 'delta', 'adapters', 'testkit', 'server', 'pipeline', 'agent'],
  },
  scripts: { rule: 'R8', mayUsePlatform: true, mayImport: ['domain', 'testkit'] },
  bench: {
    rule: 'R5',
    mayUsePlatform: true,
    mayImport: ['domain', 'protocol', 'delta', 'adapters', 'testkit', 'server'],
  },
  engines: { rule: 'R8', mayUsePlatform: true, mayImport: ['domain', 'protocol', 'adapters', 'testkit', 'server'] },
  scenarios: {
    rule: 'R5',
    mayUsePlatform: true,
    mayImport: ['domain', 'protocol', 'delta', 'adapters', 'testkit', 'simulator'],
  },
};

/** Apps are imported through the one door their ports go in by. */
const APPS = new Set(['server', 'pipeline', 'agent', 'cli', 'console', 'simulator']);

type Breach = readonly [rule: string, message: string];

function breachesOf(
  file: SourceFile,
  specifier: string,
  isResolve: boolean,
  workspaces: readonly Workspace[],
): readonly Breach[] {
  const place = placeOf(file.path);
  const permission = PERMISSIONS[place];
  if (permission === undefined)
    return [['R8', `${place || 'The root'} has no row in scripts/tidy/import-rules.ts; say there what it may import`]];
  if (specifier.startsWith('.')) return relativeBreaches(file, specifier);
  if (specifier.startsWith('node:') || !specifier.startsWith(OWN_SCOPE)) {
    const isAllowed = permission.mayUsePlatform || file.isTest;
    return isAllowed
      ? []
      : [
          [
            permission.rule,
            `${place} is pure and imports ${specifier}; take what it gives as a parameter or through a port`,
          ],
        ];
  }
  const { name, subpath } = splitSpecifier(specifier);
  const own = name.slice(OWN_SCOPE.length);
  const breaches: Breach[] = [];
  const isTestkit = own === 'testkit';
  const mayImport = permission.mayImport.includes(own) || (isTestkit && file.isTest);
  if (!mayImport && `${place.split('/')[0]}/${own}` !== place) {
    breaches.push([
      isTestkit ? 'R7' : permission.rule,
      `${place} imports ${name}; it may import ${listOf(permission.mayImport)}`,
    ]);
  } else if (`packages/${own}` === place || `apps/${own}` === place) {
    breaches.push(['R8', `${place} imports itself by name; use a relative path`]);
  }
  // What is measured beside its peer, or tried with an outside engine, is a part of an app: nothing of these two ships.
  const isTried = place === 'bench' || place === 'engines';
  if (APPS.has(own) && mayImport && subpath !== './compose' && !isResolve && !isTried) {
    breaches.push(['R5', `${place} imports ${specifier}; of an app only ./compose may be imported`]);
  }
  if (place === 'apps/agent' && specifier.startsWith('@outrider/adapters/server')) {
    breaches.push(['R6', `apps/agent imports ${specifier}; the agent never sees the server's adapters`]);
  }
  const target = workspaces.find((one) => one.name === name);
  if (target !== undefined && !target.exports.some((pattern) => matches(pattern, subpath))) {
    breaches.push(['R8', `${specifier} is not among the exports of ${name}: ${listOf(target.exports)}`]);
  }
  // Protocol's kernel reads the branded values of all stages, so that each is parsed in one place.
  if (place === 'packages/protocol' && own === 'domain' && stageOf(file.path) !== 'kernel')
    breaches.push(...stageBreaches('R2', stageOf(file.path), subpath.split('/')[1]));
  return breaches;
}

/** The way of a release, as in ARCHITECTURE.md; `kernel` and `trust` serve all. */
export const STAGES = [
  'kernel',
  'trust',
  'release',
  'delta',
  'policy',
  'gateway',
  'device',
  'evidence',
  'decision',
  'telemetry',
];

/** These share the root's package.json: one workspace in four folders. */
const AT_ROOT = new Set(['scripts', 'bench', 'scenarios', 'engines']);

function relativeBreaches(file: SourceFile, specifier: string): readonly Breach[] {
  const place = placeOf(file.path);
  const target = resolveRelative(file.path, specifier);
  if (target === undefined || placeOf(target) !== place) {
    const isAtRoot = target !== undefined && AT_ROOT.has(place) && AT_ROOT.has(placeOf(target));
    return isAtRoot
      ? []
      : [['R8', `${specifier} leaves ${place}; import other workspaces by name and declared subpath`]];
  }
  const breaches: Breach[] = [];
  if (!/\.(ts|mts|mjs|js|json)$/.test(specifier))
    breaches.push(['R8', `${specifier} has no ending; Node wants the file's whole name`]);
  if (place === 'packages/domain') breaches.push(...stageBreaches('R1', stageOf(file.path), stageOf(target)));
  if (place === 'packages/protocol') breaches.push(...stageBreaches('R2', stageOf(file.path), stageOf(target)));
  if (place === 'packages/adapters') {
    const [from, to] = [file.path.split('/')[3], target.split('/')[3]];
    const isForeign = (from === 'server' && to === 'device') || (from === 'device' && to === 'server');
    if (isForeign)
      breaches.push(['R3', `adapters/${from} imports adapters/${to}; what both need belongs to adapters/shared`]);
    if (from === 'shared' && to !== 'shared')
      breaches.push(['R3', `adapters/shared imports adapters/${to}; shared is below both`]);
  }
  return breaches;
}

function stageBreaches(rule: string, from: string | undefined, to: string | undefined): readonly Breach[] {
  if (from === undefined || to === undefined || from === to) return [];
  const [fromAt, toAt] = [STAGES.indexOf(from), STAGES.indexOf(to)];
  if (fromAt === -1) return [[rule, `${from} is no stage; the stages are ${listOf(STAGES)}`]];
  if (toAt === -1) return [[rule, `${to} is no stage; the stages are ${listOf(STAGES)}`]];
  if (toAt < fromAt) return [];
  return [
    [
      rule,
      `${from} imports the later stage ${to}; a stage imports kernel, trust and earlier stages (the loop is closed in compose.ts)`,
    ],
  ];
}

/** `packages/domain/src/kernel/x.ts` is in stage kernel. */
function stageOf(path: string): string | undefined {
  return path.split('/')[3];
}

function resolveRelative(from: string, specifier: string): string | undefined {
  const parts = from.split('/').slice(0, -1);
  for (const step of specifier.split('/')) {
    if (step === '..' && parts.pop() === undefined) return undefined;
    if (step !== '.' && step !== '..') parts.push(step);
  }
  return parts.join('/');
}

/** An entry of `exports`, which may hold one `*`, against a subpath. */
function matches(pattern: string, subpath: string): boolean {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) return pattern === subpath;
  return subpath.length > before.length + after.length && subpath.startsWith(before) && subpath.endsWith(after);
}

function cycles(workspaces: readonly Workspace[]): readonly Finding[] {
  const findings: Finding[] = [];
  const done = new Set<string>();
  function visit(name: string, way: readonly string[]): void {
    if (way.includes(name)) {
      const folder = workspaces.find((one) => one.name === name)?.folder ?? '';
      const circle = [...way.slice(way.indexOf(name)), name].join(' -> ');
      findings.push({
        rule: 'R8',
        path: `${folder}/package.json`,
        message: `Workspaces depend on each other in a circle: ${circle}`,
      });
      return;
    }
    if (done.has(name)) return;
    for (const next of workspaces.find((one) => one.name === name)?.dependencies ?? []) visit(next, [...way, name]);
    done.add(name);
  }
  for (const { name } of workspaces) visit(name, []);
  return findings;
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ');
}
