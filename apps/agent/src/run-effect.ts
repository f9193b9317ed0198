// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import { laterOf } from '@outrider/domain/device/check-charter';
import { checkOffer } from '@outrider/domain/device/check-offer';
import { checkPermit } from '@outrider/domain/device/check-permit';
import type { DeviceEvent, Effect, WakeFacts } from '@outrider/domain/device/events';
import type { BootState } from '@outrider/domain/device/ports';
import { type Journal, runningSoftware } from '@outrider/domain/device/state';
import { assertNever, present } from '@outrider/domain/kernel/assert';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { DeviceFacts } from '@outrider/domain/policy/audience-facts';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { parseCharter, parseWaveOpening } from '@outrider/protocol/policy/charter';
import { parseManifest } from '@outrider/protocol/release/manifest';
import type { AgentIdentity, AgentPorts } from './compose.ts';
import { download, install } from './transfer.ts';

/** What an effect needs beside itself. */
export interface EffectContext {
  readonly ports: AgentPorts;
  readonly facts: WakeFacts;
  readonly journal: Journal;
  readonly boot: BootState;
}

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
      return { event: await checkIn(effect, context), sent: 1 };
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

async function checkIn(
  { checkIn }: Extract<Effect, { kind: 'check-in' }>,
  { ports, facts, journal, boot }: EffectContext,
): Promise<DeviceEvent> {
  const answer = await ports.network.checkIn(checkIn);
  if (!answer.ok) return { kind: 'unanswered', error: answer.error };
  const { pollAfterMs } = answer.value;
  if (answer.value.kind === 'refusal') return { kind: 'refused', code: answer.value.code, pollAfterMs };
  const plan = checkOffer(answer.value, {
    anchors: ports.anchors,
    verifier: ports.verifier,
    parse: parseManifest,
    deviceType: ports.identity.deviceType,
    hardwareId: ports.identity.hardwareId,
    running: runningSoftware(boot),
    revertedCounters: journal.revertedCounters,
    charter: {
      ...{ digestText, parseCharter, parseOpening: parseWaveOpening },
      facts: factsOf(ports.identity, runningSoftware(boot).version),
      now: laterOf(facts.now, floorOf(journal)),
    },
  });
  if (!plan.ok) {
    const { rolloutId, releaseId } = answer.value;
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
  const permit = checkPermit(answer.value.permit, {
    anchors: ports.anchors,
    verifier: ports.verifier,
    parse: parsePermitDocument,
    deviceId: ports.identity.deviceId,
    plan: present(journal.update, 'an update behind a permit request'),
    askedAt: facts.now,
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

async function sendReport(
  { report }: Extract<Effect, { kind: 'send-report' }>,
  { ports }: EffectContext,
): Promise<DeviceEvent> {
  const answer = await ports.network.sendReport(report);
  if (answer.ok) return { kind: 'report-acknowledged', sequence: report.sequence };
  return { kind: 'report-unsent', error: answer.error };
}
