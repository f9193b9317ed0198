// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { digestDocument } from '@outrider/domain/trust/audit';
import { type AuditCheck, documentKey } from '@outrider/domain/trust/audit-check';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { AUDIT_PAGE_ENTRIES_MAX, parseAuditPage } from '@outrider/protocol/trust/audit';
import { listAt, parseAnswer } from './answer.ts';
import { documentsOfPolicy, documentsOfRelease } from './audited-documents.ts';
import { CommandFailure } from './failure.ts';
import type { ManagementClient } from './management-client.ts';
import { PATHS, withQuery } from './paths.ts';

/**
 * Reads the chain of a server into a check, and what it speaks of. People may change things meanwhile: the chain is read to
 * its end, then the documents, then what the chain has got since. So each document read has its entry among those read,
 * and each entry of the first part its document.
 */
export async function readAuditOfServer(check: AuditCheck, client: ManagementClient): Promise<void> {
  await readChain(check, client);
  const settledTo = check.head().sequence;
  const documents = await readDocuments(client);
  await readChain(check, client);
  check.compare(documents, settledTo);
}

async function readChain(check: AuditCheck, client: ManagementClient): Promise<void> {
  for (;;) {
    const after = check.head().sequence;
    const path = withQuery(PATHS.audit, { after, limit: AUDIT_PAGE_ENTRIES_MAX });
    const page = parseAuditPage(await client.ask({ method: 'GET', path }));
    if (!page.ok) {
      const detail = `The server handed over no audit log: ${describeParseError(page.error)}`;
      throw new CommandFailure('failed', detail, { code: page.error.code });
    }
    const { head, items } = page.value;
    check.expectHead(head);
    for (const row of items) check.add(row);
    // A server that does not go on is not asked for ever.
    if (items.length < AUDIT_PAGE_ENTRIES_MAX || check.head().sequence <= after) return;
  }
}

async function readDocuments(client: ManagementClient): Promise<ReadonlyMap<string, Sha256>> {
  const list = async (path: string) => listAt(parseAnswer(await client.ask({ method: 'GET', path })).value, 'items');
  const policy = (await list(PATHS.policyEntries)).flatMap(documentsOfPolicy);
  const releases = (await list(PATHS.releases)).flatMap(documentsOfRelease);
  return new Map(
    [...policy, ...releases].map(({ kind, name, value }) => [
      documentKey(kind, name),
      digestDocument(value, digestText),
    ]),
  );
}
