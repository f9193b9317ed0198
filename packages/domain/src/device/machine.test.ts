// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import type { PermitDocument } from '../gateway/permit.ts';
import type { Bytes, DeviceId, Epoch, PermitId, ReleaseCounter, ReleaseId, RolloutId, Sha256 } from '../kernel/ids.ts';
import { nextState } from '../kernel/table.ts';
import { durationMs, fleetInstant, HOUR_MS } from '../kernel/time.ts';
import { isUsable } from './check-permit.ts';
import { DEVICE_TABLE, type Transition } from './device-table.ts';
import type { DeviceEvent, Effect, Step } from './events.ts';
import { step } from './machine.ts';
import type { BootState, SlotName } from './ports.ts';
import { type DevicePhase, type DeviceState, isCoherent, newJournal, stateFrom, type UpdatePlan } from './state.ts';

const deviceId = 'camera-7' as DeviceId;
const phases = Object.keys(DEVICE_TABLE) as DevicePhase[];
const transitions = Object.keys(DEVICE_TABLE.idle) as Transition[];

test('the table has an answer for every pair, and every phase can be reached and left', () => {
  const reached = new Set<DevicePhase>(['idle']);
  for (const phase of phases) {
    assert.deepEqual(Object.keys(DEVICE_TABLE[phase]), transitions);
    const nexts = transitions.map((transition) => nextState<DevicePhase, Transition>(DEVICE_TABLE, phase, transition));
    assert(
      nexts.some((next) => next !== undefined && next !== phase),
      `${phase} can be left`,
    );
    for (const next of nexts) if (next !== undefined) reached.add(next);
  }
  assert.deepEqual([...reached].sort(), [...phases].sort());
});

test('a device is verified only out of a trial, and installed only out of an install', () => {
  const into = (goal: DevicePhase) =>
    phases.flatMap((phase) =>
      transitions.filter((one) => DEVICE_TABLE[phase][one] === goal).map((one) => `${phase} ${one}`),
    );
  assert.deepEqual(into('verified'), ['installed confirm']);
  assert.deepEqual(into('installed'), ['installing arm']);
  assert.deepEqual(into('installing'), ['permitted begin-install']);
  assert.deepEqual(into('permitted'), ['downloaded take-permit']);
});

test('killed in any phase, a device comes back to where nothing is lost', () => {
  const after = Object.fromEntries(
    phases.map((phase) => [phase, nextState<DevicePhase, Transition>(DEVICE_TABLE, phase, 'restart')]),
  );
  const moved = Object.entries(after).filter(([phase, next]) => phase !== next);
  assert.deepEqual(moved, [
    ['checking', 'idle'],
    ['downloading', 'available'],
  ]);
});

test('what nobody honest sends is told once for each reason, and anew after a good offer', () => {
  const told = (state: DeviceState) => state.journal.reports.map(({ event, detail }) => `${event} ${detail}`);
  const refusedBy = (state: DeviceState, code: 'charter-place' | 'charter-expired' | 'already-running') =>
    step(checking(state), {
      kind: 'offer-refused',
      ...{ error: { code, detail: 'x' }, pollAfterMs: HOUR_MS, about: plan },
    }).state;
  const checking = (state: DeviceState): DeviceState => ({
    ...state,
    journal: { ...state.journal, phase: 'checking' },
  });
  let state = step(stateFrom(newJournal(deviceId, at(0)), runningA, facts(0)), booted(runningA, 0)).state;
  state = refusedBy(refusedBy(state, 'charter-place'), 'charter-place');
  assert.deepEqual(told(state), ['refused charter-place: x']);
  state = refusedBy(state, 'charter-expired');
  assert.deepEqual(told(state), ['refused charter-place: x', 'refused charter-expired: x']);
  assert.equal(told(refusedBy(state, 'already-running')).length, 2, 'an honest server may send that');
  const offered = { kind: 'offered', plan, pollAfterMs: HOUR_MS, mayDownload: false, readyAt: at(0) } as const;
  const good = step(checking(state), offered).state;
  assert.equal(told(refusedBy(good, 'charter-expired')).length, 3);
});

test('the way of a good update is these effects and no others', () => {
  const seen: string[] = [];
  let next = step(stateFrom(newJournal(deviceId, at(0)), runningA, facts(0)), booted(runningA, 0));
  const answers: Readonly<Record<string, DeviceEvent>> = {
    'check-in': { kind: 'offered', plan, pollAfterMs: HOUR_MS, mayDownload: true, readyAt: at(0) },
    download: { kind: 'staged' },
    'ask-permit': { kind: 'permitted', permit: { document: permit(), askedAt: at(0) } },
    install: { kind: 'written' },
    arm: { kind: 'armed', boot: armedB },
    reboot: booted(trialB, 0),
    'verify-slot': { kind: 'slot-verified', slot: 'b', components: plan.content.components },
    'check-health': { kind: 'health-checked', isHealthy: true, detail: '' },
    confirm: { kind: 'confirmed', boot: confirmedB },
    'discard-staged': { kind: 'discarded' },
    'send-report': { kind: 'report-acknowledged', sequence: 3 },
  };
  while (next.effect !== undefined && next.effect.kind !== 'sleep') {
    seen.push(next.effect.kind);
    const event = answers[next.effect.kind];
    assert(event !== undefined && seen.length < 20, seen.join());
    next = step(next.state, event);
  }
  assert.deepEqual(seen, Object.keys(answers));
  assert.equal(next.state.journal.phase, 'verified');
  assert.deepEqual(next.state.journal.reports, []);
});

test('no order of events leads to a slot that is counted as success without having run and been confirmed', () => {
  everyStep((former, { state }, event) => {
    const isNew = state.journal.reports.length > former.journal.reports.length;
    const newest = state.journal.reports.at(-1);
    if (!isNew || newest?.event !== 'verified') return;
    const { boot } = state.situation;
    assert(event.kind === 'confirmed' || event.kind === 'booted');
    assert.equal(boot.running, boot.confirmed);
    assert.equal(boot.running, state.journal.installed?.slot);
    assert.equal(newest.permitId, permit().permitId);
  });
});

test('no order of events installs or arms without a valid permit, or into a slot that runs or is confirmed', () => {
  everyStep((_, { state, effect }) => {
    if (effect?.kind !== 'install' && effect?.kind !== 'arm') return;
    const { update } = state.journal;
    const { now, boot } = state.situation;
    assert(update?.permit !== undefined);
    assert(isUsable(update.permit, update, { deviceId, now }));
    assert.notEqual(effect.slot, boot.running);
    assert.notEqual(effect.slot, boot.confirmed);
    if (effect.kind === 'arm') assert(update.isWritten);
  });
});

test('no order of events confirms a trial that the journal does not know', () => {
  everyStep((_, { state, effect }) => {
    const { phase, update } = state.journal;
    if (effect?.kind !== 'confirm') return;
    assert.equal(phase, 'installed');
    assert.equal(state.situation.boot.running, update?.slot);
    assert.equal(state.situation.trial, 'healthy');
  });
});

test('no order of events uses a sequence number twice, and none goes back', () => {
  const sequenceOf = (effect: Effect | undefined): number | undefined => {
    if (effect?.kind === 'check-in') return effect.checkIn.sequence;
    return effect?.kind === 'ask-permit' ? effect.request.sequence : undefined;
  };
  everyStep((former, { state, effect }) => {
    const sequence = sequenceOf(effect);
    assert(state.journal.sequence >= former.journal.sequence);
    if (sequence !== undefined) assert(sequence > former.journal.sequence && sequence <= state.journal.sequence);
    const numbers = state.journal.reports.map((report) => report.sequence);
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
    );
  });
});

test('no order of events leaves a journal that lacks what its phase is about', () => {
  everyStep((_, { state }) => assert(isCoherent(state.journal), state.journal.phase));
});

test('an event that cannot happen changes nothing, and no start and no wake is ever one', () => {
  everyStep((former, { state, effect }, { kind }) => {
    if (effect === undefined) assert.equal(state, former);
    if (kind === 'booted' || kind === 'woken') assert(effect !== undefined, kind);
  });
});

test('random orders of events come everywhere, so that what never happened in them says something', () => {
  const seen = new Set<string>();
  everyStep((_, { state, effect }) => {
    seen.add(state.journal.phase);
    if (effect !== undefined) seen.add(effect.kind);
    for (const report of state.journal.reports) seen.add(report.event);
  });
  const expected = ['idle', 'deferred', 'verified', 'failed', 'reverted', 'installed', 'install', 'arm', 'confirm'];
  const missing = [...expected, 'reboot', 'discard-staged', 'install-failed'].filter((one) => !seen.has(one));
  assert.deepEqual(missing, []);
});

test('a device that rests always knows when it wakes, and never at once', () => {
  everyStep((_, { state, effect }) => {
    if (effect?.kind === 'sleep') assert(effect.until > state.situation.now);
  });
});

const plan: UpdatePlan = {
  rolloutId: 'r' as RolloutId,
  releaseId: 'camera-1.1.0' as ReleaseId,
  isRollback: false,
  epoch: 1 as Epoch,
  content: {
    version: '1.1.0',
    releaseCounter: 3 as ReleaseCounter,
    components: [{ name: 'main', digest: 'b'.repeat(64) as Sha256 }],
  },
  parts: [
    {
      component: 'main',
      image: {
        digest: 'b'.repeat(64) as Sha256,
        bytes: 100 as Bytes,
        blockBytes: 10 as Bytes,
        blocksDigest: 'c'.repeat(64) as Sha256,
      },
      artifact: { kind: 'full', digest: 'b'.repeat(64) as Sha256, bytes: 100 as Bytes },
    },
  ],
  floors: { security: 3 as ReleaseCounter },
};

const former = {
  version: '1.0.0',
  releaseCounter: 1 as ReleaseCounter,
  components: [{ name: 'main', digest: 'a'.repeat(64) as Sha256 }],
};
const runningA: BootState = { running: 'a', confirmed: 'a', contents: { a: former, b: undefined }, bootCount: 1 };
const armedB: BootState = { ...runningA, contents: { a: former, b: plan.content }, trial: { slot: 'b', triesLeft: 3 } };
const trialB: BootState = { ...armedB, running: 'b', trial: { slot: 'b', triesLeft: 2 }, bootCount: 2 };
const confirmedB: BootState = { running: 'b', confirmed: 'b', contents: armedB.contents, bootCount: 2 };
const revertedA: BootState = { ...confirmedB, running: 'a', confirmed: 'a', bootCount: 5 };
/** A chooser that runs what it did not confirm: seen when a confirmed slot is unreadable. */
const strange: BootState = { ...confirmedB, running: 'b', confirmed: 'a' };

function permit(change: Partial<PermitDocument> = {}): PermitDocument {
  return {
    schema: 1,
    permitId: 'p' as PermitId,
    deviceId,
    rolloutId: plan.rolloutId,
    releaseId: plan.releaseId,
    releaseCounter: plan.content.releaseCounter,
    epoch: plan.epoch,
    grantedAt: at(0),
    lifeMs: HOUR_MS,
    ...change,
  };
}

function at(minutes: number) {
  return fleetInstant(1_000_000_000 + minutes * 60_000);
}

function facts(minutes: number, readyInMinutes = 0, mayDownload = true) {
  return { now: at(minutes), mayDownload, readyAt: at(minutes + readyInMinutes) };
}

function booted(boot: BootState, minutes: number): DeviceEvent {
  return { kind: 'booted', boot, ...facts(minutes) };
}

const minutes = fc.nat({ max: 200 });
const boots = fc.constantFrom(runningA, armedB, trialB, confirmedB, revertedA, strange);
const documents = fc.constantFrom(
  permit(),
  permit(),
  permit({ deviceId: 'camera-8' as DeviceId }),
  permit({ releaseCounter: 9 as ReleaseCounter }),
  permit({ lifeMs: durationMs(1) }),
);
const networkError = { code: 'network-unreachable', detail: '' } as const;
const event: fc.Arbitrary<DeviceEvent> = fc.oneof(
  fc.tuple(boots, minutes).map(([boot, minute]) => booted(boot, minute)),
  fc
    .tuple(minutes, fc.constantFrom(0, 0, 30), fc.boolean())
    .map(([minute, ready, may]) => ({ kind: 'woken' as const, ...facts(minute, ready, may) })),
  fc.record({
    kind: fc.constant('offered' as const),
    plan: fc.constantFrom(plan, plan, { ...plan, releaseId: 'camera-1.2.0' as ReleaseId }),
    pollAfterMs: fc.constant(HOUR_MS),
    mayDownload: fc.boolean(),
    readyAt: minutes.map(at),
  }),
  fc.constantFrom<DeviceEvent>(
    { kind: 'refused', code: 'no-rollout', pollAfterMs: HOUR_MS },
    { kind: 'offer-refused', error: { code: 'release-unsigned', detail: '' }, pollAfterMs: HOUR_MS, about: plan },
    { kind: 'unanswered', error: networkError },
    { kind: 'nudged' },
    { kind: 'called', now: at(100) },
    { kind: 'staged' },
    { kind: 'download-cut', detail: '' },
    { kind: 'install-failed', code: 'disk-full', detail: '' },
    { kind: 'permit-refused', error: { code: 'permit-unsigned', detail: '' } },
    { kind: 'not-yet', code: 'control-arm', askAfterMs: HOUR_MS },
    { kind: 'written' },
    { kind: 'discarded' },
    { kind: 'health-checked', isHealthy: true, detail: '' },
    { kind: 'health-checked', isHealthy: false, detail: 'log' },
    { kind: 'unanswered', error: { ...networkError, retryAfterMs: durationMs(600_000) } },
    { kind: 'report-unsent', error: networkError },
    { kind: 'report-unsent', error: { code: 'server-refused', detail: '' } },
    { kind: 'fault-seen', event: 'crash', rolloutId: plan.rolloutId, releaseId: plan.releaseId, detail: '\0\uD800' },
  ),
  fc
    .tuple(documents, minutes)
    .map(([document, minute]) => ({ kind: 'permitted' as const, permit: { document, askedAt: at(minute) } })),
  fc.tuple(fc.constantFrom<SlotName>('a', 'b'), fc.boolean()).map(([slot, isRight]) => ({
    kind: 'slot-verified' as const,
    slot,
    components: isRight ? plan.content.components : former.components,
  })),
  boots.map((boot) => ({ kind: 'armed' as const, boot })),
  boots.map((boot) => ({ kind: 'confirmed' as const, boot })),
  fc.nat({ max: 20 }).map((sequence) => ({ kind: 'report-acknowledged' as const, sequence })),
);

test('a floor rises by confirming the release that was signed with it, by nothing else, and never falls', () => {
  let raised = 0;
  everyStep((former, { state }) => {
    const [before, now] = [former.journal.floors, state.journal.floors];
    assert((now?.security ?? 0) >= (before?.security ?? 0), 'it never falls');
    if (now === before) return;
    raised += 1;
    // The answers to arm and confirm may both have been cut off.
    assert(['installing', 'installed'].includes(former.journal.phase));
    assert.equal(state.journal.phase, 'verified');
    assert.equal(state.situation.boot.confirmed, state.journal.installed?.slot);
    assert.deepEqual(now, plan.floors);
  });
  assert(raised > 0, 'some of the runs confirmed');
});

/** The event that would answer an effect as a good world answers it: so that random runs come far. */
function goodAnswer(effect: Effect, state: DeviceState): DeviceEvent {
  const { now, boot } = state.situation;
  switch (effect.kind) {
    case 'check-in':
      return { kind: 'offered', plan, pollAfterMs: HOUR_MS, mayDownload: true, readyAt: now };
    case 'download':
      return { kind: 'staged' };
    case 'ask-permit':
      return { kind: 'permitted', permit: { document: permit(), askedAt: now } };
    case 'verify-slot':
      return { kind: 'slot-verified', slot: effect.slot, components: plan.content.components };
    case 'install':
      return { kind: 'written' };
    case 'arm':
      return { kind: 'armed', boot: armedB };
    case 'reboot':
      return { kind: 'booted', boot: boot.trial ? trialB : boot, now, mayDownload: true, readyAt: now };
    case 'check-health':
      return { kind: 'health-checked', isHealthy: true, detail: '' };
    case 'confirm':
      return { kind: 'confirmed', boot: confirmedB };
    case 'send-report':
      return { kind: 'report-acknowledged', sequence: effect.report.sequence };
    case 'discard-staged':
      return { kind: 'discarded' };
    case 'sleep':
      return { kind: 'woken', now: effect.until, mayDownload: true, readyAt: effect.until };
  }
}

/** Walks random events, half of them the good answer to the last effect, and looks at every step. */
function everyStep(look: (former: DeviceState, next: Step, event: DeviceEvent) => void): void {
  const run = fc.array(fc.option(event, { nil: 'good' as const, freq: 2 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(run, (events) => {
      let state = stateFrom(newJournal(deviceId, at(0)), runningA, facts(0));
      let effect = step(state, booted(runningA, 0)).effect;
      state = step(state, booted(runningA, 0)).state;
      for (const one of events) {
        const happened = one === 'good' ? effect && goodAnswer(effect, state) : one;
        if (happened === undefined) continue;
        const next = step(state, happened);
        look(state, next, happened);
        state = next.state;
        effect = next.effect ?? effect;
      }
    }),
    propertyOptions({ runs: 2_000 }),
  );
}
