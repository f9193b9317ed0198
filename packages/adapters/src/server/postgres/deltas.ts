// SPDX-License-Identifier: Apache-2.0
import type { DeltaStore } from '@outrider/domain/delta/ports';
import { parseDelta } from './delta-document.ts';
import type { Database } from './pool.ts';
import { documentsOf } from './row.ts';

export function postgresDeltas(database: Database): DeltaStore {
  return {
    async storeDelta({ toDigest, fromDigest, format, digest, bytes }) {
      await database.query(STORE, [toDigest, fromDigest, format, digest, bytes]);
    },
    async loadDeltasTo(digests) {
      return documentsOf(await database.query(LOAD, [digests]), parseDelta);
    },
  };
}

/** The first delta between two images stays: devices may be fetching it. */
const STORE = `
insert into delta (to_digest, from_digest, format, digest, bytes) values ($1, $2, $3, $4, $5) on conflict do nothing`;

const LOAD = `
select json_build_object(
  'fromDigest', from_digest, 'toDigest', to_digest, 'format', format, 'digest', digest, 'bytes', bytes
) as document
from delta where to_digest = any ($1) order by to_digest, from_digest, format`;
