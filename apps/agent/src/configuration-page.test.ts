// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { settingsPage } from '@outrider/adapters/shared/settings/settings-page';
import { AgentEnd } from './exit-codes.ts';
import { type AgentFlags, readFlags, tokenOf } from './flags.ts';
import { AGENT_SETTINGS } from './settings.ts';

const docs = join(import.meta.dirname, '..', '..', '..', 'docs');
const folder = await mkdtemp(join(tmpdir(), 'outrider-agent-settings-'));
after(() => rm(folder, { recursive: true }));

test('the page tells every setting of the agent as the agent reads it', () => {
  const page = readFileSync(join(docs, 'configuration.md'), 'utf8');
  const table = /settings of the agent: begin -->\n\n([\s\S]*?)\n<!-- settings of the agent: end/.exec(page)?.[1];
  assert.equal(table, settingsPage(AGENT_SETTINGS));
});

test('the JSON Schema in docs is the one that the agent prints', () => {
  const printed = readFlags({ parameters: ['--config-schema'], environment: {}, workingFolder: folder });
  assert.deepEqual(JSON.parse(readFileSync(join(docs, 'agent.schema.json'), 'utf8')), JSON.parse(String(printed)));
});

test('a device has its settings in a file, and its token in another', () => {
  writeFileSync(join(folder, 'token'), 'a-token-of-sixteen\n');
  const settings = { server: 'http://h:1', deviceId: 'd-1', deviceType: 'camera', hardwareId: 'rev-a', tags: ['x'] };
  writeFileSync(join(folder, 'agent.json'), JSON.stringify({ ...settings, tokenFile: 'token' }));
  const start = { parameters: ['--data', '.'], environment: {}, workingFolder: folder };
  const flags = readFlags(start);
  assert.ok(typeof flags !== 'string');
  assert.deepEqual(flags.attributes.tags, ['x']);
  assert.equal(tokenOf(flags), 'a-token-of-sixteen');
  const shown = readFlags({
    ...start,
    environment: { OUTRIDER_AGENT_TOKEN: 'hidden' },
    parameters: ['--data', '.', '--show-config'],
  });
  assert.match(String(shown), /^token {2}set {2}OUTRIDER_AGENT_TOKEN$/m);
  assert.doesNotMatch(String(shown), /hidden|sixteen/);
  const empty: Pick<AgentFlags, 'token' | 'tokenFile'> = { token: undefined, tokenFile: join(folder, 'agent.json') };
  writeFileSync(join(folder, 'agent.json'), 'two words');
  assert.throws(
    () => tokenOf(empty),
    (cause: unknown) => cause instanceof AgentEnd && !/two words/.test(cause.message),
  );
});

test('a device with a TPM names the program that asks it; registers are numbers, and nothing else', () => {
  const parameters = ['--server', 'http://h:1', '--data', 'elsewhere', '--device-id', 'd-1', '--device-type', 'camera'];
  const start = { environment: {}, workingFolder: folder };
  const settingsWith = (...more: readonly string[]) =>
    readFlags({ ...start, parameters: [...parameters, '--hardware-id', 'rev-a', ...more] });
  const none = settingsWith();
  assert.ok(typeof none !== 'string' && none.tpm === undefined);
  const asked = settingsWith(
    '--tpm-program',
    '/usr/bin/tpm2',
    '--tpm-pcrs',
    '0,7,23',
    '--tpm-tcti',
    'device:/dev/tpmrm0',
  );
  assert.ok(typeof asked !== 'string');
  const tpm = { program: '/usr/bin/tpm2', key: '0x81010002', pcrs: [0, 7, 23], tcti: 'device:/dev/tpmrm0' };
  assert.deepEqual(asked.tpm, tpm);
  for (const wrong of ['24', '7,', 'sha256:7', '']) {
    assert.throws(() => settingsWith('--tpm-program', '/usr/bin/tpm2', '--tpm-pcrs', wrong), AgentEnd, wrong);
  }
});
