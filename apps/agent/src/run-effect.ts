// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import { laterOf } from '@outrider/domain/device/check-charter';
import { checkOffer } from '@outrider/domain/device/check-offer';
import { checkPermit } from '@outrider/domain/device/check-permit';
import type { DeviceEvent, Effect, WakeFacts } from '@outrider/domain/device/events';
import type { BootState } from '@outrider/domain/device/ports';
import { type Journal, type QueuedReport, runningSoftware } from '@outrider/domain/device/state';
import type { CheckInAnswer } from '@outrider/domain/gateway/check-in';
import type { Report } from '@outrider/domain/gateway/report';
import { assertNever, present } from '@outrider/domain/kernel/assert';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { DeviceFacts } from '@outrider/domain/policy/audience-facts';
import type { MetadataError } from '@outrider/domain/trust/tuf/errors';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { signVersionManifest } from '@outrider/protocol/gateway/version-manifest';
import { DETAIL_CHARACTERS_MAX } from '@outrider/protocol/kernel/limits';
import { parseCharter, parseWaveOpening } from '@outrider/protocol/policy/charter';
import { parseManifest } from '@outrider/protocol/release/manifest';
import type { AgentIdentity, AgentPorts } from './compose.ts';
import {
  checkNothingOffered,
  checkOfferVouched,
  type FollowPorts,
  permitKeysOf,
  type Vouched,
} from './follow-repositories.ts';
import { takeOverRoots } from './take-over-roots.ts';
import { download, install } from './transfer.ts';

/** What an effect needs beside itself. */
export interface EffectContext {
  readonly ports: FollowPorts;
  readonly facts: WakeFacts;
  readonly journal: Journal;
  readonly boot: BootState;
}

/** The readers of signed texts in an offer. */
export interface SignedReaders {
  readonly parseManifest: typeof parseManifest;
  readonly parseCharter: typeof parseCharter;
  readonly parseOpening: typeof parseWaveOpening;
}

/** Those of the protocol. */
export const SIGNED_READERS: SignedReaders = { parseManifest, parseCharter, parseOpening: parseWaveOpening };

/** The one event that answers an effect, and how many messages it cost. */
export interface EffectRun {
  readonly event: DeviceEvent;
  readonly sent: number;
}

/** Runs an effect on the ports. Nothing is decided here: the checks are the domain's. */
export async function runEffect(
  effect: Exclude<Effect, { kind: 'sleep' | 'reboot' }>,
  context: EffectContext,
): Promise<EffectRun> {
  const { ports } = context;
  switch (effect.kind) {
    case 'check-in':
      return checkIn(effect, context);
    case 'ask-permit':
      return { event: await askPermit(effect, context), sent: 1 };
    case 'send-report':
      return { event: await sendReport(effect, context), sent: 1 };
    case 'download':
      return download(effect.parts, ports);
    case 'install':
      return { event: await install(effect, ports.storage), sent: 0 };
    case 'verify-slot': {
      const components = await ports.storage.verifySlot(effect.slot);
      return { event: { kind: 'slot-verified', slot: effect.slot, components }, sent: 0 };
    }
    case 'arm':
      await ports.boot.arm(effect.slot, effect.content, effect.tries);
      return { event: { kind: 'armed', boot: await ports.boot.state() }, sent: 0 };
    case 'check-health':
      return { event: { kind: 'health-checked', ...(await ports.health.check()) }, sent: 0 };
    case 'confirm':
      await ports.boot.confirm();
      return { event: { kind: 'confirmed', boot: await ports.boot.state() }, sent: 0 };
    case 'discard-staged':
      await ports.storage.discardStaged();
      return { event: { kind: 'discarded' }, sent: 0 };
    default:
      return assertNever(effect);
  }
}

async function checkIn({ checkIn }: Extract<Effect, { kind: 'check-in' }>, context: EffectContext): Promise<EffectRun> {
  const answer = await context.ports.network.checkIn(checkIn);
  if (!answer.ok) return { event: { kind: 'unanswered', error: answer.error }, sent: 1 };
  const { ports, facts } = context;
  const isOffer = answer.value.kind === 'offer';
  const taken = ports.anchors.roots === undefined && isOffer ? await takeOverRoots(ports, facts.now) : undefined;
  const roots = ports.anchors.roots ?? taken?.roots;
  const asked = 1 + (taken?.sent ?? 0);
  if (roots === undefined) return { event: judge(answer.value, context), sent: asked };
  if (answer.value.kind === 'refusal') {
    const { result, sent } = await checkNothingOffered(ports, roots, facts.now);
    const event = result.ok ? judge(answer.value, context) : untrusted(result.error);
    return { event, sent: sent + asked };
  }
  const { result, sent } = await checkOfferVouched(ports, answer.value, { roots, now: facts.now });
  if (result.ok) return { event: judge(answer.value, context, result.value), sent: sent + asked };
  // Not reached is not refused: the offer is asked for again.
  if (result.error.code === 'metadata-unreachable') return { event: untrusted(result.error), sent: sent + asked };
  const error = { code: 'repository-refused', detail: `${result.error.code}: ${result.error.detail}` } as const;
  const { pollAfterMs } = answer.value;
  return { event: { kind: 'offer-refused', error, pollAfterMs }, sent: sent + asked };
}

/** An answer that nobody vouches for is none: the device backs off, and asks again. */
function untrusted({ code, detail }: MetadataError): DeviceEvent {
  const isAway = code === 'metadata-unreachable';
  const error = { code: isAway ? 'network-unreachable' : 'answer-malformed', detail: `${code}: ${detail}` } as const;
  return { kind: 'unanswered', error };
}

function judge(answer: CheckInAnswer, { ports, facts, journal, boot }: EffectContext, vouched?: Vouched): DeviceEvent {
  const { pollAfterMs } = answer;
  if (answer.kind === 'refusal') return { kind: 'refused', code: answer.code, pollAfterMs };
  const { parseManifest: parse, parseCharter, parseOpening } = ports.readers ?? SIGNED_READERS;
  const plan = checkOffer(answer, {
    ...(vouched && { vouched: vouched.claim }),
    // Approvers change by the root: what it names outranks what was pinned at registration.
    anchors: vouched?.approverRole ? { ...ports.anchors, approverRole: vouched.approverRole } : ports.anchors,
    verifier: ports.verifier,
    parse,
    deviceType: ports.identity.deviceType,
    hardwareId: ports.identity.hardwareId,
    running: runningSoftware(boot),
    revertedCounters: journal.revertedCounters,
    ...(journal.floors && { floors: journal.floors }),
    charter: {
      ...{ digestText, parseCharter, parseOpening },
      facts: factsOf(ports.identity, runningSoftware(boot).version),
      now: laterOf(facts.now, floorOf(journal)),
    },
  });
  if (!plan.ok) {
    const { rolloutId, releaseId } = answer;
    return { kind: 'offer-refused', error: plan.error, pollAfterMs, about: { rolloutId, releaseId } };
  }
  // Consent and readiness may depend on what was offered.
  const mayDownload = ports.readiness.mayDownload(facts.now);
  return { kind: 'offered', plan: plan.value, pollAfterMs, mayDownload, readyAt: ports.readiness.readyAt(facts.now) };
}

async function askPermit(
  { request }: Extract<Effect, { kind: 'ask-permit' }>,
  { ports, facts, journal }: EffectContext,
): Promise<DeviceEvent> {
  const answer = await ports.network.askPermit(request);
  if (!answer.ok) return { kind: 'unanswered', error: answer.error };
  if (answer.value.kind === 'not-yet') {
    return { kind: 'not-yet', code: answer.value.code, askAfterMs: answer.value.askAfterMs };
  }
  const { roots } = ports.anchors;
  const permit = checkPermit(answer.value.permit, {
    anchors: roots ? { permitKeys: await permitKeysOf(ports, roots, facts.now) } : ports.anchors,
    verifier: ports.verifier,
    parse: parsePermitDocument,
    deviceId: ports.identity.deviceId,
    plan: present(journal.update, 'an update behind a permit request'),
    askedAt: facts.now,
    sequence: request.sequence,
    timeFloor: floorOf(journal),
  });
  return permit.ok ? { kind: 'permitted', permit: permit.value } : { kind: 'permit-refused', error: permit.error };
}

/** What the device knows of itself for certain. */
function factsOf({ deviceId, hardwareId, model }: AgentIdentity, version: string): DeviceFacts {
  return { deviceId, hardwareId, version, ...(model === undefined ? {} : { model }) };
}

function floorOf({ timeFloor }: Journal): FleetInstant {
  return timeFloor ?? fleetInstant(0);
}

/**
 * The report as it leaves: what stands beside it is signed now, as it was when it happened. A TPM that does not answer must not
 * keep the report back for ever: it goes without a quote, and says why.
 */
async function signedReport({ claim, ...report }: QueuedReport, { signer, tpm }: AgentPorts): Promise<Report> {
  if (claim === undefined || signer === undefined) return report;
  const manifest = signVersionManifest(claim, signer);
  const quote = await tpm?.quote(digestText(manifest.payload));
  if (quote === undefined) return { ...report, manifest };
  if (quote.ok) return { ...report, manifest, quote: quote.value };
  const detail = `${report.detail}The TPM gave no quote: ${quote.error.detail}`.slice(0, DETAIL_CHARACTERS_MAX);
  return { ...report, manifest, detail };
}

async function sendReport(
  { report }: Extract<Effect, { kind: 'send-report' }>,
  { ports }: EffectContext,
): Promise<DeviceEvent> {
  const answer = await ports.network.sendReport(await signedReport(report, ports));
  if (answer.ok) return { kind: 'report-acknowledged', sequence: report.sequence };
  return { kind: 'report-unsent', error: answer.error };
}
