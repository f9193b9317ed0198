// SPDX-License-Identifier: Apache-2.0
import type { InstallationSettings } from '@outrider/domain/decision/server-store';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { AuditNote } from '@outrider/domain/trust/audit';
import type { DigestText } from '@outrider/domain/trust/ports';
import type { SigningRole } from '@outrider/domain/trust/role';
import { encodeSigningRole } from '@outrider/protocol/trust/anchors';

/** What a server notes of secrets and roles that come into force with it: their digests, and never they themselves. */
export interface StartAudit {
  /** The first start of a program that keeps an audit log, then each token or key that was not in force before. */
  noteStart(version: string, secrets: readonly InForce[]): Promise<void>;
  /** A source of roles whose every new role is noted before it is used. */
  notingRole(subject: RoleName, load: LoadRole): LoadRole;
}

export interface InForce {
  readonly action: 'token-in-force' | 'key-in-force';
  readonly subject: string;
  /** Of a token its digest, of a key its id: both are SHA-256. */
  readonly digest: string;
}

type RoleName = 'release-role' | 'approver-role';
type LoadRole = () => Promise<SigningRole | undefined>;

/** Under which the first start with an audit log is remembered. */
const BEGUN_SETTING = 'audit-begun';

/** Under which the digest of a secret or role that is in force is kept. */
export function inForceSetting(subject: string): string {
  return `${subject}-digest`;
}

/** Who acts when a program starts: files of its data folder say what is in force, and not who put them there. */
const ACTOR = 'server';

export function startAudit(options: {
  readonly installation: InstallationSettings;
  readonly fleetClock: FleetClock;
  readonly digestText: DigestText;
}): StartAudit {
  const { installation, fleetClock, digestText } = options;

  async function note(
    key: string,
    value: string,
    about: Pick<AuditNote, 'action' | 'subject' | 'detail'>,
  ): Promise<void> {
    const document = { kind: 'setting', value: { [key]: value } } as const;
    await installation.changeSetting(key, value, { ...about, actor: ACTOR, at: fleetClock.now(), document });
  }

  return {
    async noteStart(version, secrets) {
      const isOlder = (await installation.loadSetting('admin-token-digest')) !== undefined;
      const begun = (await installation.loadSetting(BEGUN_SETTING)) !== undefined;
      if (!begun) {
        const detail = isOlder
          ? `version ${version}; earlier changes are brought in from policy log and catalogue`
          : `version ${version}, the first start`;
        await note(BEGUN_SETTING, 'yes', { action: 'audit-begun', subject: 'installation', detail });
      }
      for (const { action, subject, digest } of secrets)
        await note(inForceSetting(subject), digest, { action, subject });
    },
    notingRole(subject, load) {
      let noted: { readonly role: SigningRole; readonly digest: string } | undefined;
      return async () => {
        const role = await load();
        // The same value each time while its file stays the same: registrations of devices ask for it too.
        if (role === undefined || role === noted?.role) return role;
        const digest = digestText(encodeSigningRole(role));
        if (digest === noted?.digest) return role;
        const detail = `${role.threshold} groups must sign`;
        await note(inForceSetting(subject), digest, { action: 'role-in-force', subject, detail });
        noted = { role, digest };
        return role;
      };
    },
  };
}
