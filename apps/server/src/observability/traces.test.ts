// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { monotonicClock } from '@outrider/adapters/shared/clock';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer } from '../compose.ts';
import type { DeviceRequest } from '../gateway/device-request.ts';
import { manifestOf, planOf, rehearse, SOON, signed, startRollout } from '../rehearsal.ts';
import { rehearsedDevice } from '../rehearsed-device.ts';
import { openOtlpSink } from './otlp-sink.ts';
import { parseTraceparent, traceparentOf } from './trace-context.ts';

interface Seen {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** A collector: takes OTLP over HTTP and decodes what comes. */
async function collector() {
  const spans: Seen[] = [];
  const services = new Set<string>();
  const http = createServer(async (request, response) => {
    assert.deepEqual([request.method, request.url], ['POST', '/v1/traces']);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    for (const { resource, scopeSpans } of JSON.parse(Buffer.concat(chunks).toString()).resourceSpans) {
      for (const { key, value } of resource.attributes) if (key === 'service.name') services.add(value.stringValue);
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  after(() => http.close());
  return { endpoint: `http://127.0.0.1:${port}`, spans, services };
}

async function onStage(samplePermille = 1_000) {
  const receiver = await collector();
  const clock = monotonicClock();
  const sink = openOtlpSink({ endpoint: receiver.endpoint, version: '1.2.3', samplePermille, clock });
  const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const server = composeServer({ ...rehearsal.ports, machineClock: clock, spanSink: sink });
  const headers: Record<string, string> = {};
  const answers: { readonly path: string; readonly traceresponse: string | undefined }[] = [];
  async function send(request: DeviceRequest) {
    const response = await server.handleDevice({ ...request, headers: { ...request.headers, ...headers } });
    answers.push({ path: request.path, traceresponse: response.headers.traceresponse });
    return { status: response.status, body: String(response.body) };
  }
  const former = await manifestOf(server, '1.0.0');
  assert.ok((await server.releases.publish(signed(former))).ok);
  const device = rehearsedDevice({
    ...{ deviceId: 'camera-1', hardwareId: 'rev-a', factory: former, tags: ['dogfood'], isHealthy: () => true, send },
  });
  await device.register();
  const newer = await manifestOf(server, '1.1.0', former);
  assert.ok((await server.releases.publish(signed(newer))).ok);
  await startRollout(server, planOf(newer));
  async function step(minutes: number): Promise<void> {
    const stepped = await server.step(fleetInstant(rehearsal.now() + minutes * 60_000));
    assert.ok(stepped.ok);
  }
  await step(10);
  return {
    ...{ device, step, answers, headers, server },
    async collected() {
      await sink.close();
      return receiver;
    },
  };
}

async function play({ device, step }: Awaited<ReturnType<typeof onStage>>): Promise<string> {
  const offer = await device.checkIn();
  assert.ok(offer.kind === 'offer');
  const answer = await device.askPermit(offer);
  assert.ok(answer.kind === 'permit');
  const { permitId } = JSON.parse(answer.permit.payload);
  await step(10);
  await device.report('verified', JSON.parse(answer.permit.payload));
  await step(10);
  return permitId;
}

test('whoever has a permit id has its trace, and walks from the check-in over the permit to the decision and back', async () => {
  const stage = await onStage();
  const permitId = await play(stage);
  const { spans, services } = await stage.collected();
  assert.deepEqual([...services], ['outrider-server']);
  const own = spans.filter((span) => span.traceId === permitId);
  const root = own.find((span) => span.spanId === permitId.slice(0, 16));
  assert.deepEqual([root?.name, root?.parentSpanId], ['gateway.permit', undefined]);
  const below = own.filter((span) => span.parentSpanId === root?.spanId).map((span) => span.name);
  assert.deepEqual(below.sort(), [
    'evidence.count',
    'evidence.count',
    'gateway.check-in',
    'gateway.permit.commit',
    'gateway.permit.gate',
    'gateway.report',
  ]);
  const counted = own.filter((span) => span.name === 'evidence.count');
  for (const { links } of counted) {
    const decision = spans.find((span) => span.spanId === links[0]?.spanId);
    assert.equal(decision?.name, 'decision.decide');
    assert.deepEqual(
      decision?.links.map((link) => [link.traceId, link.spanId]),
      [[permitId, root?.spanId]],
    );
    assert.ok(attribute(decision, 'outrider.verdict') !== undefined);
  }
  const children = spans.filter((span) => span.name === 'evidence.count' && span.traceId !== permitId);
  assert.ok(children.every((span) => spans.some((one) => one.spanId === span.parentSpanId)));
  for (const span of spans) assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), span.name);
});

test('a device that brings its own trace is followed in it, and the permit knows of it', async () => {
  const stage = await onStage();
  const mine = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
  stage.headers.traceparent = traceparentOf(mine, true);
  const permitId = await play(stage);
  const { spans } = await stage.collected();
  const followed = spans.filter((span) => span.traceId === mine.traceId && span.kind === 2);
  assert.deepEqual(
    followed.map((span) => [span.name, span.parentSpanId]),
    ['gateway.check-in', 'gateway.permit', 'gateway.report'].map((name) => [name, mine.spanId]),
  );
  for (const span of followed) assert.equal(span.links[0]?.traceId, permitId, span.name);
  const root = spans.find((span) => span.traceId === permitId && span.parentSpanId === undefined);
  assert.equal(root?.links[0]?.spanId, followed[1]?.spanId);
  const responses = stage.answers.filter((one) => one.path !== '/v1/register').map((one) => one.traceresponse);
  assert.deepEqual(
    responses.map((text) => parseTraceparent(text)?.traceId),
    [mine.traceId, mine.traceId, mine.traceId],
  );
});

test('what a device does not want traced is not, and at a share of zero nothing is unless a device asks', async () => {
  const stage = await onStage(0);
  await play(stage);
  assert.ok(stage.answers.every((one) => one.traceresponse === undefined));
  stage.headers.traceparent = traceparentOf({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }, false);
  await stage.device.checkIn();
  stage.headers.traceparent = traceparentOf({ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }, true);
  await stage.device.checkIn();
  const { spans } = await stage.collected();
  assert.deepEqual(
    spans.map((span) => [span.name, span.traceId]),
    [['gateway.check-in', 'c'.repeat(32)]],
  );
});

test('a fleet that asks for its traces all at once gets those of the first fifty a second', async () => {
  const stage = await onStage(0);
  stage.headers.traceparent = traceparentOf({ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }, true);
  await Promise.all(Array.from({ length: 120 }, () => stage.device.checkIn()));
  const { spans } = await stage.collected();
  assert.ok(spans.length >= 50 && spans.length <= 100, `${spans.length}`);
});

test('a collector that is away costs a stop a second at most, and devices nothing', async () => {
  const clock = monotonicClock();
  const sink = openOtlpSink({ endpoint: 'http://127.0.0.1:9', version: '0', samplePermille: 1_000, clock });
  const ids = { traceId: sink.newTraceId(), spanId: sink.newSpanId() };
  for (let index = 0; index < 20_000; index++) {
    const span = { name: 'x', kind: 'internal', ...ids, attributes: {}, links: [], isError: false } as const;
    sink.record({ ...span, beganAt: clock.now(), endedAt: clock.now() });
  }
  const began = clock.now();
  await sink.close();
  assert.ok(clock.now() - began < 2_000);
});

test('headers that are no trace context are passed over, as the standard says', () => {
  const good = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  assert.deepEqual(parseTraceparent(good), { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true });
  assert.equal(parseTraceparent(good.replace(/01$/, '00'))?.isSampled, false);
  assert.equal(parseTraceparent(`01${good.slice(2)}-more`)?.traceId, 'a'.repeat(32));
  for (const bad of [
    undefined,
    '',
    good.toUpperCase(),
    `ff${good.slice(2)}`,
    `${good}-more`,
    good.replace(/a/g, '0'),
    good.replace(/b/g, '0'),
    [good, good],
  ]) {
    assert.equal(parseTraceparent(bad), undefined, String(bad));
  }
});

function attribute(span: Seen | undefined, key: string): string | undefined {
  return span?.attributes.find((one) => one.key === key)?.value.stringValue;
}
