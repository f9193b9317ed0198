import { eventLog } from './sim/event-log.ts';
import { simulate } from './sim/simulate.ts';

const log = eventLog({});
console.time('sim');
console.log(
  await simulate({
    seed: process.argv[2] ?? '42',
    deviceCount: Number(process.argv[3] ?? 300),
    daysMax: 20,
    log,
    warn: console.error,
  }),
);
console.timeEnd('sim');
console.log(log.counts(), log.digest());
