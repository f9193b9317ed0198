// SPDX-License-Identifier: Apache-2.0
import type { ChangeSigner } from '@outrider/domain/policy/log';
import type { Envelope } from '@outrider/domain/trust/envelope';
import { personDigest } from '@outrider/domain/trust/person';
import type { PeopleStore, SignatureVerifier } from '@outrider/domain/trust/ports';
import type { SigningRole } from '@outrider/domain/trust/role';
import { signersOf } from '@outrider/domain/trust/verify-threshold';

/** Says whose signatures a document bears: by key and group always, by person where the role names them and they have signed in here. */
export type NameSigners = (envelope: Envelope, role: SigningRole) => Promise<readonly ChangeSigner[]>;

export function signerNames(people: Pick<PeopleStore, 'listPeople'>, verifier: SignatureVerifier): NameSigners {
  return async (envelope, role) => {
    const signed = signersOf(envelope, role, verifier);
    const isAnyNamed = signed.some(({ person }) => person !== undefined);
    const known = isAnyNamed ? await people.listPeople() : [];
    const byDigest = new Map(known.map(({ personId }) => [personDigest(personId), personId]));
    return signed.map(({ group, keyId, person }) => {
      const personId = person && byDigest.get(person);
      return { group, keyId, ...(personId && { personId }) };
    });
  };
}

/** The role without the keys of one person: whoever planned a rollout is not one of two people who approve it. */
export function roleWithout(role: SigningRole, personId: string): SigningRole {
  const person = personDigest(personId);
  const groups = role.groups.map((group) => ({ ...group, keys: group.keys.filter((key) => key.person !== person) }));
  return { ...role, groups: groups.filter(({ keys }) => keys.length > 0) };
}
