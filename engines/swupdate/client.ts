// SPDX-License-Identifier: Apache-2.0
import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { debianProgram } from '../debian-program.ts';
import { asOrdinaryUser, ORDINARY_USER } from '../way/no-network.ts';
import { bareEnvironment, type Place, type Running, startIn } from '../way/programs.ts';

/** Debian 12's SWUpdate, taken apart in a folder of its own: nothing is installed on this machine. */
export interface SwUpdate {
  readonly version: string;
  /** Runs as an ordinary user in a folder of its own; it polls at once, and again when it is told to. */
  start(
    device: string,
    options: readonly string[],
    more: {
      /** What the signature of a `.swu` is checked with. */
      readonly certificateFile: string;
      /** Files in its folder for temporary ones, where scripts find them. */
      readonly files?: Readonly<Record<string, string>>;
      /** A configuration file, for what has no option. */
      readonly configuration?: string;
    },
  ): Running;
  /** Its folders; what was started must have ended. */
  remove(): Promise<void>;
}

export async function openSwUpdate(): Promise<SwUpdate> {
  const swupdate = await debianProgram({
    ...{ name: 'swupdate', version: '2022.12+dfsg-4+deb12u3', series: '2022.12' },
    path: 'usr/bin/swupdate',
  });
  const { version, home, program } = swupdate;
  chmodSync(home, 0o755);
  return {
    version,
    start(device, options, { certificateFile, files = {}, configuration }) {
      const folder = mkdtempSync(join(home, `${device}-`));
      const temporary = join(folder, 'tmp');
      mkdirSync(temporary);
      for (const one of [folder, temporary])
        if (process.getuid?.() === 0) chownSync(one, ORDINARY_USER.uid, ORDINARY_USER.gid);
      for (const [name, content] of Object.entries(files)) writeFileSync(join(temporary, name), content);
      // Its sockets and what it unpacks lie in TMPDIR: two of them on one machine must not share these.
      const environment = {
        ...bareEnvironment(process.env.PATH ?? ''),
        ...swupdate.environment,
        TMPDIR: temporary,
      };
      const place: Place = { folder, environment, wrapper: asOrdinaryUser() ?? [] };
      const suricatta = ['-t', 'DEFAULT', '-i', device, '-p', '1', '-r', '5', '-w', '1', ...options];
      const configured = join(folder, 'swupdate.cfg');
      if (configuration !== undefined) writeFileSync(configured, configuration);
      const command = [
        program,
        ...(configuration === undefined ? [] : ['-f', configured]),
        '-v',
        '-H',
        'board:1.0',
        '-k',
        certificateFile,
        '-M',
        '-m',
      ];
      return startIn(place, [...command, '-u', suricatta.join(' ')]);
    },
    remove: () => swupdate.remove(),
  };
}
