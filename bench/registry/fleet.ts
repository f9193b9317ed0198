// SPDX-License-Identifier: Apache-2.0
import type { openDatabase } from '@outrider/adapters/server/postgres/pool';

/** A statement that fills tables, or walks them whole. */
export const FILL_MS = 600_000;

/** The fleet of so many devices in the registry, as old tables are: with statistics. */
export async function fillFleet(
  database: ReturnType<typeof openDatabase>,
  devices: number,
  log: (line: string) => void,
): Promise<void> {
  await database.query(MIXED);
  for (let first = 0; first < devices; first += FILL_DEVICES) {
    await database.query(FILL, [first, Math.min(devices, first + FILL_DEVICES) - 1], FILL_MS);
    log(`${Math.min(devices, first + FILL_DEVICES)} of ${devices} devices`);
  }
  await database.query('vacuum analyze device', [], FILL_MS);
  await database.query('vacuum analyze device_profile', [], FILL_MS);
}

/** Devices of one statement: the rows that triggers see stay in memory. */
export const FILL_DEVICES = 50_000;

/**
 * A fleet as it grows in life, number by number: batches of 500 come from one hardware lot to one customer in one of his
 * regions; software is spread over fourteen versions with a long tail; a tenth of all customers is cohort A. No random
 * numbers: the same fleet each time, on any machine. Parameters: first and last number.
 */
export const FILL = `
with numbered as (
  select n, n / 500 as lot, mixed('lot', n / 500) as of_lot, mixed('device', n) as of_device
  from generate_series($1::bigint, $2::bigint) n
), placed as (
  select *, (200 * power((of_lot % 1000) / 1000.0, 2))::integer as customer, of_device % 1000 as per_mille from numbered
)
insert into device (device_id, key_id, public_key, attributes, registered_at, sequence, last_contact_at, running, state)
select 'cam-' || lpad(n::text, 9, '0'), encode(sha256(int8send(n)), 'hex'), encode(sha256(int8send(-n)), 'base64'),
  jsonb_build_object(
    'deviceType', case when lot % 10 = 0 then 'gateway' else 'camera' end,
    'model', 'm' || of_lot / 1000 % 3,
    'hardwareId', 'rev-' || chr(97 + (lot / 400 % 4)::integer),
    'region', 'r' || (customer + of_lot / 10000 % 2) % 12,
    'customer', 'customer-' || customer,
    'carrier', 'carrier-' || customer % 5,
    'tags', to_jsonb(array_remove(array[
      'cohort:' || chr(65 + customer % 10), case when per_mille = 7 then 'dogfood' end], null))
  ),
  1790000000000, 40, 1800000000000 - case when per_mille < 5 then per_mille * 2 * 86400000 else of_device % 43200000 end,
  jsonb_build_object(
    'version', case
      when per_mille < 620 then '2.1.0' when per_mille < 800 then '2.0.3' when per_mille < 880 then '2.0.0'
      when per_mille < 930 then '1.10.2' when per_mille < 960 then '1.9.0' when per_mille < 980 then '1.9.0-rc.2'
      else '1.' || per_mille % 8 || '.0' end,
    'releaseCounter', 1 + per_mille / 100,
    'components', jsonb_build_array(jsonb_build_object('name', 'main', 'digest', encode(sha256(int8send(per_mille)), 'hex')))
  ),
  case when of_device / 1000 % 1000 < 970 then 'idle' when of_device / 1000 % 1000 < 990 then 'deferred' else 'failed' end
from placed`;

/** A whole number of zero or more that looks drawn. */
export const MIXED = `
create function mixed(name text, n bigint) returns bigint language sql immutable as $$
  select (('x' || left(encode(sha256(convert_to(name || n, 'UTF8')), 'hex'), 15))::bit(60)::bigint)
$$`;

/** What somebody without our tables would ask: the same question to the documents of the devices themselves. */
export const PEER_CONDITION = `
attributes -> 'tags' ? 'cohort:A'
and string_to_array(split_part(split_part(running ->> 'version', '+', 1), '-', 1), '.')::bigint[] < '{2,0,0}'::bigint[]`;
