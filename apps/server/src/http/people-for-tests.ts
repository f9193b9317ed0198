// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import { randomSecret } from '@outrider/adapters/shared/random';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { type CivilMs, serviceTokenText } from '@outrider/domain/trust/credentials';
import type { PersonRole } from '@outrider/domain/trust/person';
import type { PeopleStore } from '@outrider/domain/trust/ports';
import type { Reach } from '@outrider/domain/trust/reach';

/** Puts a service token of somebody into a store, as if they had made it; answers its text. */
export async function tokenFor(
  people: PeopleStore,
  who: {
    readonly personId: string;
    readonly roles: readonly PersonRole[];
    readonly reach?: Reach;
    readonly atMs: number;
  },
): Promise<string> {
  const [tokenId, secret] = [randomSecret(8), randomSecret()];
  const createdAtMs = who.atMs as CivilMs;
  await people.createToken(
    {
      ...{ tokenId, name: `of-${who.personId}-${tokenId}`, digest: digestText(secret), roles: who.roles },
      ...{ reach: who.reach ?? {}, personId: who.personId, createdAtMs },
      expiresAtMs: (createdAtMs + 86_400_000) as CivilMs,
    },
    { actor: who.personId, at: fleetInstant(createdAtMs), action: 'token-created', subject: who.personId },
  );
  return serviceTokenText(tokenId, secret);
}

/** Asks the management API at this address, `GET /freezes` for instance; the answer's body is JSON. */
export function askerAt(url: string, admin: string) {
  return async (what: string, body?: object, token = admin) => {
    const [method = '', path = ''] = what.split(' ', 2);
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
}
