// SPDX-License-Identifier: Apache-2.0
import type { RefusalCode } from '@outrider/domain/gateway/check-in';
import { NOT_YETS, REFUSALS } from '@outrider/domain/gateway/errors';
import { ROLLOUT_CAUSES, type RolloutCause } from '@outrider/domain/gateway/explain-rollout';
import type { NotYetCode } from '@outrider/domain/gateway/permit';
import type { CodeText, ErrorArea } from './area.ts';

type Rest = readonly [safe: string, act: string];

const STAYS = 'The device stays on what it runs, and asks again by itself.';

const REFUSAL_REST: Readonly<Record<RefusalCode, Rest>> = {
  'no-rollout': [
    STAYS,
    'Look whether the rollout has started (`outrider rollout list`) and is for this type of device.',
  ],
  'not-in-audience': [
    STAYS,
    '`outrider device explain` shows the values that keep it out; correct its attributes by an import, or plan a rollout for it.',
  ],
  'hardware-mismatch': [
    STAYS,
    'Nothing, if it is right. If the registry has the wrong hardware, correct it by an import; the device checks once more by itself.',
  ],
  'counter-too-low': [
    'It never goes back to an older release: that is the defence against rollback attacks.',
    'Nothing. To bring it back deliberately, publish the old content with a higher counter.',
  ],
  'already-running': ['It runs what it should.', 'Nothing.'],
  'below-floor': [STAYS, 'Roll out a release at or above the floor to these devices first.'],
  'dependency-missing': [STAYS, 'Update the component outside the bundle first; `outrider device explain` names it.'],
  'release-withdrawn': [STAYS, 'Nothing: this is what withdrawing does. Publish a newer release.'],
  'rollout-not-running': [
    'No new device is exposed.',
    'Read why with `outrider rollout explain`; resuming after a halt needs a person with a reason.',
  ],
  'way-back-barred': [
    'It stays on what it runs, and would refuse to go back: the floor was signed with a release that it has confirmed.',
    'Publish the fix forward, as a release with a higher counter; `outrider device explain` names floor and counter.',
  ],
  excluded: [
    'It stays on what it runs; the way back is not held up.',
    '`outrider exclusion list` names why; `outrider exclusion lift` lets it take part again.',
  ],
  'scope-paused': [
    'No permit comes into being in the scope.',
    '`outrider status` names what is paused; `outrider resume` lets it go on.',
  ],
  'segment-halted': [
    'No further device of the segment, or of the region, is exposed.',
    'Read what halted it with `outrider rollout explain`. It opens again by a resume that two approvers have signed.',
  ],
  'wave-not-open': [
    STAYS,
    'Wait: waves open by evidence. `outrider rollout explain` says what the next one waits for.',
  ],
  'outside-charter': [
    'No device gets more than what approvers have signed.',
    '`outrider device explain` names the reason, `outrider charter show` what was signed. A wave that has no signature yet: `outrider charter sign --wave`.',
  ],
  'offers-stale': [
    'Nothing is offered from an old policy, so a pause holds.',
    'The server has not read its database for three seconds: look at the database.',
  ],
};

const NOT_YET_REST: Readonly<Record<NotYetCode, Rest>> = {
  'cap-full': [
    'Exposure never exceeds what the evidence allows.',
    'Wait: caps rise as devices report. If they do not, `outrider rollout explain` says what is missing.',
  ],
  'segment-cap-full': ['Exposure of the segment never exceeds its share.', 'Wait, as for cap-full.'],
  'control-arm': [
    'The device stays on what it runs.',
    'Nothing: it gets the release when its windows are over, or when the rollout completes.',
  ],
  'no-offer': [STAYS, '`outrider device explain` shows the first condition that does not hold.'],
  'wave-not-open': REFUSAL_REST['wave-not-open'],
  'outside-charter': REFUSAL_REST['outside-charter'],
  'segment-halted': REFUSAL_REST['segment-halted'],
  'rollout-not-running': REFUSAL_REST['rollout-not-running'],
  'scope-paused': REFUSAL_REST['scope-paused'],
  excluded: REFUSAL_REST.excluded,
  frozen: [
    'Nothing new is installed there; what was downloaded waits, and the way back is not held up unless somebody said so.',
    'Wait until it ends; `outrider freeze list` shows when. `outrider freeze lift` ends it.',
  ],
  'epoch-moved': ['No permit of a former epoch came into being.', 'Nothing: the device asks again within minutes.'],
  'already-enrolled': ['It is counted once.', 'Nothing: the device asks again and gets the row it has.'],
  'store-away': [
    'Without its row in the ledger there is no permit.',
    'Look at the database; devices come back by themselves.',
  ],
};

const CAUSE_REST: Readonly<Record<Exclude<RolloutCause, RefusalCode>, Rest>> = {
  reverted: [
    'The device runs its former slot again.',
    'Read what the devices said beside it. If it repeats, halt: `outrider rollout halt`.',
  ],
  'install-failed': [
    'The device runs what it ran.',
    'Read what the devices said; the reasons are on the page [device](device.md).',
  ],
  'silent-since-permit': [
    'Silence counts as evidence against the release.',
    'Compare with the control arm (`outrider evidence show`). Ask a sample device at its place.',
  ],
  'crashed-since': ['The crash is counted.', 'Look at the metric crash with `outrider rollout explain`.'],
  'under-way': ['It holds a permit that ends by itself.', 'Wait; devices report within hours.'],
  'deferred-after-permit': [
    'It holds a permit that ends by itself; it asks for a new one.',
    'Nothing: it waits for its own window, power or consent.',
  ],
  'going-back': ['It has its permit to go back.', 'Wait.'],
  'way-back-open': [
    'It still runs the bad release.',
    'It fetches the way back at its next check-in. If it stays here, it is off or out of reach.',
  ],
  back: ['It runs the former version.', 'Nothing.'],
  verified: ['It booted the release, passed its health check and confirmed it.', 'Nothing.'],
  silent: ['It runs what it ran.', 'It is off or out of reach; it gets its offer when it comes.'],
  frozen: NOT_YET_REST.frozen,
  deferred: ['It runs what it ran.', 'Nothing: it waits for its own window, power or consent.'],
  'control-arm': NOT_YET_REST['control-arm'],
  'cap-full': NOT_YET_REST['cap-full'],
  'segment-cap-full': NOT_YET_REST['segment-cap-full'],
  offered: ['It runs what it ran.', 'Nothing: it downloads, then asks for its permit.'],
  'offered-whole': [
    'It runs what it ran.',
    'Nothing, if the bytes do not matter. Deltas exist from what devices ran when the release was published.',
  ],
};

/** Why a check-in got no offer. */
export const refusalArea: ErrorArea = {
  name: 'refusals',
  title: 'Why a device gets no offer',
  intro:
    'The code of a refusal, in `outrider device explain`, in the counters of `outrider status`, and as a cause of `outrider rollout explain`.',
  codes: joined(REFUSALS, REFUSAL_REST),
};

/** Why a permit request got none. */
export const notYetArea: ErrorArea = {
  name: 'not-yets',
  title: 'Why a device gets no permit yet',
  intro: 'The code of a "not yet", the answer to "may I install now", in the counters of `outrider status`.',
  codes: joined(NOT_YETS, NOT_YET_REST),
};

/** Where devices stand before a rollout. */
export const causeArea: ErrorArea = {
  name: 'causes',
  title: 'Where devices stand before a rollout',
  intro:
    'The cause in `outrider rollout explain`. A device that no row of the ledger explains has the code of its refusal: see [refusals](refusals.md).',
  codes: joined(ROLLOUT_CAUSES, CAUSE_REST),
};

/** What it means stands in the domain already, and is what devices and people are told. */
function joined<Code extends string>(
  sentences: Readonly<Record<Code, string>>,
  rest: Readonly<Partial<Record<Code, Rest>>>,
): Readonly<Record<string, CodeText>> {
  const entries: readonly (readonly [string, Rest | undefined])[] = Object.entries<Rest | undefined>(rest);
  const known = new Map<string, string>(Object.entries<string>(sentences));
  return Object.fromEntries(
    entries.flatMap(([code, one]) =>
      one === undefined ? [] : [[code, [`${known.get(code)}.`, one[0], one[1]] as const]],
    ),
  );
}
