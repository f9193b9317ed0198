// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { CA_FOLDER, type CaFiles, loadCaFolder } from '@outrider/adapters/server/ca/ca-folder';
import { errorCode } from '@outrider/adapters/shared/files';
import { DAY_MS, type FleetInstant, fleetInstant, instantText } from '@outrider/domain/kernel/time';
import { type Finding, ok, warn, wrong } from './finding.ts';

/** Whether the certificates of devices and server can be given out and shown, and hold for long enough. */
export async function caCheck(secretsFolder: string, now: FleetInstant): Promise<Finding> {
  const folder = join(secretsFolder, CA_FOLDER);
  try {
    const loaded = await loadCaFolder({ folder });
    if (!loaded.ok) return wrong('ca', loaded.error.detail, RESTORE);
    if (loaded.value === undefined) return ok('ca', 'No CA: devices sign their requests until `outrider ca init`');
    return lifeOf(loaded.value, now);
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    return wrong('ca', `The folder ${folder} cannot be read (${errorCode(cause)})`, 'Run it as the user of the server');
  }
}

function lifeOf({ roots, issuing, server }: CaFiles, now: FleetInstant): Finding {
  // Former ones of the online CA are only led to: the first signs.
  const [root] = roots;
  const all = [
    { what: 'root', certificate: root, warnDays: ROOT_WARN_DAYS },
    { what: 'online CA for devices', certificate: issuing[0], warnDays: ISSUING_WARN_DAYS },
    { what: 'certificate of the server', certificate: server[0], warnDays: SERVER_WARN_DAYS },
  ].flatMap(({ certificate, ...rest }) => (certificate === undefined ? [] : [{ ...rest, certificate }]));
  const early = all.find(({ certificate }) => certificate.validFromDate.getTime() > now);
  if (early !== undefined) {
    const seen = `The ${early.what} begins at ${instantText(fleetInstant(early.certificate.validFromDate.getTime()))}`;
    return wrong('ca', seen, 'Set the clock of this machine right (docs/runbooks/clock.md)');
  }
  const rows = all.map((one) => ({ ...one, days: daysLeft(one.certificate, now) }));
  const [soonest] = rows.toSorted((a, b) => a.days - a.warnDays - (b.days - b.warnDays));
  const days = Math.min(...rows.map((one) => one.days));
  if (soonest === undefined || soonest.days > soonest.warnDays) {
    return ok('ca', `Root, online CA and certificate of the server hold for ${days} days at the least`);
  }
  const until = instantText(fleetInstant(soonest.certificate.validToDate.getTime()));
  if (soonest.days <= 0) return wrong('ca', `The ${soonest.what} has run out at ${until}`, RENEW);
  return warn('ca', `The ${soonest.what} runs out in ${soonest.days} days, at ${until}`, RENEW);
}

function daysLeft({ validToDate }: X509Certificate, now: FleetInstant): number {
  return Math.ceil((validToDate.getTime() - now) / DAY_MS);
}

const RENEW = 'Renew it with `outrider ca renew` and start the servers again (docs/runbooks/expired-ca.md)';
const RESTORE = 'Restore the folder `ca` from a backup, or make it anew (docs/runbooks/lost-ca-key.md)';

/** A ceremony needs the person with the key of the root, and people have holidays. */
const SERVER_WARN_DAYS = 30;
/** Certificates of devices hold a year: one that is given out must not outlive who signed it. */
const ISSUING_WARN_DAYS = 400;
/** Another root must reach every device that is away for a season. */
const ROOT_WARN_DAYS = 2 * 365;
