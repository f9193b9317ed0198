// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { type FollowedRepository, refresh, resolveTarget } from '@outrider/adapters/shared/metadata-client';
import { createMetadataVerifier, metadataDigest } from '@outrider/adapters/shared/metadata-keys';
import { err, ok } from '@outrider/domain/kernel/result';
import { fleetInstant } from '@outrider/domain/kernel/time';
import type { MetadataSource } from '@outrider/domain/trust/tuf/ports';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { fromPypi } from './from-pypi.ts';

/** The reference implementation of TUF and what it needs, each at one version. */
const PYTHON_TUF = [
  'tuf==7.0.1',
  'securesystemslib==1.6.0',
  'cryptography==50.0.2',
  'cffi==2.1.1',
  'pycparser==3.12',
  'urllib3==2.8.0',
];

/** Fewer states than this, and the table has lost some. */
const STATES_MIN = 80;

const folder = mkdtempSync(join(tmpdir(), 'outrider-python-tuf-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('our client takes and refuses what the reference client of TUF does, in every state of a repository', async () => {
  const states = await statesByPython();
  const verifier = createMetadataVerifier();
  const rows: string[] = [];
  const differing: string[] = [];
  for (const state of states) {
    const ours = await verdictsOf(state, verifier);
    const theirs = state.steps.map(said);
    const isSame = ours.map(({ verdict }) => verdict).join() === theirs.join();
    rows.push(`${isSame ? 'same' : 'DIFF'}  ${theirs.join(', ').padEnd(34)}  ${state.claim}  ${whys(ours)}`);
    if (!isSame)
      differing.push(`${state.name}: ours ${JSON.stringify(ours)}, python-tuf ${JSON.stringify(state.steps)}`);
  }
  process.stdout.write(`${rows.join('\n')}\n${states.length} states, ${differing.length} differ\n`);
  assert.deepEqual(differing, []);
  assert.ok(states.length >= STATES_MIN, `${states.length} states, at least ${STATES_MIN}`);
  const refused = states.filter(({ steps }) => steps.some(({ verdict }) => verdict === 'refused')).length;
  assert.ok(refused >= STATES_MIN / 2, `${refused} states refused: bad ones are what it is about`);
});

interface State {
  readonly name: string;
  readonly claim: string;
  readonly path: string;
  readonly steps: readonly Step[];
}

interface Step {
  readonly verdict: 'accepted' | 'refused' | 'unknown';
  readonly length?: number;
  readonly why?: string;
}

interface Verdict {
  readonly verdict: string;
  readonly why: string;
}

/** The same device at each step of the state, with what it stored before. */
async function verdictsOf(
  state: State,
  verifier: ReturnType<typeof createMetadataVerifier>,
): Promise<readonly Verdict[]> {
  const stored = new Map<string, string>();
  const verdicts: Verdict[] = [];
  const pinnedRoot = readFileSync(join(folder, state.name, '0', '1.root.json'), 'utf8');
  for (const index of state.steps.keys()) {
    const repository: FollowedRepository = {
      folder: 'image',
      pinnedRoot,
      source: filesIn(join(folder, state.name, String(index))),
      store: {
        loadMetadata: async (name) => stored.get(name),
        storeMetadata: async (name, text) => void stored.set(name, text),
      },
      context: { verifier, digest: metadataDigest, read: metadataReader, now: fleetInstant(Date.now()) },
    };
    const refreshed = await refresh(repository);
    const found = refreshed.ok ? await resolveTarget(refreshed.value, state.path, repository) : refreshed;
    if (found.ok) verdicts.push({ verdict: `accepted ${found.value.target.length}`, why: '' });
    else if (found.error.code === 'target-unknown') verdicts.push({ verdict: 'unknown', why: '' });
    else verdicts.push({ verdict: 'refused', why: found.error.code });
  }
  return verdicts;
}

function filesIn(step: string): MetadataSource {
  return {
    async fetchMetadata(name, bytesMax) {
      const path = join(step, name.replace(/^image\//, ''));
      if (!existsSync(path)) return ok(undefined);
      const bytes = readFileSync(path);
      if (bytes.byteLength > bytesMax)
        return err({ code: 'too-long', detail: `${name} has ${bytes.byteLength} bytes` });
      try {
        return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
      } catch {
        return err({ code: 'not-text', detail: `${name} is not UTF-8` });
      }
    },
  };
}

function said({ verdict, length }: Step): string {
  return verdict === 'accepted' ? `accepted ${length}` : verdict;
}

function whys(verdicts: readonly Verdict[]): string {
  const codes = verdicts.map(({ why }) => why).filter((why) => why !== '');
  return codes.length === 0 ? '' : `(${codes.join(', ')})`;
}

/** python-tuf makes the states and says what its client makes of each. */
async function statesByPython(): Promise<readonly State[]> {
  const packages = await fromPypi('tuf-7.0.1', PYTHON_TUF);
  const script = join(import.meta.dirname, 'python-tuf', 'states.py');
  const child = spawn('python3', [script, folder], { env: { ...process.env, PYTHONPATH: packages } });
  const [output, errors]: [string[], string[]] = [[], []];
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0, errors.join(''));
  // One JSON object a line, by the script beside this file.
  return output
    .join('')
    .trim()
    .split('\n')
    .map((line): State => JSON.parse(line));
}
