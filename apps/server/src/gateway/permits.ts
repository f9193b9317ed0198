// SPDX-License-Identifier: Apache-2.0
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { answerPermit } from '@outrider/domain/gateway/answer-permit';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import {
  type NotYet,
  PERMIT_TYPE,
  type PermitAnswer,
  type PermitDocument,
  type PermitRequest,
} from '@outrider/domain/gateway/permit';
import { SOON_POLL_MS } from '@outrider/domain/gateway/poll';
import type { Ledger, PermitCommit, PermitProposal } from '@outrider/domain/gateway/ports';
import { settlePermit, storeAway } from '@outrider/domain/gateway/settle-permit';
import type { PolicySnapshot } from '@outrider/domain/gateway/snapshot';
import { present } from '@outrider/domain/kernel/assert';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { durationMs, type MachineInstant } from '@outrider/domain/kernel/time';
import { preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import type { Signer } from '@outrider/domain/trust/ports';
import { encodePermitDocument } from '@outrider/protocol/gateway/permit';
import { currentTrace, type TracePhase } from '../log/request-context.ts';
import type { Recorder } from '../observability/recorder.ts';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import type { Schedule } from '../ports.ts';
import { countCharterFault } from './charter-counts.ts';
import type { Contacts } from './contacts.ts';
import { groupCommit } from './group-commit.ts';
import type { KnownDevices } from './known-devices.ts';

/** Answers permit requests: proposed by the domain, committed by the store, and only then signed. */
export interface Permits {
  answer(device: KnownDevice, request: PermitRequest): Promise<PermitAnswer>;
  /** Counts an answer by its reason and hands it back. */
  counted(answer: PermitAnswer): PermitAnswer;
  flush(): Promise<void>;
}

/** Without a device record or any policy there is no proposal to make; soon there will be. */
export const STORE_AWAY: NotYet = { kind: 'not-yet', code: 'store-away', askAfterMs: SOON_POLL_MS };

/** To a question from before the device's newest message: what it would be given now, it has not asked for. */
const OUTDATED: NotYet = { kind: 'not-yet', code: 'no-offer', askAfterMs: SOON_POLL_MS };

/** Permits of one statement: it holds the lock on a rollout's counters for some milliseconds. */
const BATCH_PERMITS_MAX = 500;
const WAITING_MAX = 20_000;

/** Group commit: while one statement is under way the next gathers anyway. */
const GATHER_MS = durationMs(2);

export interface PermitOptions {
  readonly ledger: Ledger;
  readonly holder: SnapshotHolder;
  readonly devices: KnownDevices;
  readonly contacts: Contacts;
  readonly signer: Signer;
  readonly fleetClock: FleetClock;
  readonly schedule: Schedule;
  readonly recorder: Recorder;
}

export function permits(options: PermitOptions): Permits {
  const { ledger, holder, devices, contacts, signer, fleetClock, schedule, recorder } = options;
  const { counters, timings } = recorder;
  const commits = groupCommit<PermitProposal, PermitCommit>({
    itemsMax: BATCH_PERMITS_MAX,
    waitingMax: WAITING_MAX,
    gatherMs: GATHER_MS,
    schedule,
    async commit(proposals) {
      const began = recorder.now();
      const answers = await ledger.commitPermits(proposals);
      timings['permit-commit'].observe(recorder.now() - began);
      timings['permit-batch'].observe(proposals.length);
      return answers;
    },
  });

  async function decideOne(device: KnownDevice, request: PermitRequest): Promise<PermitAnswer> {
    const now = fleetClock.now();
    const known = devices.peek(request.deviceId) ?? device;
    // The device has spoken since: this is a recording, or was lost on the way, and nobody waits for its permit.
    if (request.sequence < known.record.status.sequence) return OUTDATED;
    contacts.note(device, { sequence: request.sequence, at: now });
    const snapshot = holder.newest();
    if (snapshot === undefined) return STORE_AWAY;
    const gateBegan = recorder.now();
    const proposal = answerPermit(snapshot, devices.peek(request.deviceId) ?? device, request, now);
    notePhase('gateway.permit.gate', gateBegan, { 'outrider.revision': snapshot.revision });
    if ('kind' in proposal && proposal.code === 'outside-charter') {
      countCharterFault(counters, { snapshot, record: known.record, rolloutId: request.rolloutId, now });
    }
    return 'kind' in proposal ? proposal : commitOne(snapshot, request, proposal);
  }

  async function commitOne(
    snapshot: PolicySnapshot,
    { deviceId, sequence }: PermitRequest,
    proposal: PermitProposal,
  ): Promise<PermitAnswer> {
    const commitBegan = recorder.now();
    const commit = await commits.add(proposal).catch((cause: unknown) => {
      // Whether the row came into being is unknown: what is in memory about the device is no longer sure.
      devices.forget(deviceId);
      if (cause instanceof StoreAwayError) return undefined;
      throw cause;
    });
    notePhase('gateway.permit.commit', commitBegan, { 'outrider.commit': commit?.kind ?? 'store-away' });
    noteRow(proposal, commit);
    if (commit === undefined) return storeAway(proposal, sequence);
    if (commit.kind === 'committed') keepRow(devices, commit.row);
    else if (commit.code === 'already-enrolled') devices.forget(deviceId);
    const live = present(snapshot.rollouts.get(proposal.row.rolloutId), 'the rollout that a proposal was made for');
    const settled = settlePermit(proposal, commit, { live, sequence });
    return settled.kind === 'permit' ? { kind: 'permit', permit: signedPermit(settled.document, signer) } : settled;
  }

  function notePhase(name: string, beganAt: MachineInstant, attributes: TracePhase['attributes']): void {
    currentTrace()?.phases.push({ name, beganAt, endedAt: recorder.now(), attributes });
  }

  function counted(answer: PermitAnswer): PermitAnswer {
    counters.add('permit', answer.kind === 'permit' ? 'permit' : answer.code);
    return answer;
  }

  return {
    async answer(device, request) {
      const began = recorder.now();
      const answer = counted(await decideOne(device, request));
      noteAnswer(answer, request);
      timings.permit.observe(recorder.now() - began);
      return answer;
    },
    counted,
    flush: () => commits.flush(),
  };
}

function signedPermit(document: PermitDocument, signer: Signer) {
  const payload = encodePermitDocument(document);
  const signature = signer.sign(preAuthenticationEncoding(PERMIT_TYPE, payload));
  return { payloadType: PERMIT_TYPE, payload, signatures: [signature] };
}

/** The device in memory learns of its row, so that the next answer knows it without a query. */
function keepRow(devices: KnownDevices, row: LedgerRow): void {
  const device = devices.peek(row.deviceId);
  if (device === undefined) return;
  const others = device.ledger.filter(
    (one) => one.rolloutId !== row.rolloutId || one.kind !== row.kind || one.enrolment !== row.enrolment,
  );
  devices.keep({ ...device, ledger: [...others, row] });
}

/** The permit that a request is traced under: that of the row that holds, or of the one that was proposed. */
function noteRow({ row: proposed }: PermitProposal, commit: PermitCommit | undefined): void {
  const trace = currentTrace();
  if (trace === undefined) return;
  const row = commit?.kind === 'committed' ? commit.row : proposed;
  // A row of before is older than what was proposed now; the one that was made now is stamped now or later.
  const isNewRow = commit?.kind === 'committed' && row.grantedAt >= proposed.grantedAt && row.epoch === proposed.epoch;
  trace.about = { ...trace.about, permitId: row.permitId, isNewRow };
}

function noteAnswer(answer: PermitAnswer, { rolloutId }: PermitRequest): void {
  const trace = currentTrace();
  if (trace === undefined) return;
  const said = answer.kind === 'permit' ? 'permit' : answer.code;
  trace.about = { ...trace.about, attributes: { 'outrider.answer': said, 'outrider.rollout_id': rolloutId } };
}
