// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, test } from 'node:test';
import { type Happenings, type SmallInstallation, smallInstallation } from './pages/small-installation.ts';

let installation: SmallInstallation;

before(async () => {
  installation = await smallInstallation();
});
after(() => installation.remove());

interface Page {
  readonly page: string;
  readonly claim: string;
  readonly at?: Happenings;
}

/** A good release on three devices, of which somebody says that it is not good. */
const SHIP_ANOTHER = `
echo 'hello 1.3.0' > hello/greeting
sed -i 's/--out/--counter 6 --after 1.2.0.json --out/' ship.sh
sh ship.sh 1.3.0 --former 1.1.0.json
outrider rollout create --id to-1.3.0 --release camera-1.3.0 --device-type camera --everyone
outrider rollout approve to-1.3.0
outrider rollout start to-1.3.0
sh ask.sh
until outrider rollout reports to-1.3.0 | grep -c verified | grep -q 3; do sleep 1; done`;

/** Approvers by the root, a charter that both have signed, and a rollout that waits for its devices to ask. */
const SHIP_UNDER_A_CHARTER = `
for group in safety operations; do outrider key create --group $group --out $group.key.json; done
outrider trust rotate --role approvers --add safety.public.json --add operations.public.json --person safety=grace \
  --person operations=katherine --signer ann.key.json --signer ben.key.json
echo 'hello 1.4.0' > hello/greeting
sed -i 's/--counter 6 --after 1.2.0.json/--counter 8 --after 1.3.0.json/' ship.sh
sh ship.sh 1.4.0 --former 1.1.0.json
outrider rollout create --id to-1.4.0 --release camera-1.4.0 --device-type camera --everyone
outrider charter create to-1.4.0 --out charter.json
outrider charter sign charter.json --wave all --key safety.key.json --key operations.key.json
outrider charter submit charter.json
outrider rollout start to-1.4.0`;

/** A CA, which the server takes up at its next start. */
const MAKE_A_CA = `
echo 'a passphrase of several words' > root.pass
outrider ca init --server-name 127.0.0.1 --passphrase-file root.pass`;

/** The three devices come by https from now on, pin the root once, and order certificates. */
const SPEAK_MUTUAL_TLS = `
sed "s#--server http://[^ ]*#--server https://127.0.0.1:$OUTRIDER_TLS_PORT \\$ROOTS#" ask.sh > ask-tls.sh
ROOTS="--server-roots $OUTRIDER_DATA/ca/roots.pem" sh ask-tls.sh
${hasCertificates(1)}`;

/** What a device does at half the life of its certificate, it does at its next check-in. */
const HALF_A_LIFE_PASSES = `for n in 1 2 3; do kill $(cat device-$n.pid); sleep 0.5
sed -i 's/"renewAfter":[0-9]*/"renewAfter":1/' device-$n/credentials.json; done; sh ask-tls.sh`;

/** Waits until each of the three devices has been given so many certificates. */
function hasCertificates(count: number): string {
  return `for n in 1 2 3; do for look in $(seq 300); do
test $(outrider device identity device-$n --json | grep -o '"serial"' | wc -l) -ge ${count} && break; sleep 0.5; done
test $(outrider device identity device-$n --json | grep -o '"serial"' | wc -l) -ge ${count} || { tail -3 device-$n.log; exit 1; }; done`;
}

/** In this order: each page finds what the one before it left. */
const PAGES: readonly Page[] = [
  { page: 'README.md', claim: 'a release of one’s own reaches three devices, and the broken next one is halted' },
  { page: 'docs/runbooks/no-update.md', claim: 'why a device gets nothing is found, down to what it said itself' },
  {
    page: 'docs/runbooks/halt.md',
    claim: 'a release that does harm is stopped by one command, halted, and every device goes back',
    at: { 'Make it safe': (one) => one.run(SHIP_ANOTHER), Verify: (one) => one.run('sh ask.sh') },
  },
  {
    page: 'docs/runbooks/paused.md',
    claim: 'who has paused, when and why is found, and it goes on',
    at: { See: (one) => one.run("outrider pause global --author night-shift --reason 'the provider has an outage'") },
  },
  {
    page: 'docs/runbooks/database.md',
    claim: 'a database that hangs is named, and everything goes on when it is back',
    at: {
      See: (one) => signalDatabase(one, 'SIGSTOP'),
      Verify: (one) => signalDatabase(one, 'SIGCONT'),
    },
  },
  {
    page: 'docs/runbooks/clock.md',
    claim: 'which clock the server believes is seen, and nothing is accepted needlessly',
  },
  {
    page: 'docs/runbooks/stolen-device-key.md',
    claim: 'a device whose key was stolen is shut out by one command, and let in again',
  },
  {
    page: 'docs/runbooks/expired-ca.md',
    claim: 'what runs out is seen, and made anew under the same root',
    at: { See: (one) => one.run(MAKE_A_CA) },
  },
  {
    page: 'docs/runbooks/lost-ca-key.md',
    claim:
      'a stolen issuing key and a lost root are replaced by a second CA, and agents go on working through all of it',
    at: {
      async See(one) {
        await one.restart();
        await one.run(SPEAK_MUTUAL_TLS);
      },
      'The key of the root is lost, or was stolen': (one) => one.run(`sh ask-tls.sh; ${hasCertificates(2)}`),
      'When devices have pinned both': (one) => one.run(`${HALF_A_LIFE_PASSES}; ${hasCertificates(3)}`),
      'When devices have certificates of the second': (one) =>
        one.run(`sh ask-tls.sh; ${HALF_A_LIFE_PASSES}; ${hasCertificates(4)}`),
      Verify: (one) => one.run(`${HALF_A_LIFE_PASSES}; ${hasCertificates(5)}`),
    },
  },
  { page: 'docs/runbooks/full-disk.md', claim: 'how full which disk is, is seen' },
  { page: 'docs/runbooks/restart.md', claim: 'a server that was killed is started again and nothing is missing' },
  { page: 'docs/runbooks/many-servers.md', claim: 'a server says whether devices may be sent to it' },
  { page: 'docs/runbooks/upgrade.md', claim: 'a server is backed up, stopped, started and looked at' },
  {
    page: 'docs/runbooks/keys.md',
    claim: 'keys of the server, of the root and of a model are replaced, and the server goes on',
  },
  {
    page: 'docs/runbooks/lost-approver-key.md',
    claim:
      'an approver who lost the key is replaced by the root, and a rollout under way goes on with the same charter',
    at: { See: (one) => one.run(SHIP_UNDER_A_CHARTER), Verify: (one) => one.run('sh ask.sh') },
  },
  {
    page: 'docs/runbooks/restore.md',
    claim: 'a backup becomes an installation that stands still until a person resumes it',
  },
];

for (const { page, claim, at } of PAGES) {
  test(`${page}: ${claim}`, async () => {
    assert.ok((await installation.follow(page, at)) > 0, `${page} has commands that are marked as runnable`);
  });
}

test('every runbook is followed', () => {
  const followed = PAGES.map(({ page }) => page).filter((page) => page.startsWith('docs/'));
  const root = join(import.meta.dirname, '..');
  const pages = globSync('docs/runbooks/*.md', { cwd: root }).filter((page) => !page.endsWith('README.md'));
  assert.deepEqual([...followed].sort(), pages.sort());
});

/** Stops every process of the installation's own PostgreSQL where it stands, as a disk that hangs does; or lets them go on. */
function signalDatabase({ data }: SmallInstallation, signal: 'SIGSTOP' | 'SIGCONT'): void {
  const { home }: { readonly home: string } = JSON.parse(readFileSync(join(data, 'postgres.json'), 'utf8'));
  const postmaster = processes().find(({ command }) => command.includes(`\0-D\0${home}/`));
  assert.ok(postmaster !== undefined, `a PostgreSQL in ${home}`);
  for (const { pid, parent } of processes()) {
    if (pid === postmaster.pid || parent === postmaster.pid) process.kill(pid, signal);
  }
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its words, each followed by a zero. */
  readonly command: string;
}

function processes(): readonly Process[] {
  return globSync('/proc/[0-9]*').flatMap((folder) => {
    try {
      const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(join(folder, 'status'), 'utf8'))?.[1]);
      return [
        { pid: Number(folder.slice('/proc/'.length)), parent, command: readFileSync(join(folder, 'cmdline'), 'utf8') },
      ];
    } catch {
      // It has ended since the folder was listed.
      return [];
    }
  });
}
