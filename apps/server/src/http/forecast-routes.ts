// SPDX-License-Identifier: Apache-2.0
import type { TrafficPrice } from '@outrider/domain/decision/forecast/traffic';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { err } from '@outrider/domain/kernel/result';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseRolloutPlan } from '@outrider/protocol/policy/rollout-plan';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { refuse } from '../errors.ts';
import { faultOfAudience } from '../trust/reaching.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { IdText, idOf } from './parameters.ts';

/** What a gigabyte costs, in whatever currency the operator pays; then each region where it differs: `0.05,eu=0.02`. */
const AMOUNT = '[0-9]{1,6}(\\.[0-9]{1,6})?';
const PriceText = Type.String({ pattern: `^${AMOUNT}(,[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}=${AMOUNT}){0,100}$` });
const CurrencyText = Type.String({ pattern: '^[A-Z]{3}$' });

const PRICE_FIELDS = { pricePerGigabyte: Type.Optional(PriceText), currency: Type.Optional(CurrencyText) };

const ANSWER = '{forecast: Forecast, baseRates: BaseRateProposal[], findings: PlanFinding[]}';

/** What a plan will do before it does anything. */
export function forecastRoutes({ forecasts }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'POST',
      path: '/rollouts/forecast',
      summary: 'Forecasts a plan that need not exist: devices, bytes, dates, harm, and what is missing',
      schemas: { body: Type.Object({ plan: Type.Unknown(), ...PRICE_FIELDS }, { additionalProperties: false }) },
      answers: ANSWER,
      async handle({ body, person }) {
        const plan = parseRolloutPlan(JSON.stringify(body.plan));
        if (!plan.ok) return refuse('body-malformed', describeParseError(plan.error));
        const fault = faultOfAudience(person, plan.value.audience);
        if (fault !== undefined) return err(fault);
        return forecasts.ofPlan(plan.value, priceOf(body));
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/forecast',
      summary: 'Forecasts the plan of a rollout on the fleet as it is now',
      schemas: { params: Type.Object({ rolloutId: IdText }), query: Type.Object(PRICE_FIELDS) },
      answers: ANSWER,
      handle: ({ params, query }) =>
        forecasts.ofRollout(idOf<RolloutId>('rollout id', params.rolloutId), priceOf(query)),
    }),
  ];
}

/** Prices come as text, in a query as in a body, so that both are written alike. */
function priceOf(fields: { readonly pricePerGigabyte?: string; readonly currency?: string }): TrafficPrice | undefined {
  if (fields.pricePerGigabyte === undefined) return undefined;
  const [everywhere, ...regions] = fields.pricePerGigabyte.split(',');
  const perGigabyteByRegion = Object.fromEntries(
    regions.map((one) => {
      const [region = '', amount] = one.split('=');
      return [region, Number(amount)] as const;
    }),
  );
  return { perGigabyte: Number(everywhere), perGigabyteByRegion, currency: fields.currency ?? 'EUR' };
}
