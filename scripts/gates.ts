// SPDX-License-Identifier: Apache-2.0
import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runProgram, type Step, type StepResult } from './step.ts';
import { tidy } from './tidy.ts';

/** The gates every change passes before its tests run: types of each workspace, tidy, format and lint. */
export function gates(root: string): readonly Step[] {
  return [...projects(root).map(types), { name: 'tidy', run: runTidy }, { name: 'format and lint', run: lint }];
}

/** All projects that the compiler checks, found rather than listed, so that a new workspace cannot be forgotten. */
export function projects(root: string): readonly string[] {
  return globSync(['packages/*/tsconfig.json', 'apps/*/tsconfig.json', 'tsconfig.tests.json'], { cwd: root }).sort();
}

function types(project: string): Step {
  const name = project === 'tsconfig.tests.json' ? 'tests and scripts' : dirname(project);
  return {
    name: `types ${name}`,
    async run(root) {
      const tsc = join(root, 'node_modules', '.bin', 'tsc');
      const { code, output } = await runProgram(root, tsc, ['-p', project, '--pretty', 'false', '--listFiles']);
      const lines = output.split('\n');
      const folder = root.endsWith('/') ? root : `${root}/`;
      const own = lines.filter((line) => line.startsWith(folder) && !line.includes('/node_modules/')).length;
      if (own === 0 && !hasSources(root, project)) {
        return {
          isPassed: false,
          seen: '0 files',
          output: `${project} includes no file; add sources or take the project out`,
        };
      }
      const findings = lines.filter((line) => !/^(\/|[A-Z]:)/.test(line)).join('\n');
      return { isPassed: code === 0 && own > 0, seen: `${own} files`, output: findings };
    },
  };
}

/** With nothing to check the compiler says so in its own words; those are shown then. */
function hasSources(root: string, project: string): boolean {
  return globSync('**/*.ts', { cwd: join(root, dirname(project)), exclude: ['node_modules'] }).length > 0;
}

async function runTidy(root: string): Promise<StepResult> {
  const { findings, sourceCount, importCount } = tidy(root);
  const output = findings
    .map(({ rule, path, line, message }) => `${path}${line === undefined ? '' : `:${line}`}  ${rule}  ${message}`)
    .join('\n');
  return { isPassed: findings.length === 0, seen: `${sourceCount} sources, ${importCount} imports`, output };
}

async function lint(root: string): Promise<StepResult> {
  const biome = join(root, 'node_modules', '.bin', 'biome');
  const { code, output } = await runProgram(root, biome, ['check', '--error-on-warnings', '--colors=off', '.']);
  const count = Number(/Checked (\d+) files?/.exec(output)?.[1] ?? 0);
  return { isPassed: code === 0 && count > 0, seen: `${count} files`, output };
}

/** Names of all unit tests below these folders. */
export function testFiles(root: string, folders: readonly string[]): readonly string[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.test.ts`, { cwd: root, exclude: ['**/node_modules/**'] }))
    .sort();
}

/** The checkout this script belongs to; the launcher names it. */
export function checkoutRoot(): string {
  const named = process.env.OUTRIDER_ROOT;
  if (named !== undefined && existsSync(join(named, 'package.json'))) return named;
  return dirname(import.meta.dirname);
}
