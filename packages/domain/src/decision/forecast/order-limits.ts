// SPDX-License-Identifier: Apache-2.0
import { instantText } from '../../kernel/time.ts';
import { DRIVER_FLAGS_TO_PAUSE_DEFAULT, flagCountOf } from '../../policy/flags.ts';
import { describeFreezeTimes } from '../../policy/freeze.ts';
import type { RolloutState } from '../../policy/rollout.ts';
import type { CountedFleet, OrderedDevices } from './counted-fleet.ts';
import type { ForecastOrders, OrderCode } from './orders.ts';

/** An order of people that limits what a plan can do. Codes never change. */
export interface OrderLimit {
  readonly code: OrderLimitCode;
  /** What people call it: a freeze, a region, a wave, a scope. */
  readonly name: string;
  /** Eligible devices that it concerns; absent: it concerns the rollout as a whole. */
  readonly devices?: number;
  /** What it does, until when, and what the forecast makes of it. */
  readonly detail: string;
}

/** The closed union of what people can have ordered. */
export type OrderLimitCode =
  | OrderCode
  | 'operator-ceiling'
  | 'charter-ceiling'
  | 'charter-expires'
  | 'charter-refused'
  | 'wave-unsigned'
  | 'rollout-stopped'
  | 'flagged'
  | 'below-security-floor'
  | 'below-migration-floor'
  | 'way-back-barred';

/** Every order that limits this plan: those that concern devices first, those about the whole rollout after them. */
export function orderLimits(orders: ForecastOrders, fleet: CountedFleet): readonly OrderLimit[] {
  const waves = orders.charter?.kind === 'valid' ? orders.charter.charter.document.waves.map((one) => one.name) : [];
  const rankOf = ({ code, name }: OrderedDevices): number => (code === 'charter-wave-early' ? waves.indexOf(name) : -1);
  const ordered = [...fleet.ordered].sort((one, other) => rankOf(one) - rankOf(other));
  return [...ordered.map((one) => ofDevices(orders, one)), ...ofRollout(orders), ...ofCharter(orders)];
}

function ofDevices(orders: ForecastOrders, { code, name, devices, out }: OrderedDevices): OrderLimit {
  // Who gets nothing at all is in nobody's way: a freeze, for one, is told for the others.
  const isOut =
    code === 'excluded' || code === 'segment-halted' || code === 'region-halted' || code === 'outside-charter';
  return { code, name, devices: isOut ? devices : devices - out, detail: detailOf(orders, code, name) };
}

function detailOf(orders: ForecastOrders, code: OrderCode, name: string): string {
  switch (code) {
    case 'excluded': {
      const one = orders.standing.exclusions.find((exclusion) => exclusion.exclusionId === name);
      const { expiresAt } = one ?? {};
      const until = expiresAt === undefined ? 'until it is lifted: not in the set' : `until ${instantText(expiresAt)}`;
      return `Nothing ${until}; ${one?.reason ?? ''}`;
    }
    case 'frozen': {
      const one = orders.standing.freezes.find((freeze) => freeze.freezeId === name);
      const times = one === undefined ? '' : describeFreezeTimes(one.times);
      return `No permit ${times}; ${one?.reason ?? ''}`;
    }
    case 'segment-halted':
    case 'region-halted':
      return 'Nothing more of this release: not in the set';
    case 'outside-charter':
      return 'No wave of the charter reaches them: not in the set';
    case 'charter-wave-early':
      return `The charter opens the wave at ${noteOf(orders, name)}`;
    case 'scope-paused':
      return 'Nothing while it is paused; the dates are as if it were resumed now';
  }
}

function noteOf({ charter }: ForecastOrders, wave: string): string {
  const found = charter?.kind === 'valid' ? charter.charter.document.waves.find((one) => one.name === wave) : undefined;
  return found === undefined ? 'a later instant' : instantText(found.notBefore);
}

function ofRollout({ rollout }: ForecastOrders): readonly OrderLimit[] {
  if (rollout === undefined) return [];
  const limits: OrderLimit[] = [];
  const { limitDevices, state, reason, plan } = rollout;
  if (limitDevices !== undefined) {
    const detail = `No permit beyond ${limitDevices} treated devices, and it does not complete, until the limit is lifted`;
    limits.push({ code: 'operator-ceiling', name: plan.rolloutId, detail });
  }
  if (GIVES_NOTHING[state]) {
    const detail = `It is ${state} (${reason}); the dates are as if it went on now`;
    limits.push({ code: 'rollout-stopped', name: plan.rolloutId, detail });
  }
  const flags = flagCountOf(rollout);
  if (flags !== undefined) {
    const needed = plan.driverFlagsToPause ?? DRIVER_FLAGS_TO_PAUSE_DEFAULT;
    const detail =
      `${flags.operators} flags of operators, ${flags.drivers} of drivers of treated devices; the rollout pauses at ` +
      `${needed} drivers, and no forecast knows who will speak up`;
    limits.push({ code: 'flagged', name: plan.rolloutId, detail });
  }
  return limits;
}

const GIVES_NOTHING: Readonly<Record<RolloutState, boolean>> = {
  draft: false,
  approved: false,
  running: false,
  completed: false,
  paused: true,
  halted: true,
  'rolling-back': true,
  'rolled-back': true,
  cancelled: true,
};

function ofCharter({ charter }: ForecastOrders): readonly OrderLimit[] {
  if (charter === undefined) return [];
  if (charter.kind === 'refused') {
    const detail = `${charter.error.detail}; the dates are as if the charter were good now`;
    return [{ code: 'charter-refused', name: charter.error.code, detail }];
  }
  const { document, isSigned } = charter.charter;
  const ofWaves = document.waves.flatMap(({ name, devicesMax }, index): readonly OrderLimit[] => [
    ...(devicesMax === undefined
      ? []
      : [{ code: 'charter-ceiling' as const, name, detail: `No permit beyond ${devicesMax} devices in this wave` }]),
    ...(isSigned[index] === true
      ? []
      : [{ code: 'wave-unsigned' as const, name, detail: 'It waits for a signature of its own; counted as signed' }]),
  ]);
  const { rolloutId } = document.plan;
  const detail = `No permit after ${instantText(document.expiresAt)}`;
  return [...ofWaves, { code: 'charter-expires', name: rolloutId, detail }];
}
