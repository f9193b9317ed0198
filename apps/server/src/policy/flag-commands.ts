// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { decideChange } from '@outrider/domain/policy/decide-change';
import type { PolicyChange, PolicyEntry, Scope } from '@outrider/domain/policy/log';
import { type CommandError, refuse } from '../errors.ts';
import type { ChangeContext, PolicyReceipt } from './policy-commands.ts';
import { policyProblem } from './policy-problem.ts';
import type { SnapshotHolder } from './snapshot-holder.ts';

export interface FlagRequest extends ChangeContext {
  readonly rolloutId: RolloutId;
  readonly severity: 'note' | 'safety';
  readonly reason: string;
  /** The device whose driver has told it. Absent: the operator speaks. */
  readonly deviceId?: DeviceId;
  /** An operator speaks of this region alone. */
  readonly region?: string;
}

type Receipt = Promise<Result<PolicyReceipt, CommandError>>;

export interface FlagCommands {
  /**
   * Records what a person says against the rollout, and pauses it where that is the order of the plan. A safety flag about a
   * region pauses the region first, for every rollout, and is recorded then: nothing in between is exposed.
   */
  flag(request: FlagRequest): Receipt;
}

export function flagCommands(options: {
  readonly store: ServerStore;
  readonly holder: SnapshotHolder;
  readonly append: (change: PolicyChange, context: ChangeContext) => Promise<Result<PolicyEntry, CommandError>>;
  readonly receiptOf: (
    entry: PolicyEntry,
    about: { readonly rolloutId: RolloutId; readonly openIn?: Scope | `rollout:${string}` },
  ) => Promise<PolicyReceipt>;
}): FlagCommands {
  const { store, holder, append, receiptOf } = options;

  async function record(said: Flagged, context: ChangeContext, openIn: Scope | `rollout:${string}`): Receipt {
    const entry = await append(said, context);
    return entry.ok ? ok(await receiptOf(entry.value, { rolloutId: said.rolloutId, openIn })) : entry;
  }

  /** Whether the device was permitted to install; undefined: it has no row. */
  async function isTreatedIn(rolloutId: RolloutId, deviceId: DeviceId): Promise<boolean | undefined> {
    const [known] = await store.registry.loadDevices([deviceId]);
    const rows = known?.ledger.filter((row) => row.rolloutId === rolloutId && row.kind === 'enrolment') ?? [];
    return rows.length === 0 ? undefined : rows.some((row) => row.arm === 'treated');
  }

  async function pauseRegion(said: Flagged & { readonly region: string }, context: ChangeContext) {
    await holder.refresh();
    const decided = decideChange(holder.policy(), said);
    if (!decided.ok) return err(policyProblem(decided.error));
    const scope = `region:${said.region}` as const;
    if (said.severity === 'note' || holder.policy().pausedScopes.some((one) => one.scope === scope)) return ok(context);
    const reason = `Flagged in ${said.rolloutId}: ${said.reason}`.slice(0, REASON_CHARACTERS_MAX);
    const paused = await append({ kind: 'scope-paused', scope, reason }, context);
    // What follows is seen from the pause on, which this very command has made.
    return paused.ok ? ok<ChangeContext>({ author: context.author }) : paused;
  }

  return {
    async flag({ rolloutId, severity, reason, deviceId, region, ...context }) {
      const said = { kind: 'rollout-flagged', rolloutId, severity, reason } as const;
      if (region !== undefined && deviceId !== undefined) {
        const detail = `The flag names the device ${deviceId} and the region ${region}; a driver speaks for the device alone, so leave one out`;
        return refuse('body-malformed', detail, { deviceId, region });
      }
      if (region !== undefined) {
        const paused = await pauseRegion({ ...said, region }, context);
        return paused.ok ? record({ ...said, region }, paused.value, `region:${region}`) : paused;
      }
      if (deviceId === undefined) return record(said, context, `rollout:${rolloutId}`);
      const isTreated = await isTreatedIn(rolloutId, deviceId);
      if (isTreated === undefined) {
        const detail = `The device ${deviceId} has no row in the ledger of ${rolloutId}, so its driver saw nothing of it; check its id, or flag it as an operator`;
        return refuse('device-not-found', detail, { deviceId });
      }
      return record({ ...said, deviceId, isTreated }, context, `rollout:${rolloutId}`);
    },
  };
}

type Flagged = Extract<PolicyChange, { readonly kind: 'rollout-flagged' }>;

/** As the policy log takes it. */
const REASON_CHARACTERS_MAX = 1_000;
