// SPDX-License-Identifier: Apache-2.0
import { parsePersonId, personDigest } from '@outrider/domain/trust/person';
import { usageFailure } from '../../failure.ts';

/** `safety=grace` as the root says it: a group or a key id, and the digest of a person's id, since every device reads a root. */
export function peopleNamed(texts: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const text of texts) {
    const [, name = '', person] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    const personId = parsePersonId(person);
    if (name === '' || !personId.ok) {
      throw usageFailure(
        `--person ${text} names nobody; write <group>=<person> or <key id>=<person>, for example safety=grace, as \`outrider person list\` shows them`,
      );
    }
    if (found.has(name)) throw usageFailure(`--person names ${name} twice; a key belongs to one person`);
    found.set(name, personDigest(personId.value));
  }
  return found;
}
