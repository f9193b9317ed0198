// SPDX-License-Identifier: Apache-2.0
import type { InstallationSettings } from '@outrider/domain/decision/server-store';
import { present } from '@outrider/domain/kernel/assert';
import { appendAudit } from './audit-chain.ts';
import type { Database } from './pool.ts';
import { textOf } from './row.ts';

export function postgresInstallation(database: Database): InstallationSettings {
  async function loadSetting(key: string): Promise<string | undefined> {
    const [row] = await database.query('select value from installation where key = $1', [key]);
    return row === undefined ? undefined : textOf(row, 'value');
  }

  return {
    loadSetting,
    async storeSetting(key, value, note) {
      if (note === undefined) {
        await database.query(STORE, [key, value]);
        return;
      }
      await database.transaction(async (query) => {
        await query(STORE, [key, value]);
        await appendAudit(query, [note]);
      });
    },
    async changeSetting(key, value, note) {
      return await database.transaction(async (query) => {
        const changed = await query(CHANGE, [key, value]);
        if (changed.length > 0) await appendAudit(query, [note]);
        return changed.length > 0;
      });
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

const STORE = `
insert into installation (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value`;

const CHANGE = `
insert into installation as i (key, value) values ($1, $2)
on conflict (key) do update set value = excluded.value where i.value <> excluded.value
returning key`;
