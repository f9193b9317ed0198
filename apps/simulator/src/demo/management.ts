// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { Report } from '@outrider/domain/gateway/report';
import type { RolloutId, Sha256 } from '@outrider/domain/kernel/ids';
import type { Signer } from '@outrider/domain/trust/ports';
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseProblem } from '@outrider/protocol/kernel/problem';
import type { Reader } from '@outrider/protocol/kernel/reader';
import { charterSignedBy } from '@outrider/protocol/policy/sign-charter';
import type { ControlPlane } from '../play/control-plane.ts';
import type { SignedRelease } from '../product/release-house.ts';
import { DemoFault } from './fault.ts';
import {
  charterAnswer,
  ledgerPage,
  PAGE,
  policyEntries,
  type RecountAnswer,
  type ReportItem,
  recountAnswer,
  releaseAnswer,
  reportPage,
  rolloutAnswer,
  statusAnswer,
  stepAnswer,
} from './management-answers.ts';

/** The management API of the server that the demonstration started. */
export interface Management extends ControlPlane {
  status(): Promise<{ readonly fleetTime: number; readonly handled: number }>;
  /** All reports about a rollout that the server has on disk. */
  reports(rolloutId: RolloutId): Promise<readonly Report[]>;
  /** The stored evidence beside a count of all raw rows and reports. */
  recount(rolloutId: RolloutId): Promise<RecountAnswer>;
}

/** A page of a thousand ledger rows is the largest answer. */
const ANSWER_BYTES_MAX = 4_194_304;

/** The control plane over HTTP; with approvers each rollout gets its charter from them. Throws DemoFault with the server's own sentence when it refuses. */
export function httpManagement(url: string, token: string, approvers: readonly Signer[] = []): Management {
  async function ask<T>(method: string, path: string, question: { body?: object | Uint8Array; reader: Reader<T> }) {
    const { body, reader } = question;
    const isBytes = body instanceof Uint8Array;
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body && { body: isBytes ? Buffer.from(body) : encodeJson(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new DemoFault(`The server refused ${method} ${path}: ${problemText(text)}`);
    const parsed = parseText(text, { noun: 'answer', bytesMax: ANSWER_BYTES_MAX, reader });
    if (parsed.ok) return parsed.value;
    throw new DemoFault(`The server's answer to ${method} ${path} is malformed: ${describeParseError(parsed.error)}`);
  }

  async function putBlob(digest: Sha256, body: Uint8Array): Promise<void> {
    await ask('PUT', `/blobs/${digest}`, { body, reader: anything });
  }

  /** Everything that needs a signature is signed at once: here nobody wants to look before each wave. */
  async function charter(rolloutId: RolloutId): Promise<void> {
    const path = `/rollouts/${rolloutId}/charter`;
    const { draft } = await ask('GET', path, { reader: charterAnswer });
    const signed = charterSignedBy(draft, approvers, { digestText });
    await ask('POST', path, { body: { charter: signed, reason: 'demonstration', author: AUTHOR }, reader: anything });
  }

  return {
    status: () => ask('GET', '/status', { reader: statusAnswer }),
    async publish({ envelope, targets }, images) {
      for (const { image, blocks, content } of images) {
        await putBlob(image.digest, await wholeOf(content()));
        await putBlob(image.blocksDigest, blocks);
      }
      await ask('POST', '/releases', { body: releaseBody({ envelope, targets }), reader: anything });
    },
    deltasOf: async (releaseId) => (await ask('GET', `/releases/${releaseId}`, { reader: releaseAnswer })).deltas,
    async createRollout(plan) {
      await ask('POST', '/rollouts', { body: { plan, author: AUTHOR }, reader: anything });
      if (approvers.length > 0) await charter(plan.rolloutId);
    },
    async changeRollout(rolloutId, event, reason) {
      await ask('POST', `/rollouts/${rolloutId}/events`, { body: { event, reason, author: AUTHOR }, reader: anything });
    },
    step: (now) => ask('POST', '/conductor/step', { body: { now }, reader: stepAnswer }),
    async sight(rolloutId) {
      const { rollout, decision, ...rest } = await ask('GET', `/rollouts/${rolloutId}`, { reader: rolloutAnswer });
      return { ...rollout, ...rest, figures: decision?.figures ?? [] };
    },
    ledger: (rolloutId) =>
      allPages<LedgerOutcome>((page) => ask('GET', `/rollouts/${rolloutId}/ledger?${page}`, { reader: ledgerPage })),
    async reports(rolloutId) {
      const path = `/rollouts/${rolloutId}/reports`;
      const items = await allPages<ReportItem>((page) => ask('GET', `${path}?${page}`, { reader: reportPage }));
      return items.map((one) => one.report);
    },
    recount: (rolloutId) => ask('POST', `/rollouts/${rolloutId}/evidence/recount`, { body: {}, reader: recountAnswer }),
    async eventAt(rolloutId, event) {
      const { items } = await ask('GET', '/policy-entries', { reader: policyEntries });
      const entry = items.find(
        ({ change }) => change.kind === 'rollout-event' && change.rolloutId === rolloutId && change.event === event,
      );
      return entry?.at;
    },
  };
}

/** A release as the server takes it in: the envelope, and beside it the targets as the document they are. */
export function releaseBody({ envelope, targets }: Pick<SignedRelease, 'envelope' | 'targets'>): object {
  return { ...envelope, targets: JSON.parse(targets) };
}

/** Reads pages until one is not full. */
async function allPages<Item extends { readonly position: number }>(
  load: (page: string) => Promise<{ readonly items: readonly Item[] }>,
): Promise<readonly Item[]> {
  const all: Item[] = [];
  for (;;) {
    const { items } = await load(`after=${all.at(-1)?.position ?? 0}&limit=${PAGE}`);
    all.push(...items);
    if (items.length < PAGE) return all;
  }
}

/** Who commands here, as the policy log shows it. */
const AUTHOR = 'conductor';

/** An image fits in memory here; a product uploads it as a stream. */
async function wholeOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** An answer whose content does not matter: that it came is all. */
const anything: Reader<unknown> = (value) => ({ ok: true, value });

function problemText(body: string): string {
  const problem = parseProblem(body);
  return problem.ok ? `${problem.value.code}, ${problem.value.detail}` : body.slice(0, 200);
}
