// SPDX-License-Identifier: Apache-2.0
import type { ChangedBy, UnderRequest } from '@outrider/domain/trust/audit';
import { describeCredential } from '@outrider/domain/trust/person';
import { currentPerson, requestId } from '../log/request-context.ts';

/** Who makes a change, with the id of the request under way: by it the audit log and the log of the server belong together. */
export function changedBy(actor: string): ChangedBy {
  return { actor, ...underRequest() };
}

/** The request under way, if there is one, and by what whoever sent it has proved who they are. */
export function underRequest(): UnderRequest {
  const [id, person] = [requestId(), currentPerson()];
  return {
    ...(id === undefined ? {} : { requestId: id }),
    ...(person === undefined ? {} : { via: describeCredential(person.credential) }),
  };
}
