// SPDX-License-Identifier: Apache-2.0
import type { Finding } from './finding.ts';
import type { SourceFile, Tree } from './tree.ts';
import { OWN_SCOPE, placeOf, splitSpecifier, type Workspace } from './workspace.ts';

/** Manifests say what is imported, no more and no less, and `docs/dependencies.md` says why. */
export function dependencies(tree: Tree): readonly Finding[] {
  return [...undeclared(tree), ...unused(tree), ...undocumented(tree)];
}

function undeclared(tree: Tree): Finding[] {
  const root = tree.workspaces.find((one) => one.folder === '');
  return tree.sources.flatMap((file) => {
    const workspace = workspaceOf(file, tree.workspaces);
    if (workspace === undefined) return [];
    return file.specifiers.flatMap(({ name: specifier, line }): Finding[] => {
      if (
        specifier === undefined ||
        specifier.startsWith('.') ||
        specifier.startsWith('node:') ||
        specifier.startsWith('#')
      )
        return [];
      const { name } = splitSpecifier(specifier);
      const declared = [...workspace.dependencies, ...workspace.optionalDependencies, ...workspace.devDependencies];
      // The root's tools serve the tests of all; files at the root reach the workspaces, which npm links there.
      const isShared = file.isTest && (root?.devDependencies.includes(name) === true || name === '@outrider/testkit');
      const isLinked = workspace.folder === '' && name.startsWith(OWN_SCOPE);
      const isSeed = workspace.name === '@outrider/testkit' && root?.devDependencies.includes(name) === true;
      if (declared.includes(name) || isShared || isLinked || isSeed || name === workspace.name) return [];
      return [
        { rule: 'dependencies', path: file.path, line, message: `${name} is not declared in ${manifestOf(workspace)}` },
      ];
    });
  });
}

function unused(tree: Tree): Finding[] {
  return tree.workspaces.flatMap((workspace) => {
    const used = new Set(
      tree.sources
        .filter((file) => workspaceOf(file, tree.workspaces) === workspace)
        .flatMap(({ specifiers }) =>
          specifiers.flatMap(({ name }) => (name === undefined ? [] : [splitSpecifier(name).name])),
        ),
    );
    return workspace.dependencies
      .filter((name) => !used.has(name))
      .map((name) => ({
        rule: 'dependencies',
        path: manifestOf(workspace),
        message: `${name} is declared and no file imports it; take it out`,
      }));
  });
}

const DOCUMENT = 'docs/dependencies.md';

function undocumented(tree: Tree): Finding[] {
  const outside = (names: readonly string[]): string[] => names.filter((name) => !name.startsWith(OWN_SCOPE));
  const declared = new Map<string, string>();
  for (const workspace of tree.workspaces) {
    const all = [...workspace.dependencies, ...workspace.devDependencies, ...workspace.optionalDependencies];
    for (const name of outside(all)) declared.set(name, manifestOf(workspace));
  }
  const document = tree.texts.find(({ path }) => path === DOCUMENT)?.text ?? '';
  // A row of the table begins with the names it is about, each in backquotes.
  const rows = document.split('\n').filter((line) => line.startsWith('| `'));
  const listed = new Set(
    rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')),
  );
  return [
    ...[...declared]
      .filter(([name]) => !listed.has(name))
      .map(([name, path]) => ({
        rule: 'dependencies',
        path,
        message: `${name} has no row in ${DOCUMENT}; say what it replaces and how it was tried`,
      })),
    ...[...listed]
      .filter((name) => !declared.has(name))
      .map((name) => ({
        rule: 'dependencies',
        path: DOCUMENT,
        message: `${name} has a row and no manifest declares it; take the row out`,
      })),
  ];
}

function workspaceOf(file: SourceFile, workspaces: readonly Workspace[]): Workspace | undefined {
  const place = placeOf(file.path);
  return workspaces.find((one) => one.folder === place) ?? workspaces.find((one) => one.folder === '');
}

function manifestOf(workspace: Workspace): string {
  return workspace.folder === '' ? 'package.json' : `${workspace.folder}/package.json`;
}
