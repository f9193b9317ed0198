// SPDX-License-Identifier: Apache-2.0
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { readFlags } from '../installation/flags.ts';
import { runServer } from '../installation/run.ts';
import type { Order } from './orders.ts';

/**
 * The real server, between which and its world a proof stands: it stops itself at a point that it was told, drops and delays
 * notices, and sees the wall clock that it is told. Orders come as lines on its input. Nothing of this is in the product.
 */
const orders = { point: '', skip: 0, noticesMs: 0, isDropping: false, clockMs: 0 };

createInterface({ input: process.stdin }).on('line', (line) => {
  // Our parent writes what `orders.ts` describes.
  const order = JSON.parse(line) as Order;
  switch (order.kind) {
    case 'stop-at':
      orders.point = order.point;
      orders.skip = order.skip;
      break;
    case 'notices':
      orders.isDropping = order.isDropping;
      orders.noticesMs = order.delayMs;
      break;
    case 'clock':
      orders.clockMs = order.aheadMs;
      break;
  }
});

/** Where the process freezes itself: whoever told it so lets it go on. */
function pass(point: string): void {
  if (orders.point === '' || !point.includes(orders.point)) return;
  if (orders.skip-- > 0) return;
  process.stdout.write(`stopped at ${orders.point}\n`);
  orders.point = '';
  process.kill(process.pid, 'SIGSTOP');
}

const start = { environment: process.env, workingFolder: process.cwd() };
const server = await runServer({
  flags: readFlags(process.argv.slice(2), start),
  version: '0.0.0',
  pid: process.pid,
  schedule: {
    after(delayMs, work) {
      const timer = setTimeout(work, delayMs);
      return () => clearTimeout(timer);
    },
  },
  log: { info: () => {}, warn: tell, error: tell },
  between: {
    wallClock: { now: () => fleetInstant(Math.max(0, Date.now() + orders.clockMs)) },
    onAnswer: (statement) => pass(statement.trim().replaceAll(/\s+/g, ' ')),
    notices: (notices) => ({
      ...notices,
      follow: (look) =>
        notices.follow(() => {
          if (orders.isDropping) return;
          if (orders.noticesMs === 0) look();
          else setTimeout(look, orders.noticesMs);
        }),
    }),
  },
});

process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));

function tell(fields: object, message: string): void {
  process.stderr.write(`${JSON.stringify({ at: Date.now(), ...fields, message }, told)}\n`);
}

function told(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
