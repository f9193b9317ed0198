// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSeed, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { refresh, refreshTimestamp, resolveTarget } from '@outrider/adapters/shared/metadata-client';
import { trustContext } from '@outrider/adapters/shared/metadata-repository';
import { sealKey } from '@outrider/adapters/shared/sealed-signing-key';
import { ok } from '@outrider/domain/kernel/result';
import { DAY_MS, fleetInstant } from '@outrider/domain/kernel/time';
import { encodeSealedKeyFile } from '@outrider/protocol/trust/sealed-key-file';
import { type RecordedWorld, recordedWorld } from '../recorded-world.ts';

const world = recordedWorld();
after(() => world.remove());
const file = (name: string): string => join(world.folder, name);
const PEOPLE = ['ann', 'ben', 'cleo'] as const;
/** What a device trusts that was born when the installation was founded. */
const kept = new Map<string, string>();
let born = '';
let bornDirector = '';

before(async () => {
  for (const group of [...PEOPLE, 'build', 'releng']) {
    assert.equal((await outrider(`key create --group ${group} --out ${group}.key.json`)).code, 0);
  }
  const people = PEOPLE.map((name) => `--root ${name}.key.json`).join(' ');
  const made = await outrider(
    `trust init ${people} --key build.public.json --key releng.public.json --threshold 2 --model camera --data data`,
  );
  assert.equal(made.code, 0, made.log);
  born = readFileSync(file('data/repository/image/1.root.json'), 'utf8');
  bornDirector = readFileSync(file('data/repository/director/1.root.json'), 'utf8');
  await follow();
});

test('both repositories are founded with two of three people, and say who signs what', async () => {
  const { items } = JSON.parse((await outrider('trust status --data data --json')).output);
  const root = items.find(
    (row: { repository: string; role: string }) => row.repository === 'image' && row.role === 'root',
  );
  assert.deepEqual([root.threshold, root.keys.length, root.standing], [2, 3, 'good']);
  assert.equal(existsSync(file('data/permit-key.json')), true);
});

test('founding twice changes nothing and says so', async () => {
  const again = await outrider(
    'trust init --root ann.key.json --key build.public.json --threshold 1 --model camera --data data',
  );
  assert.equal(again.code, 4);
  assert.match(again.log, /There are repositories already/);
});

test('one person of the root lost the key: the other two take it out and bring another, devices follow', async () => {
  await outrider('key create --group dora --out dora.key.json');
  const changed = await outrider(
    `trust rotate --role root --remove ${await keyOf('cleo')} --add dora.public.json --signer ann.key.json --signer ben.key.json --data data`,
  );
  assert.equal(changed.code, 0, changed.log);
  await follow();
  const { items } = JSON.parse((await outrider('trust status --data data --json')).output);
  assert.equal(items[0].keys.includes(await keyOf('cleo')), false);
  assert.equal(items[0].version, 2);
});

test('a root by one person alone is refused, and the former one stays in force', async () => {
  const alone = await outrider(
    `trust rotate --role root --remove ${await keyOf('dora')} --threshold 1 --signer ann.key.json --data data`,
  );
  assert.equal(alone.code, 4);
  assert.match(alone.log, /metadata-unsigned: root is validly signed by 1 different keys/);
  await follow();
});

test('people in different places sign one after the other: a draft goes from hand to hand', async () => {
  const begun = await outrider('trust renew --role root --signer ann.key.json --out draft.json --data data');
  assert.equal(begun.code, 0, begun.log);
  const early = await outrider('trust publish draft.json --data data');
  assert.match(early.log, /metadata-unsigned/);
  assert.equal((await outrider('trust sign draft.json --signer dora.key.json --data data')).code, 0);
  const done = await outrider('trust publish draft.json --data data');
  assert.equal(done.code, 0, done.log);
  await follow();
});

for (const role of ['snapshot', 'timestamp'] as const) {
  test(`the ${role} key of the server was stolen: people give it another, and devices refuse the thief's`, async () => {
    const before = readFileSync(file(`data/${role}-key.json`), 'utf8');
    const rotated = await outrider(
      `trust rotate --role ${role} --signer ann.key.json --signer ben.key.json --data data`,
    );
    assert.equal(rotated.code, 0, rotated.log);
    assert.notEqual(readFileSync(file(`data/${role}-key.json`), 'utf8'), before);
    await follow();
  });
}

test('the director, whose key signs permits, was stolen: devices follow the new one', async () => {
  const stolen = JSON.parse(readFileSync(file('data/permit-key.json'), 'utf8')).keyId;
  const rotated = await outrider(`trust revoke ${stolen} --signer ann.key.json --signer ben.key.json --data data`);
  assert.equal(rotated.code, 0, rotated.log);
  assert.match(rotated.log, /restart the server now/);
  assert.notEqual(JSON.parse(readFileSync(file('data/permit-key.json'), 'utf8')).keyId, stolen);
  await follow();
});

test('a key that signs releases was lost: the people give the model another', async () => {
  await outrider('key create --group build --out build-2.key.json');
  const people = '--signer ann.key.json --signer ben.key.json';
  const rotated = await outrider(
    `trust rotate --role camera --remove ${await keyOf('build')} --add build-2.public.json ${people} --data data`,
  );
  assert.equal(rotated.code, 0, rotated.log);
  await follow();
  const supplier = await outrider(
    `trust delegate --model radar --key releng.public.json --threshold 1 ${people} --data data`,
  );
  assert.equal(supplier.code, 0, supplier.log);
  await follow();
});

test('a change that nobody could sign afterwards is refused', async () => {
  const all = [await keyOf('ann'), await keyOf('ben')].map((id) => `--remove ${id}`).join(' ');
  const gone = await outrider(
    `trust rotate --role root ${all} --signer ann.key.json --signer ben.key.json --data data`,
  );
  assert.match(gone.log, /root asks for 2 signatures and has 1 keys/);
});

test('approvers are named, replaced and bound to people by the root, and one person never counts twice', async () => {
  const people = '--signer ann.key.json --signer ben.key.json --data data';
  for (const name of ['safety', 'operations', 'quality', 'spare']) {
    const group = name === 'spare' ? 'operations' : name;
    assert.equal((await outrider(`key create --group ${group} --out ${name}.key.json`)).code, 0);
  }
  const double = await outrider(
    `trust rotate --role approvers --add safety.public.json --add operations.public.json --person safety=grace --person operations=grace ${people}`,
  );
  assert.match(double.log, /person-in-two-groups: One person has keys in the groups safety and operations/);
  const begun = await outrider(
    `trust rotate --role approvers --add safety.public.json --add operations.public.json --person safety=grace ${people}`,
  );
  assert.equal(begun.code, 0, begun.log);
  assert.match(begun.log, new RegExp(`approver key ${await keyOf('operations')} is bound to nobody`));
  await follow();
  assert.deepEqual(await approversNow(), { threshold: 2, keys: [await keyOf('safety'), await keyOf('operations')] });
  const alone = await outrider(
    `trust rotate --role approvers --remove ${await keyOf('operations')} --add quality.public.json --signer ann.key.json --data data`,
  );
  assert.match(alone.log, /metadata-unsigned: root is validly signed by 1 different keys/);
  const last = await outrider(`trust revoke ${await keyOf('operations')} ${people}`);
  assert.match(
    last.log,
    /approvers asks for 2 signatures and has 1 groups of keys.*`outrider trust rotate` with --remove and --add/,
  );
  const bound = await outrider(
    `trust rotate --role approvers --remove ${await keyOf('operations')} --add spare.public.json --add quality.public.json --person operations=katherine --person quality=ada ${people}`,
  );
  assert.equal(bound.code, 0, bound.log);
  assert.doesNotMatch(bound.log, /bound to nobody/);
  const revoked = await outrider(`trust revoke ${(await keyOf('quality')).slice(0, 12)} ${people}`);
  assert.equal(revoked.code, 0, revoked.log);
  await follow();
  assert.deepEqual(await approversNow(), { threshold: 2, keys: [await keyOf('safety'), await keyOf('spare')] });
  writeFileSync(file('data/approver-role.json'), '{}');
  assert.match((await outrider('trust status --data data')).log, /approver-role\.json is asked no more; remove it/);
  rmSync(file('data/approver-role.json'));
  const root = readFileSync(file('data/repository/director/3.root.json'), 'utf8');
  assert.equal(root.includes('grace'), false, 'a root goes to every device and names nobody');
});

async function approversNow() {
  const { items } = JSON.parse((await outrider('trust status --data data --json')).output);
  const { threshold, keys } = items.find(({ role }: { role: string }) => role === 'approvers');
  return { threshold, keys };
}

const SAID: readonly (readonly [string, string, RegExp])[] = [
  [
    'two signatures by one key',
    'trust renew --role root --signer ann.key.json --signer ann.key.json --data data',
    /named twice; two signatures by one key count once/,
  ],
  [
    'a key file that is not there',
    'trust renew --role root --signer nobody.key.json --data data',
    /There is no key file at nobody\.key\.json/,
  ],
  [
    'a key file that is none',
    'trust renew --role root --signer draft.json --data data',
    /The key file in draft\.json cannot be used/,
  ],
  [
    'a key of another role',
    'trust renew --role root --signer ann.key.json --signer releng.key.json --data data',
    /signs for none of this/,
  ],
  [
    'no repositories',
    'trust renew --role root --signer ann.key.json --data elsewhere',
    /There are no repositories in .*elsewhere/,
  ],
  [
    'a key that no role names',
    `trust revoke ${'0'.repeat(64)} --signer ann.key.json --data data`,
    /No role names the key/,
  ],
  [
    'approvers renewed by themselves',
    'trust renew --role approvers --signer ann.key.json --data data',
    /The keys of approvers stand in a root, and hold as long as that: renew it with --role root/,
  ],
  [
    'what the server signs renewed by people',
    'trust renew --role snapshot --signer ann.key.json --data data',
    /The server signs snapshot anew by itself/,
  ],
  [
    'a person bound to a key that is no approver’s',
    'trust rotate --role root --person safety=grace --signer ann.key.json --data data',
    /People are bound to keys of the role approvers alone/,
  ],
  [
    'a person who could not sign in',
    'trust rotate --role approvers --person safety=admin --signer ann.key.json --data data',
    /--person safety=admin names nobody/,
  ],
  [
    'an approver’s group that is not there',
    'trust rotate --role approvers --person lorry=grace --signer ann.key.json --data data',
    /There is no group and no key lorry among the approvers; there are operations, safety/,
  ],
  [
    'a role that is not there',
    'trust renew --role lorry --signer ann.key.json --data data',
    /There is no role lorry; there are root/,
  ],
];

for (const [what, words, sentence] of SAID) {
  test(`${what} is told in one sentence`, async () => {
    const { code, log } = await outrider(words);
    assert.notEqual(code, 0);
    assert.match(log, sentence);
    assert.equal(log.trim().split('\n').length, 1);
  });
}

test('a wrong passphrase, a missing one, one too short and an expired key are told apart', async () => {
  const elsewhere = (environment: Readonly<Record<string, string>>): RecordedWorld => recordedWorld({ environment });
  const wrong = elsewhere({ OUTRIDER_PASSPHRASE: 'not the passphrase' });
  const none = elsewhere({ OUTRIDER_PASSPHRASE: '' });
  const short = elsewhere({ OUTRIDER_PASSPHRASE: 'short' });
  try {
    const key = file('ann.key.json');
    const words = ['trust', 'renew', '--role', 'root', '--signer', key, '--data', file('data')];
    assert.match((await wrong.run(...words)).log, /The passphrase does not open .*ann\.key\.json/);
    assert.match((await none.run(...words)).log, /no passphrase was given: set OUTRIDER_PASSPHRASE/);
    assert.match(
      (await short.run('key', 'create', '--group', 'a', '--out', 'a.key.json')).log,
      /has 5 characters, at least 12/,
    );
    const old = await sealKey(createSeed(), {
      group: 'old',
      passphrase: 'a passphrase of old',
      validUntil: fleetInstant(DAY_MS),
    });
    writeFileSync(file('old.key.json'), encodeSealedKeyFile(old));
    const expired = await outrider('trust renew --role root --signer old.key.json --data data');
    assert.match(expired.log, /The key in old\.key\.json expired at 1970-01-02T00:00:00Z/);
  } finally {
    for (const one of [wrong, none, short]) one.remove();
  }
});

test('what lies on the disk of a sealed key is not its secret', async () => {
  const seed = createSeed();
  const text = encodeSealedKeyFile(await sealKey(seed, { group: 'a', passphrase: 'a long passphrase' }));
  assert.equal(text.includes(Buffer.from(seed).toString('base64')), false);
  assert.equal(text.includes(signerFromSeed(seed).publicKey.keyId), true);
});

test('devices of before are handed over by both who sign releases, and by one alone they are not', async () => {
  const data = ['--data', 'data'].join(' ');
  const early = await outrider(`trust hand-over over.json ${data}`);
  assert.match(early.log, /There is no over\.json; begin it with --signer/);
  const alone = await outrider(`trust hand-over over.json --signer build.key.json --publish ${data}`);
  assert.equal(alone.code, 4);
  assert.match(alone.log, /metadata-unsigned: The pinned keys do not vouch for the hand-over/);
  assert.equal(existsSync(file('data/repository/hand-over.json')), false);
  const both = await outrider(`trust hand-over over.json --signer releng.key.json --publish ${data}`);
  assert.equal(both.code, 0, both.log);
  assert.match(readFileSync(file('data/repository/hand-over.json'), 'utf8'), /hand-over\+json/);
  writeFileSync(
    file('release.json'),
    readFileSync(file('over.json'), 'utf8').replace('hand-over+json', 'release+json'),
  );
  const other = await outrider(`trust hand-over release.json --signer releng.key.json ${data}`);
  assert.match(other.log, /a hand-over is application/);
});

test('a key of the server that is gone is named, and what is served stays served', async () => {
  rmSync(file('data/snapshot-key.json'));
  const { log } = await outrider('trust renew --role root --signer ann.key.json --signer ben.key.json --data data');
  assert.match(log, /The key .*snapshot-key\.json of the server is gone; restore it from a backup/);
  await follow();
});

function outrider(words: string): ReturnType<typeof world.run> {
  return world.run(...words.split(' '));
}

async function keyOf(person: string): Promise<string> {
  return JSON.parse(readFileSync(file(`${person}.public.json`), 'utf8')).keyId;
}

/** The device of the first day comes back: it must still be able to follow, and finds that no release is there yet. */
async function follow(): Promise<void> {
  const repository = (folder: 'image' | 'director', pinnedRoot: string) => ({
    folder,
    pinnedRoot,
    source: {
      fetchMetadata: async (name: string) => {
        const path = file(`data/repository/${name}`);
        return ok(existsSync(path) ? readFileSync(path, 'utf8') : undefined);
      },
    },
    store: {
      loadMetadata: async (name: string) => kept.get(name),
      storeMetadata: async (name: string, text: string) => void kept.set(name, text),
    },
    context: trustContext(fleetInstant(Date.now())),
  });
  const image = repository('image', born);
  const refreshed = await refresh(image);
  assert.ok(refreshed.ok, JSON.stringify(refreshed));
  const found = await resolveTarget(refreshed.value, 'lorry/none', image);
  assert.equal(found.ok ? 'found' : found.error.code, 'target-unknown');
  const director = await refreshTimestamp(repository('director', bornDirector));
  // The word to the fleet is the server's, which does not run here; the chain of roots must hold.
  assert.equal(director.ok ? 'fresh' : director.error.code, 'metadata-missing');
}
