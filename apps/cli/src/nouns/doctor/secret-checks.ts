// SPDX-License-Identifier: Apache-2.0
import type { SigningRole } from '@outrider/domain/trust/role';
import { type Finding, ok, warn, wrong } from './finding.ts';

/** A file of the data folder, or one that a setting names. */
export type FileFacts =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly code: string }
  | { readonly kind: 'file'; readonly mode: number };

/** A token: only its length is looked at. */
export interface TokenFacts {
  readonly check: 'admin-token' | 'registration-token' | 'metrics-token';
  readonly path: string;
  readonly file: FileFacts;
  readonly characters: number;
}

export interface SecretFacts {
  /** A gateway makes no secrets and has no use for the administrator's. */
  readonly isGateway?: boolean;
  /** A server has run on this data folder before. */
  readonly hasRun: boolean;
  readonly tokens: readonly TokenFacts[];
  readonly permitKey: {
    readonly path: string;
    readonly file: FileFacts;
    /** Why it is no key, or another than it names; undefined: it is a key. */
    readonly fault?: string;
    readonly keyId?: string;
  };
  readonly releaseRole: {
    readonly path: string;
    /** A setting names it: then it must be there. */
    readonly isNamed: boolean;
    readonly file: FileFacts;
    readonly fault?: string;
    readonly role?: SigningRole;
  };
}

/** As the server asks for: shorter tokens could be guessed over the network. */
const TOKEN_CHARACTERS_MIN = 16;

export function secretChecks(facts: SecretFacts): readonly Finding[] {
  const isGateway = facts.isGateway === true;
  const tokens = facts.tokens.filter(({ check }) => !isGateway || check !== 'admin-token');
  return [
    ...tokens.map((token) => (isGateway && token.file.kind === 'missing' ? notGiven(token) : tokenCheck(token))),
    isGateway && facts.permitKey.file.kind === 'missing'
      ? notGiven({ check: 'permit-key', path: facts.permitKey.path })
      : permitKeyCheck(facts),
    releaseRoleCheck(facts.releaseRole),
  ];
}

/** What a gateway starts with it was given; it makes nothing of its own. */
function notGiven({ check, path }: Pick<TokenFacts, 'path'> & { readonly check: Finding['check'] }): Finding {
  return wrong(check, `There is no ${path}`, 'Start the control plane once, and give the gateway its secrets');
}

function tokenCheck({ check, path, file, characters }: TokenFacts): Finding {
  if (file.kind === 'missing') return ok(check, 'Not there yet; the next start makes it');
  const fault = fileFault(path, file);
  if (fault !== undefined) return wrong(check, fault.seen, fault.mend);
  if (characters >= TOKEN_CHARACTERS_MIN) return ok(check, `${characters} characters, mode 0600`);
  const mend = 'Remove the file: the next start makes a new one';
  return wrong(check, `${path} holds ${characters} characters, ${TOKEN_CHARACTERS_MIN} are needed`, mend);
}

function permitKeyCheck({ permitKey: { path, file, fault, keyId }, hasRun }: SecretFacts): Finding {
  if (file.kind === 'missing') {
    if (!hasRun) return ok('permit-key', 'Not there yet; the first start makes it');
    const mend = 'Restore it from a backup: devices have pinned it and take permits of no other';
    return wrong('permit-key', `${path} is gone`, mend);
  }
  const ofFile = fileFault(path, file);
  if (ofFile !== undefined) return wrong('permit-key', ofFile.seen, ofFile.mend);
  if (fault !== undefined) return wrong('permit-key', `${path}: ${fault}`, 'Restore it from a backup');
  return ok('permit-key', `Key ${keyId}`);
}

function releaseRoleCheck({ path, isNamed, file, fault, role }: SecretFacts['releaseRole']): Finding {
  if (file.kind === 'missing') {
    const mend =
      'Make it with `outrider trust init`, or for keys alone with `outrider key role`; until then nothing can be published';
    return (isNamed ? wrong : warn)('release-role', `There is none at ${path}`, mend);
  }
  if (file.kind === 'unreadable')
    return wrong('release-role', `${path} cannot be read (${file.code})`, 'Give this user the right to read it');
  if (fault !== undefined || role === undefined) {
    return wrong(
      'release-role',
      `${path}: ${fault ?? 'no role'}`,
      'Restore it from a backup, or make it anew with `outrider key role`',
    );
  }
  // A role is public, but who may write it decides who may release.
  if ((file.mode & 0o022) !== 0)
    return wrong('release-role', `${path} may be written by others`, 'Run `chmod 644` on it');
  const { threshold, groups } = role;
  const keys = groups.reduce((sum, group) => sum + group.keys.length, 0);
  const seen = `${threshold} of ${groups.length} groups must sign, ${keys} keys`;
  if (threshold > groups.length) {
    return wrong('release-role', seen, 'Make it anew with `outrider key role`: nothing can ever be signed');
  }
  const mend = 'Make one with two groups or more: one stolen key releases anything';
  return threshold === 1 ? warn('release-role', seen, mend) : ok('release-role', seen);
}

function fileFault(
  path: string,
  file: Exclude<FileFacts, { kind: 'missing' }>,
): { readonly seen: string; readonly mend: string } | undefined {
  if (file.kind === 'unreadable') {
    return { seen: `${path} cannot be read (${file.code})`, mend: 'Run this as the owner of the data folder' };
  }
  if ((file.mode & 0o077) === 0) return undefined;
  const mode = (file.mode & 0o777).toString(8).padStart(4, '0');
  return {
    seen: `${path} has mode ${mode}: others may read it`,
    mend: `Run \`chmod 600 ${wordOfShell(path)}\`, and replace what was readable`,
  };
}

/** A path as it can be pasted into a shell. */
function wordOfShell(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
