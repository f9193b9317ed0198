// SPDX-License-Identifier: Apache-2.0
import type { BaseMetric } from '@outrider/domain/decision/base-rates/history';
import { STATED_BASE_RATES } from '@outrider/domain/decision/base-rates/propose';
import { InvalidArgumentError } from 'commander';
import { cellAt, listAt } from '../answer.ts';
import type { ConnectionFlags } from '../connection.ts';
import { CommandFailure } from '../failure.ts';
import { PATHS, withQuery } from '../paths.ts';
import { ask } from '../server.ts';
import type { World } from '../world.ts';

/** The base rates that a plan declares, as shares. */
export type BaseRates = Readonly<Record<BaseMetric, number>>;

/**
 * The base rates of a new plan: what the flags say, else what the server proposes from the last good releases of the fleet.
 * A plan that is only printed may do without a server: it then has the stated rates of a first rollout.
 */
export async function baseRatesFor(
  world: World,
  flags: ConnectionFlags & { readonly baseRate?: Partial<BaseRates>; readonly printPlan?: true },
  deviceType: string,
): Promise<BaseRates> {
  const { revert, install } = flags.baseRate ?? {};
  if (revert !== undefined && install !== undefined) return { revert, install };
  const proposed = await proposalsFor(world, flags, deviceType);
  return { ...proposed, ...flags.baseRate };
}

/** For example `revert=0.05%` or `install=0.01`; repeat it for the other metric. */
export function repeatedBaseRate(value: string, before: Partial<BaseRates> | undefined): Partial<BaseRates> {
  const [, metric, number, percent] = /^(revert|install)=(\d+(?:\.\d+)?)(%?)$/.exec(value) ?? [];
  const rate = Number(number) / (percent === '%' ? 100 : 1);
  if (metric === undefined || !(rate > 0 && rate < 0.5)) {
    throw new InvalidArgumentError(
      'allowed is revert=<share> or install=<share>, for example revert=0.05% or install=0.01',
    );
  }
  return { ...before, [metric]: rate };
}

async function proposalsFor(
  world: World,
  flags: ConnectionFlags & { readonly printPlan?: true },
  deviceType: string,
): Promise<BaseRates> {
  try {
    const { value } = await ask(world, flags, withQuery(PATHS.baseRates, { deviceType }));
    const items = listAt(value, 'items');
    return { revert: rateOf(items, 'revert'), install: rateOf(items, 'install') };
  } catch (cause) {
    if (!(cause instanceof CommandFailure) || cause.exit !== 'unreachable' || flags.printPlan !== true) throw cause;
    world.log('No server was asked: the base rates are the stated ones of a first rollout');
    return STATED_BASE_RATES;
  }
}

function rateOf(items: readonly unknown[], metric: BaseMetric): number {
  const rate = cellAt(
    items.find((one) => cellAt(one, 'metric') === metric),
    'baseRate',
  );
  return typeof rate === 'number' ? rate : STATED_BASE_RATES[metric];
}
