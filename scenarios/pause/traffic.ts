// SPDX-License-Identifier: Apache-2.0
import { delay } from '@outrider/adapters/shared/delay';
import { present } from '@outrider/domain/kernel/assert';
import { below, type Prng } from '@outrider/domain/kernel/prng';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import type { ProofDevice, ProofRollout } from '@outrider/simulator/compose';

/** What a device was told, and when it asked and heard, by the wall clock of this process in milliseconds. */
export interface Told {
  readonly rolloutId: string;
  readonly region: string;
  readonly gateway: number;
  readonly askedAt: number;
  readonly heardAt: number;
  readonly what: 'offer' | 'permit' | 'refusal' | 'not-yet' | 'nothing';
  /** Of a permit. */
  readonly permitId?: string;
  /** Of a permit that names another device than the one that asked. */
  readonly isAnothers?: boolean;
  /** Why not, for refusals. */
  readonly code?: string;
}

/** The machine's wall clock with the fractions of the monotonic one. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** One device after the other asks one gateway, until it is over. */
export async function askOn(options: {
  readonly rollout: ProofRollout;
  readonly region: string;
  readonly gateway: number;
  readonly source: Prng;
  /** Hands out devices that have not asked yet. */
  readonly nextFresh: () => ProofDevice | undefined;
  readonly isOver: () => boolean;
  readonly tell: (told: Told) => void;
}): Promise<void> {
  const { rollout, region, gateway, source, nextFresh, isOver, tell } = options;
  const own: ProofDevice[] = [];
  while (!isOver()) {
    await delay(below(source, 2 * PAUSE_MEAN_MS));
    const draw = below(source, 10);
    const fresh = draw < 3 ? nextFresh() : undefined;
    if (fresh !== undefined) own.push(fresh);
    const device = fresh ?? own[below(source, Math.max(1, own.length))] ?? present(rollout.devices[0], 'a device');
    const about = { rolloutId: rollout.rolloutId, region, gateway, askedAt: nowMs() };
    tell({
      ...about,
      ...(draw < 6 ? await permitOf(device, gateway) : await offerOf(device, gateway)),
      heardAt: nowMs(),
    });
  }
}

const PAUSE_MEAN_MS = 400;

async function permitOf(
  device: ProofDevice,
  gateway: number,
): Promise<Pick<Told, 'what' | 'permitId' | 'isAnothers' | 'code'>> {
  const answer = await device.askPermit(gateway);
  if (!answer.ok) return { what: 'nothing', code: answer.error.code };
  if (answer.value.kind === 'not-yet') return { what: 'not-yet', code: answer.value.code };
  const permit = parsePermitDocument(answer.value.permit.payload);
  if (!permit.ok) return { what: 'permit' };
  const { permitId, deviceId } = permit.value;
  return { what: 'permit', permitId, isAnothers: deviceId !== device.deviceId };
}

async function offerOf(device: ProofDevice, gateway: number): Promise<Pick<Told, 'what' | 'code'>> {
  const answer = await device.checkIn(gateway);
  if (!answer.ok) return { what: 'nothing', code: answer.error.code };
  return answer.value.kind === 'offer' ? { what: 'offer' } : { what: 'refusal', code: answer.value.code };
}
