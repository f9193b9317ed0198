// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, Revision, RolloutId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { fleetInstant } from '@outrider/domain/kernel/time';
import type { Envelope } from '@outrider/domain/trust/envelope';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseSignedCharter } from '@outrider/protocol/policy/charter';
import { OVERRULES_MAX } from '@outrider/protocol/policy/policy-change';
import { parseRolloutPlan } from '@outrider/protocol/policy/rollout-plan';
import { parseEnvelope } from '@outrider/protocol/trust/envelope';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { type CommandError, refuse } from '../errors.ts';
import type { OverruleRequest } from '../policy/plan-lint.ts';
import type { ChangeContext } from '../policy/policy-commands.ts';
import { faultOfAudience, isRolloutWithin } from '../trust/reaching.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { authorOf, roleMissing } from './authorize.ts';
import { CHANGE_FIELDS, CountText, countOf, IdText, idOf, limitOf, ReasonText } from './parameters.ts';
import { EVENT_ACCESS, isOpenTo, type PeoplesEvent } from './route-access.ts';

const RolloutParams = Type.Object({ rolloutId: IdText });

/** Findings about the plan that are overruled, each with the reason; without a field, wherever the finding was made. */
const Overrules = Type.Optional(
  Type.Array(
    Type.Object(
      { finding: IdText, field: Type.Optional(IdText), because: ReasonText },
      { additionalProperties: false },
    ),
    { maxItems: OVERRULES_MAX },
  ),
);

const ApprovedBody = Type.Object({ approval: Type.Unknown(), ...CHANGE_FIELDS }, { additionalProperties: false });

const PositionPage = Type.Object({ after: Type.Optional(CountText), limit: Type.Optional(CountText) });

/** What people may do to a rollout; `rolled-back` and `complete` are the rule's to say. */
const EventText = Type.Union((Object.keys(EVENT_ACCESS) as PeoplesEvent[]).map((event) => Type.Literal(event)));

const RECEIPT = 'PolicyReceipt {revision, at, rollout {rolloutId, state, epoch}, openPermits for what stops something}';

/** Rollouts, their decisions and their ledgers. */
export function rolloutRoutes({ policy, queries }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'POST',
      path: '/rollouts',
      summary: 'Creates a rollout from its plan, as a draft',
      schemas: {
        body: Type.Object(
          { plan: Type.Unknown(), overrules: Overrules, ...CHANGE_FIELDS },
          { additionalProperties: false },
        ),
      },
      status: 201,
      answers: RECEIPT,
      async handle({ body, person }) {
        const plan = parseRolloutPlan(JSON.stringify(body.plan));
        if (!plan.ok) return refuse('body-malformed', describeParseError(plan.error));
        const fault = faultOfAudience(person, plan.value.audience);
        if (fault !== undefined) return err(fault);
        return policy.createRollout({ plan: plan.value, ...overrulesOf(body), ...contextOf(body) });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/rollouts/:rolloutId/events',
      summary: 'Approves, starts, pauses, resumes, halts, cancels or rolls back a rollout',
      schemas: {
        params: RolloutParams,
        body: Type.Object(
          {
            event: EventText,
            reason: ReasonText,
            isIncludingRollback: Type.Optional(Type.Boolean()),
            overrules: Overrules,
            ...CHANGE_FIELDS,
          },
          { additionalProperties: false },
        ),
      },
      answers: RECEIPT,
      async handle({ params, body, person }) {
        if (!isOpenTo(EVENT_ACCESS[body.event], person.roles)) {
          return err(roleMissing(person, `The event ${body.event}`, EVENT_ACCESS[body.event]));
        }
        return policy.changeRollout({
          rolloutId: rolloutIdOf(params),
          event: body.event,
          reason: body.reason,
          ...(body.isIncludingRollback === undefined ? {} : { isIncludingRollback: body.isIncludingRollback }),
          ...overrulesOf(body),
          ...contextOf(body),
        });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/rollouts/:rolloutId/limit',
      summary: 'Sets a ceiling of treated devices below the one of the rule, or lifts it (null)',
      schemas: {
        params: RolloutParams,
        body: Type.Object(
          {
            devices: Type.Union([Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Type.Null()]),
            reason: ReasonText,
            ...CHANGE_FIELDS,
          },
          { additionalProperties: false },
        ),
      },
      answers: RECEIPT,
      handle: ({ params, body }) =>
        policy.limitRollout({
          rolloutId: rolloutIdOf(params),
          ...(body.devices === null ? {} : { devices: body.devices }),
          reason: body.reason,
          ...contextOf(body),
        }),
    }),
    apiRoute({
      method: 'POST',
      path: '/rollouts/:rolloutId/complete',
      summary: 'Releases all devices by the signatures of approvers',
      schemas: {
        params: RolloutParams,
        body: ApprovedBody,
      },
      answers: RECEIPT,
      async handle({ params, body }) {
        const approval = approvalOf(body);
        return approval.ok
          ? policy.completeRollout({ rolloutId: rolloutIdOf(params), approval: approval.value, ...contextOf(body) })
          : approval;
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/rollouts/:rolloutId/flags',
      summary: 'Records what an operator, or the driver of a device, says against a rollout; it may pause by that',
      schemas: {
        params: RolloutParams,
        body: Type.Object(
          {
            severity: Type.Union([Type.Literal('note'), Type.Literal('safety')]),
            reason: ReasonText,
            deviceId: Type.Optional(IdText),
            region: Type.Optional(IdText),
            ...CHANGE_FIELDS,
          },
          { additionalProperties: false },
        ),
      },
      answers: RECEIPT,
      handle: ({ params, body }) =>
        policy.flag({
          rolloutId: rolloutIdOf(params),
          severity: body.severity,
          reason: body.reason,
          ...(body.deviceId === undefined ? {} : { deviceId: idOf<DeviceId>('device id', body.deviceId) }),
          ...(body.region === undefined ? {} : { region: body.region }),
          ...contextOf(body),
        }),
    }),
    apiRoute({
      method: 'POST',
      path: '/rollouts/:rolloutId/regions',
      summary: 'Halts one region of a rollout, or takes the release back there; the others go on',
      schemas: {
        params: RolloutParams,
        body: Type.Object(
          { region: IdText, reason: ReasonText, isRollingBack: Type.Optional(Type.Boolean()), ...CHANGE_FIELDS },
          { additionalProperties: false },
        ),
      },
      answers: RECEIPT,
      handle: ({ params, body }) =>
        policy.haltRegion({
          rolloutId: rolloutIdOf(params),
          region: body.region,
          reason: body.reason,
          isRollingBack: body.isRollingBack ?? false,
          ...contextOf(body),
        }),
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/resume',
      summary:
        'Says what two approvers have to sign for a halted rollout to go on, and whether its evidence would halt it again',
      schemas: { params: RolloutParams },
      answers:
        'ResumeDraft {rolloutId, releaseId, epoch, revision, evidenceSha256, now, asOf, expiresAtMax, haltedSegments, haltedRegions, excludedDevices, stillHalts?}',
      handle: ({ params }) => policy.draftResume(rolloutIdOf(params)),
    }),
    apiRoute({
      method: 'POST',
      path: '/rollouts/:rolloutId/resume',
      summary: 'Lets a halted rollout go on by the signatures of two approvers',
      schemas: {
        params: RolloutParams,
        body: ApprovedBody,
      },
      answers: RECEIPT,
      async handle({ params, body }) {
        const approval = approvalOf(body);
        return approval.ok
          ? policy.resumeHalted({ rolloutId: rolloutIdOf(params), approval: approval.value, ...contextOf(body) })
          : approval;
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/charter',
      summary: 'Draws up what approvers have to sign for a rollout, or shows what they have signed',
      schemas: { params: RolloutParams },
      answers: 'CharterView {draft?: CharterDocument, inForce?: SignedCharter, sha256?}',
      handle: ({ params }) => policy.showCharter(rolloutIdOf(params)),
    }),
    apiRoute({
      method: 'POST',
      path: '/rollouts/:rolloutId/charter',
      summary: 'Puts in force what approvers have signed; a draft is approved by that, later waves are opened by that',
      schemas: {
        params: RolloutParams,
        body: Type.Object(
          { charter: Type.Unknown(), reason: ReasonText, overrules: Overrules, ...CHANGE_FIELDS },
          { additionalProperties: false },
        ),
      },
      answers: RECEIPT,
      async handle({ params, body }) {
        const charter = parseSignedCharter(JSON.stringify(body.charter));
        if (!charter.ok) return refuse('body-malformed', describeParseError(charter.error));
        const { reason } = body;
        const rolloutId = rolloutIdOf(params);
        return policy.submitCharter({
          ...{ rolloutId, charter: charter.value, reason },
          ...overrulesOf(body),
          ...contextOf(body),
        });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/base-rates',
      summary: 'Proposes the base rates that the next plan for a device type should declare',
      schemas: { query: Type.Object({ deviceType: IdText }) },
      answers: '{items: BaseRateProposal {metric, baseRate, source, worst?, releases}[]}',
      handle: async ({ query }) => ok({ items: await queries.proposeBaseRates(query.deviceType) }),
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts',
      summary: 'Lists all rollouts with their exposures',
      schemas: {},
      answers: '{items: {rollout: Rollout, exposure?: Exposure}[]}',
      async handle({ person }) {
        const all = await queries.listRollouts();
        return ok({ items: all.filter((one) => isRolloutWithin(one.rollout, person.reach)) });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId',
      summary: 'Shows a rollout with exposure, evidence, the latest decision, and what it has shown so far',
      schemas: { params: RolloutParams },
      answers:
        '{rollout: Rollout, exposure?: Exposure, evidence?: Evidence, decision?: Decision, shown?: ShownRate[], baseDrift?: Drift[]}',
      handle: ({ params }) => queries.showRollout(rolloutIdOf(params)),
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/decisions',
      summary: 'Lists decisions with all their inputs, oldest first; after: fleet instant in milliseconds',
      schemas: { params: RolloutParams, query: PositionPage },
      answers: '{items: {input: DecisionInput, decision: Decision}[]}',
      async handle({ params, query }) {
        const afterAt = query.after === undefined ? {} : { afterAt: fleetInstant(countOf(query.after, 0)) };
        const page = { ...afterAt, limit: limitOf(query.limit) };
        return ok({ items: await queries.listDecisions(rolloutIdOf(params), page) });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/history',
      summary: 'Shows exposure and evidence over time as curves of at most 500 points, oldest first',
      schemas: { params: RolloutParams },
      answers: '{items: DecisionPoint {at, kind, waveIndex, pi, cap, granted, figures}[]}',
      async handle({ params }) {
        return ok({ items: await queries.listHistory(rolloutIdOf(params)) });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/ledger',
      summary: 'Lists the rows of the permit ledger with what was heard since; after: position',
      schemas: { params: RolloutParams, query: PositionPage },
      answers: '{items: LedgerOutcome[]}',
      async handle({ params, query }) {
        const page = { afterPosition: countOf(query.after, 0), limit: limitOf(query.limit) };
        return ok({ items: await queries.listLedger(rolloutIdOf(params), page) });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/reports',
      summary: 'Lists the reports about a rollout; after: position',
      schemas: { params: RolloutParams, query: PositionPage },
      answers: '{items: (StoredReport & {position})[]}',
      async handle({ params, query }) {
        const page = { afterPosition: countOf(query.after, 0), limit: limitOf(query.limit) };
        return ok({ items: await queries.listReports(rolloutIdOf(params), page) });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/open-permits',
      summary: 'Lists devices that hold an unexpired permit and have not told how it ended',
      schemas: { params: RolloutParams },
      answers: '{items: OpenPermit[]}',
      handle: async ({ params }) => ok({ items: await queries.listOpenPermits(`rollout:${params.rolloutId}`) }),
    }),
  ];
}

function rolloutIdOf(params: { readonly rolloutId: string }): RolloutId {
  return idOf<RolloutId>('rollout id', params.rolloutId);
}

/** The envelope that approvers have signed; who they are is the command's to say. Code: body-malformed. */
function approvalOf(body: { readonly approval: unknown }): Result<Envelope, CommandError> {
  const approval = parseEnvelope(JSON.stringify(body.approval));
  return approval.ok ? approval : refuse('body-malformed', describeParseError(approval.error));
}

function overrulesOf({ overrules }: { readonly overrules?: readonly OverruleRequest[] }): {
  readonly overrules?: readonly OverruleRequest[];
} {
  return overrules === undefined ? {} : { overrules };
}

/** Who makes a change, and from which revision. */
export function contextOf(body: { readonly author?: string; readonly expectedRevision?: number }): ChangeContext {
  const { expectedRevision } = body;
  const author = authorOf(body.author);
  // The schema has checked that it is a whole number: this is its constructor.
  return { author, ...(expectedRevision === undefined ? {} : { expectedRevision: expectedRevision as Revision }) };
}
