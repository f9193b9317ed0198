// SPDX-License-Identifier: Apache-2.0
import type { InstallationSettings } from '@outrider/domain/decision/server-store';
import { present } from '@outrider/domain/kernel/assert';
import type { Database } from './pool.ts';
import { textOf } from './row.ts';

export function postgresInstallation(database: Database): InstallationSettings {
  async function loadSetting(key: string): Promise<string | undefined> {
    const [row] = await database.query('select value from installation where key = $1', [key]);
    return row === undefined ? undefined : textOf(row, 'value');
  }

  return {
    loadSetting,
    async storeSetting(key, value) {
      const statement =
        'insert into installation (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value';
      await database.query(statement, [key, value]);
    },
    async settleSetting(key, value) {
      await database.query('insert into installation (key, value) values ($1, $2) on conflict do nothing', [
        key,
        value,
      ]);
      return present(await loadSetting(key), 'a setting that was just settled');
    },
  };
}
