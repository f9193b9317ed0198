// SPDX-License-Identifier: Apache-2.0
import type { ChangedBy } from '@outrider/domain/trust/audit';
import { requestId } from '../log/request-context.ts';

/** Who makes a change, with the id of the request under way: by it the audit log and the log of the server belong together. */
export function changedBy(actor: string): ChangedBy {
  return { actor, ...underRequest() };
}

/** The id of the request under way, if there is one. */
export function underRequest(): Pick<ChangedBy, 'requestId'> {
  const id = requestId();
  return id === undefined ? {} : { requestId: id };
}
