// SPDX-License-Identifier: Apache-2.0
import { randomSecret } from '@outrider/adapters/shared/random';
import type { InstallationSettings } from '@outrider/domain/decision/server-store';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import { describeQueryError } from '@outrider/domain/gateway/query';
import { parseQuery } from '@outrider/domain/gateway/query-parse';
import { assert } from '@outrider/domain/kernel/assert';
import type { FleetClock, MachineClock } from '@outrider/domain/kernel/clock';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { durationMs, elapsedMs, type FleetInstant, type MachineInstant } from '@outrider/domain/kernel/time';
import type { DigestText } from '@outrider/domain/trust/ports';
import { encodeGateways, parseGateways } from '@outrider/protocol/gateway/ddi/gateways';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { type CommandError, refuse } from '../../errors.ts';
import { changedBy } from '../../trust/changed-by.ts';

/** A token by which one gateway speaks for the devices of its scope. */
export interface DdiGateway {
  readonly name: string;
  readonly tokenDigest: Sha256;
  /** The devices, as a query of the registry. */
  readonly where: string;
  readonly createdAt: FleetInstant;
}

export interface DdiGateways {
  /** The gateway that has this token; revoked ones are gone within `REREAD_MS` on every server. */
  find(tokenDigest: Sha256): Promise<(DdiGateway & { readonly query: DeviceQuery }) | undefined>;
  list(): Promise<readonly DdiGateway[]>;
  /** Its token is told here and kept as a digest. Codes: query-invalid, ddi-gateway-exists, ddi-gateways-too-many. */
  add(
    gateway: Pick<DdiGateway, 'name' | 'where'>,
    author: string,
  ): Promise<Result<{ readonly token: string }, CommandError>>;
  /** Code: ddi-gateway-unknown. */
  remove(name: string, author: string): Promise<Result<DdiGateway, CommandError>>;
}

const SETTING = 'ddi-gateways';

/** Gateways of one installation: each is a machine that somebody looks after. */
export const GATEWAYS_MAX = 256;

/** What another server has changed is seen after this long. */
const REREAD_MS = durationMs(5_000);

export function ddiGateways(options: {
  readonly installation: InstallationSettings;
  readonly fleetClock: FleetClock;
  readonly machineClock: MachineClock;
  readonly digestText: DigestText;
}): DdiGateways {
  const { installation, fleetClock, machineClock, digestText } = options;
  let lastChange: Promise<unknown> = Promise.resolve();
  let held: { readonly gateways: readonly DdiGateway[]; readonly readAt: MachineInstant } | undefined;

  async function read(): Promise<readonly DdiGateway[]> {
    const readAt = machineClock.now();
    const text = await installation.loadSetting(SETTING);
    const parsed = parseGateways(text ?? '[]');
    assert(parsed.ok, `the gateways in their own format: ${parsed.ok ? '' : describeParseError(parsed.error)}`);
    held = { gateways: parsed.value, readAt };
    return parsed.value;
  }

  async function current(): Promise<readonly DdiGateway[]> {
    if (held !== undefined && elapsedMs(held.readAt, machineClock.now()) < REREAD_MS) return held.gateways;
    return await read();
  }

  async function store(gateways: readonly DdiGateway[], change: { subject: string; detail: string; author: string }) {
    const { author, ...said } = change;
    const note = { ...changedBy(author), at: fleetClock.now(), action: 'ddi-gateways-changed', ...said } as const;
    await installation.changeSetting(SETTING, encodeGateways(gateways), note);
    held = undefined;
  }

  async function add(
    gateway: Pick<DdiGateway, 'name' | 'where'>,
    author: string,
  ): Promise<Result<{ readonly token: string }, CommandError>> {
    const query = parseQuery(gateway.where);
    if (!query.ok) return refuse('query-invalid', describeQueryError(query.error), { column: query.error.column });
    const gateways = await read();
    if (gateways.some((one) => one.name === gateway.name)) {
      return refuse('ddi-gateway-exists', `There is a gateway ${gateway.name} already; remove it first`);
    }
    if (gateways.length >= GATEWAYS_MAX) {
      const detail = `There are ${gateways.length} gateways, the most there may be; remove those that are gone`;
      return refuse('ddi-gateways-too-many', detail);
    }
    const token = randomSecret();
    const added = { ...gateway, tokenDigest: digestText(token), createdAt: fleetClock.now() };
    const detail = `added, for devices where ${gateway.where}`;
    await store([...gateways, added], { subject: gateway.name, detail, author });
    return ok({ token });
  }

  async function remove(name: string, author: string): Promise<Result<DdiGateway, CommandError>> {
    const gateways = await read();
    const gone = gateways.find((one) => one.name === name);
    if (gone === undefined) return refuse('ddi-gateway-unknown', `There is no gateway ${name}; list them first`);
    await store(
      gateways.filter((one) => one.name !== name),
      { subject: name, detail: 'removed', author },
    );
    return ok(gone);
  }

  /** One change after another: each is made of what it has read. */
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const changed = lastChange.then(change);
    lastChange = changed.catch(() => undefined);
    return changed;
  }

  return {
    async find(tokenDigest) {
      const gateway = (await current()).find((one) => one.tokenDigest === tokenDigest);
      const query = gateway === undefined ? undefined : parseQuery(gateway.where);
      return gateway === undefined || !query?.ok ? undefined : { ...gateway, query: query.value };
    },
    list: read,
    add: (gateway, author) => inTurn(() => add(gateway, author)),
    remove: (name, author) => inTurn(() => remove(name, author)),
  };
}
