// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { CA_FOLDER, type CaFiles, loadCaFolder } from '@outrider/adapters/server/ca/ca-folder';
import { openDeviceCa } from '@outrider/adapters/server/ca/device-ca';
import { openFactoryCas } from '@outrider/adapters/server/ca/factory-cas';
import { wallClock } from '@outrider/adapters/shared/clock';
import { DAY_MS, elapsedMs, fleetInstant, instantText } from '@outrider/domain/kernel/time';
import { StartError } from '../exit-codes.ts';
import type { Log, ServerPorts } from '../ports.ts';

/** Time enough to find whoever keeps the key of the root, and its passphrase. */
const MONTH_MS = 30 * DAY_MS;

/** The CA of an installation: what the gateway needs of it, and the files for whoever ends TLS. */
export interface OpenCa {
  readonly files: CaFiles;
  readonly ports: Pick<ServerPorts, 'deviceCa' | 'factoryCas'>;
}

/** Opens the CA in the data folder; undefined where there is none. Throws StartError: ca-malformed. */
export async function openCa(dataFolder: string, lifeDays: number, log: Log): Promise<OpenCa | undefined> {
  const loaded = await loadCaFolder({ folder: join(dataFolder, CA_FOLDER) });
  if (!loaded.ok) throw new StartError('ca-malformed', loaded.error.detail);
  const files = loaded.value;
  if (files === undefined) return undefined;
  warnOfEnd(files, log);
  // Certificates are judged by the wall clock wherever TLS ends, also where fleet time is stepped.
  const clock = wallClock();
  return {
    files,
    ports: { deviceCa: openDeviceCa({ files, clock, lifeDays }), factoryCas: openFactoryCas(files.factories, clock) },
  };
}

function warnOfEnd({ roots, issuing, server }: CaFiles, log: Log): void {
  const now = wallClock().now();
  for (const [name, certificate] of [
    ...roots.map((root) => ['the root', root] as const),
    ['the CA for devices', issuing[0]] as const,
    ['the certificate of the server', server[0]] as const,
  ]) {
    const endsAt = fleetInstant(certificate.validToDate.getTime());
    if (elapsedMs(now, endsAt) > MONTH_MS) continue;
    const message = `Of the CA ${name} runs out at ${instantText(endsAt)}; renew it with \`outrider ca renew\``;
    log.warn({ stage: 'server', code: 'certificate-ends', endsAt }, message);
  }
}
