// SPDX-License-Identifier: Apache-2.0

import { STORE_AWAY_REASONS, type StoreAwayReason } from '@outrider/domain/decision/store-away';
import { DEVICE_IMPORT_ERRORS, type DeviceImportCode } from '@outrider/domain/gateway/device-import';
import { EXIT_CODES } from '../exit-codes.ts';
import type { CodeText, ErrorArea } from './area.ts';

const NOTHING_TRIED = 'Nothing was tried.';
const NOT_STARTED = 'The server did not start; nothing was changed.';
const COPIES = 'What is stored is untouched.';

const CLI_EXITS: Readonly<Record<keyof typeof EXIT_CODES, CodeText>> = {
  ok: ['Done.', 'What was acknowledged is durable.', 'Nothing.'],
  failed: [
    'It was tried and did not work: a file, an answer, or the server failed.',
    'The sentence on standard error says what was done before.',
    'Read that sentence; with --json it is one JSON object with a code.',
  ],
  usage: [
    'A flag, a word or the content of a file is wrong.',
    NOTHING_TRIED,
    'Correct it; --help shows what is allowed.',
  ],
  'not-found': ['What was named does not exist.', NOTHING_TRIED, 'Look at the list of its kind.'],
  refused: ['The server, or a rule, said no.', 'What was refused was not done.', 'The code in --json says which rule.'],
  unreachable: [
    'No server answered.',
    'Whether a change that was under way was made is not known.',
    'Start it with `outrider up`, or name another with --data or --server; then look before you repeat a change.',
  ],
};

/** Exit codes of `outrider`. */
export const cliExitArea: ErrorArea = {
  name: 'exit-codes-cli',
  title: 'Exit codes of outrider',
  intro: 'How every command ends; scripts branch on the number.',
  codes: CLI_EXITS,
  marks: Object.fromEntries(Object.entries(EXIT_CODES).map(([name, code]) => [name, `exit ${code}`])),
};

/** Codes of the command line's own. */
export const cliArea: ErrorArea = {
  name: 'cli',
  title: 'Codes of the command line',
  intro: 'The member `code` of the JSON object on standard error with --json, where it does not come from the server.',
  codes: {
    'server-unreachable': [
      'No server answered at the address.',
      NOTHING_TRIED,
      'Start it, or name another with --data or --server.',
    ],
    'answer-broken-off': [
      'The connection ended before the whole answer had come.',
      'A file that was to be written is not there; whether a change that was asked for was made is not known.',
      'Look whether it was made, then ask again.',
    ],
    'lines-refused': [
      'Some lines of an import were refused.',
      'All other lines are taken in; of the refused ones nothing is.',
      'Each stands in the report with its number and reason (see [import](import.md)); correct them and run the same command again.',
    ],
    'disk-full': [
      'The disk of the data folder is full.',
      'Nothing was published, and the former metadata stays served.',
      'Make room and run the command again.',
    ],
    'key-expired': [
      'The key was made to sign nothing after an instant that has passed.',
      'Nothing was signed.',
      'Make a new key with `outrider key create`, and let its role name it with `outrider trust rotate`.',
    ],
    'key-missing': [
      'A key of the server is gone or damaged.',
      'What is served stays served until it expires.',
      'Restore it from a backup, or replace it with `outrider trust rotate`.',
    ],
    'key-not-in-role': [
      'The key signs for none of what was asked for.',
      'Nothing was changed.',
      'Look with `outrider trust status` which keys a role has.',
    ],
    'key-twice': [
      'One key was named twice: its two signatures count once.',
      'Nothing was signed.',
      'Name the key of another person.',
    ],
    'passphrase-missing': [
      'A key is sealed and no usable passphrase was given.',
      'Nothing was signed.',
      'Set `OUTRIDER_PASSPHRASE`, name an open file with `--passphrase-fd`, or run the command at a terminal.',
    ],
    'passphrase-wrong': [
      'The passphrase does not open the key file, or the file was altered: the two cannot be told apart.',
      'Nothing was signed.',
      'Give the right passphrase, or take the file from its copy. If both are lost, rotate the key.',
    ],
    'role-not-there': [
      'There is no such role, or the repositories were founded before.',
      'Nothing was changed.',
      'Look at `outrider trust status`; change what is there with `outrider trust rotate`.',
    ],
    'trust-missing': [
      'The data folder has no repositories.',
      'Devices that registered here pin keys alone.',
      'Found them with `outrider trust init`, or name the right folder with `--data`.',
    ],
    'file-missing': ['A file that was named is not there.', NOTHING_TRIED, 'Name one that exists.'],
    'file-exists': ['The file that was to be written exists.', 'It is untouched.', 'Choose another name.'],
    'file-failed': [
      'A file could not be read or written.',
      'A file that is written whole is not there half.',
      'The sentence says why: owner, mode, a full disk.',
    ],
    interrupted: ['The command was interrupted.', 'Nothing of it was kept.', 'Run it again.'],
    'program-not-installed': [
      'The program that the command starts is not installed.',
      NOTHING_TRIED,
      'Install the package that the sentence names.',
    ],
    'blob-missing': [
      'An image that a release names is not in the folder it was looked for in.',
      'Nothing was uploaded.',
      'Pack it there, or name the right folder.',
    ],
    'already-signed': [
      'The key has signed the document before.',
      'The document is untouched.',
      'Nothing is left to do.',
    ],
    'ca-exists': [
      'There is a CA in the data folder already.',
      'Nothing was changed: devices have pinned its root.',
      'Use `outrider ca renew`, which keeps the root. Another root is pinned beside first: the runbook of a lost CA key.',
    ],
    'key-unfit': [
      'A key of ECDSA P-256 was to sign what Ed25519 keys sign: a release, a charter, a hand-over.',
      'Nothing was signed.',
      'Sign with a key of Ed25519; keys of the other kind are for people of the root.',
    ],
    'certificate-in-use': [
      'What `outrider ca forget` was to drop is what the server works with.',
      'Nothing was changed.',
      'Make another first: `outrider ca renew`, or `outrider ca adopt --beside` for another root.',
    ],
    'certificate-unknown': [
      'The digest begins no certificate of the CA, or several.',
      'Nothing was changed.',
      'Take it from `outrider ca show`, eight digits or more.',
    ],
    'root-differs': [
      'The sealed key opens, and belongs to none of the roots in the data folder.',
      'Nothing was changed.',
      'Name the key that `outrider ca init` has written for this installation, or the right data folder.',
    ],
    'code-unknown': [
      '`outrider explain` was asked for a code that this version does not know.',
      NOTHING_TRIED,
      'Look at the list that `outrider explain` prints; a newer server has newer codes.',
    ],
    'login-expired': [
      'The sign-in of this account at the server has ended, and the issuer does not renew it.',
      'Nothing was sent: the command does not go on as the administrator instead.',
      '`outrider login`, or `outrider logout` to go on with the token of the data folder.',
    ],
    'issuer-absent': [
      'The server has no issuer at which people sign in.',
      NOTHING_TRIED,
      'Start it with --oidc-issuer, or use a service token. The development issuer exists on loopback hosts alone.',
    ],
    'sign-in-abandoned': [
      'Nobody has signed in: ten minutes passed, or the command was interrupted.',
      'No token was kept.',
      '`outrider login` again; where there is no browser, with --device-code.',
    ],
    'file-malformed': [
      'A file that the command line keeps is damaged.',
      'Nothing was sent.',
      'Remove the file that the detail names, and sign in again.',
    ],
    'decisions-differ': [
      'A stored decision does not follow from its stored inputs.',
      COPIES,
      'Do not widen on it: keep the output, pause the rollout and report it.',
    ],
    'audit-broken': [
      'The audit log is not the one that was written, or does not agree with the policy log or the catalogue.',
      COPIES,
      'Each finding has its page (see [audit](audit.md)); keep the output and follow docs/audit.md.',
    ],
    'audit-absent': [
      'The backup was made by a version that kept no audit log.',
      COPIES,
      'Restore it: what its policy log and catalogue say is brought into a chain, and verify that.',
    ],
    'evidence-differs': [
      'The stored counts are not those of the raw rows.',
      COPIES,
      'Do not widen on it: keep the output, pause the rollout and report it.',
    ],
  },
};

const IMPORT_REST: Readonly<Record<DeviceImportCode, readonly [safe: string, act: string]>> = {
  'line-malformed': ['The other lines are taken in.', 'Correct the line; its number is that of the file.'],
  'device-repeated': ['The first of them counts.', 'Keep one line a device.'],
  'beyond-reach': [
    'The device stays where it is: nobody moves one out of their customers and regions, or into them.',
    'Leave the line to somebody whose roles reach both ends.',
  ],
  'device-differs': [
    'The device keeps what it has.',
    'Export it, change the values there and import that: its line carries the revision.',
  ],
  'attributes-stale': [
    "The device keeps what it has; nobody's change is lost.",
    'Export it again and look at what somebody else has changed.',
  ],
  'import-key-differs': ['The device keeps its key.', 'Leave the key out, or give the device a new id.'],
};

/** Why a line of an import was refused. */
export const importArea: ErrorArea = {
  name: 'import',
  title: 'Why a line of an import was refused',
  intro: 'The code in the report of `outrider device import`, and in `faults` of `POST /api/v1/device-import`.',
  codes: Object.fromEntries(
    Object.entries(IMPORT_REST).map(([code, [safe, act]]) => [
      code,
      [`${new Map<string, string>(Object.entries(DEVICE_IMPORT_ERRORS)).get(code)}.`, safe, act] as const,
    ]),
  ),
};

const STORE_ACTS: Readonly<Record<StoreAwayReason, string>> = {
  unreachable: 'Look whether PostgreSQL runs and the network between it and the server works.',
  starting: 'Wait some seconds.',
  refused: 'Look at the password, the user and pg_hba.conf.',
  'connections-exhausted': 'Raise max_connections, or end what holds them (pg_stat_activity).',
  slow: 'Look at pg_stat_activity for what holds locks, and at the disk of the database.',
  'read-only': 'The server talks to a standby, or somebody set default_transaction_read_only: give it the primary.',
  'disk-full': 'Free space on the disk of the database.',
  'disk-failed': 'Move the database to another disk, from a backup if need be.',
  'memory-full': 'Give the database memory, or lower its work_mem and connections.',
  'schema-newer': 'Upgrade this server, or stop it: a newer one has taken its place.',
  overloaded: 'Look at the load of the database; devices come back by themselves, spread over time.',
};

/** Why the database is away. */
export const storeArea: ErrorArea = {
  name: 'store-away',
  title: 'Why the database is away',
  intro:
    'The reason behind the code `store-away`, in its detail and in the log of the server. Check-ins without an offer go on being answered; permits need the database.',
  codes: Object.fromEntries(
    Object.entries<string>(STORE_ACTS).map(([code, act]) => [
      code,
      [
        `${new Map<string, string>(Object.entries(STORE_AWAY_REASONS)).get(code)}.`,
        'No permit comes into being, and nothing is acknowledged that is not stored.',
        act,
      ] as const,
    ]),
  ),
};

/** Exit codes of the server; a test compares them with apps/server. */
export const serverExitArea: ErrorArea = {
  name: 'exit-codes-server',
  title: 'Exit codes of the server',
  intro: 'How the server program ends, and with it `outrider up`. The sentence on standard error has the values.',
  codes: {
    stopped: ['A signal stopped it, cleanly.', 'What it acknowledged is stored.', 'Nothing.'],
    failed: [
      'A fault that nobody foresaw ended it.',
      'What it acknowledged is stored.',
      'Its log has the fault; start it again, and report it.',
    ],
    usage: [
      'A setting is wrong, by flag, environment or configuration file.',
      NOT_STARTED,
      'The sentence names the setting and what is allowed.',
    ],
    'folder-unusable': [
      'The data folder cannot be read or written.',
      NOT_STARTED,
      'Look at its owner, its mode (0700) and the disk.',
    ],
    'data-folder-in-use': [
      'Another server runs on this data folder.',
      'The other one is untouched.',
      'Stop it first, or use another folder.',
    ],
    'port-in-use': [
      'Something listens on the port.',
      NOT_STARTED,
      'Choose another with the flag that the message names, --port or --tls-port, or 0 for any free one.',
    ],
    'port-refused': [
      'The port may not be opened, for instance one below 1024.',
      NOT_STARTED,
      'Choose a higher one behind a proxy, or grant the right.',
    ],
    'socket-refused': [
      'The socket of the terminator cannot be opened: another program answers there, a file is in the way, or the path is too long.',
      NOT_STARTED,
      'Choose another path with --terminator-socket, in a folder that this user may write.',
    ],
    'ca-malformed': [
      'The folder `ca` in the data folder lacks a file, or a key and a certificate in it do not belong together.',
      NOT_STARTED,
      'Restore the folder from a backup; `outrider ca show` says what is wrong with it. The root alone is enough to make the rest anew: `outrider ca renew`.',
    ],
    'file-malformed': [
      'A file in the data folder, or one that was named, is not what it should be.',
      NOT_STARTED,
      'Restore it from the backup; a key that was changed is not the one that devices pinned.',
    ],
    'database-away': [
      'Nothing answers at the database URL, or it has no connection left.',
      NOT_STARTED,
      'Start the database, or raise its max_connections.',
    ],
    'schema-newer': [
      'A newer program has used this database.',
      'The data are untouched.',
      'Start the newer program, or restore a backup from before the upgrade.',
    ],
    'postgres-not-installed': [
      'The binaries of PostgreSQL are not installed.',
      NOT_STARTED,
      'Install the optional packages for this platform, or give a database URL.',
    ],
    'system-user-missing': [
      'Run as root, PostgreSQL needs a user of its own, and there is none to take.',
      NOT_STARTED,
      'Create the user that the sentence names, or start as an ordinary user.',
    ],
    'cluster-belongs-elsewhere': [
      'The database of this data folder belongs to another folder.',
      'Both are untouched.',
      'A copied data folder is no second installation: use a backup and restore.',
    ],
    'initdb-failed': [
      'PostgreSQL could not make its files.',
      'Nothing half made is used.',
      'Look at the free disk space and the sentence; start again.',
    ],
    'postgres-did-not-start': [
      'PostgreSQL did not start.',
      'The data are untouched.',
      'Its log in the data folder says why; often shared memory, locale or a full disk.',
    ],
    'database-url-malformed': [
      'The database URL cannot be read.',
      NOT_STARTED,
      'Write it as the sentence shows, special characters percent-encoded.',
    ],
    'database-login-refused': [
      'The database refuses the user, the password or this address.',
      NOT_STARTED,
      'Correct the URL, or pg_hba.conf.',
    ],
    'database-missing': ['There is no such database.', NOT_STARTED, 'Create it, owned by the user of the URL.'],
    'database-rights-missing': [
      'The user may not connect or create tables.',
      NOT_STARTED,
      'Make it the owner of the database.',
    ],
    'database-tls-needed': [
      'The database takes encrypted connections only.',
      NOT_STARTED,
      'Add sslmode=verify-full to the URL.',
    ],
    'database-tls-refused': [
      'Encryption is asked for and the database offers none.',
      NOT_STARTED,
      'Switch it on there, or, on one machine, use sslmode=disable.',
    ],
    'database-tls-untrusted': [
      'The certificate of the database is not trusted.',
      'Nothing was sent to it but the greeting.',
      'Give the server its authority, or correct the name in the certificate.',
    ],
    'database-too-old': ['The database is older than PostgreSQL 15.', NOT_STARTED, 'Upgrade it.'],
    'database-read-only': [
      'The database is a standby, or takes no writes.',
      NOT_STARTED,
      'Give the URL of the primary.',
    ],
    'migration-changed': [
      'A migration was applied here with another text than this program has.',
      'The data are untouched.',
      'Use the program that made the database, or restore a backup.',
    ],
    'schema-in-use': [
      'Servers of a former version run that could not work with the new schema.',
      'The data are untouched and those servers go on.',
      'Stop them, then start this one again.',
    ],
    'schema-locked': [
      'Something held a lock on a table all the while.',
      'The data are untouched.',
      'End what holds it (pg_stat_activity), then start again.',
    ],
    'restore-unfinished': [
      'A restore into this data folder was begun and has not ended.',
      'The server did not start: nothing is offered from a half.',
      'Let it end, or run `outrider restore` again: it begins anew.',
    ],
    'stopped-short': [
      'A signal stopped it; what still hung at the end of its time was cut off.',
      'What it acknowledged is stored; what it did not may be missing.',
      'Nothing; devices ask again by themselves.',
    ],
    'storage-full': [
      'The disk of the data folder has no room for a file that is needed.',
      NOT_STARTED,
      'Free space and start again.',
    ],
  },
};

/** Exit codes of the agent; a test compares them with apps/agent. */
export const agentExitArea: ErrorArea = {
  name: 'exit-codes-agent',
  title: 'Exit codes of the agent',
  intro: 'How the agent on a device ends, for its supervisor.',
  codes: {
    stopped: ['It was told to stop.', 'The journal holds where it was.', 'Nothing.'],
    failed: [
      'A fault that nobody foresaw ended it.',
      'The boot chooser and both slots are as they were written last.',
      'Start it again: it goes on from its journal. Report the sentence.',
    ],
    usage: ['A flag is missing, unknown or malformed.', NOTHING_TRIED, 'Correct it.'],
    'data-folder': [
      'Its data folder, or a file in it, cannot be used.',
      'No slot was written.',
      'Look at owner, mode and free space; a damaged journal needs the device at hand.',
    ],
    refused: [
      'The server refused the registration, or asked for something this agent does not understand.',
      'The device runs what it ran.',
      'The sentence has the code of the server: look it up here.',
    ],
    unreachable: [
      'The server cannot be reached, and without a registration there is nothing to do.',
      'The device runs what it ran.',
      'Look at the network and the address; start it again.',
    ],
    reboot: [
      'The device is to be started again.',
      'This is how a new slot is tried; it falls back by itself.',
      'The supervisor reboots the device, or starts the agent again.',
    ],
  },
};
