// SPDX-License-Identifier: Apache-2.0
import { TAGS_MAX } from '@outrider/domain/policy/attributes';
import type { ProblemCode } from '@outrider/protocol/kernel/problem';
import { type CodeText, UNTOUCHED } from './area.ts';

/** Codes about rollouts, the policy around them and the groups they are for. */
export const ROLLOUT_CODES = {
  'rollout-unknown': ['There is no rollout with this id.', UNTOUCHED, 'Look at `outrider rollout list`.'],
  'rollout-exists': [
    'There is a rollout with this id already.',
    'It is untouched.',
    'Choose another id; a plan that was approved never changes.',
  ],
  'plan-invalid': [
    'The plan breaks a rule; the detail names it, and [rules.md](rules.md) explains it.',
    'No rollout was created.',
    'Correct the plan; `outrider rollout forecast` shows all findings at once.',
  ],
  'audience-empty': [
    'No registered device is in the audience, on the hardware of the release.',
    'The rollout has not started.',
    'Ask for the same devices with `outrider device list --where` and correct the audience; devices that were only announced do not count.',
  ],
  'salt-reused': [
    'Another rollout has this salt: the same devices would come first each time.',
    'No rollout was created.',
    'Leave the salt out, so that a new one is drawn.',
  ],
  'rollback-not-included': [
    'The rollout is rolling back, and the change would stop that without saying so.',
    'The way back goes on.',
    'If devices really shall stay on the bad release, say so with --including-rollback.',
  ],
  'rollout-not-live': [
    'The rollout has not started, or has ended.',
    UNTOUCHED,
    'Look at its state with `outrider rollout show`.',
  ],
  'segment-unknown': ['The rollout has no such segment.', UNTOUCHED, '`outrider rollout show` lists its segments.'],
  'segment-already-halted': ['The segment is halted already.', 'It stays halted.', 'Nothing is left to do.'],
  'plan-contradicted': [
    'The plan sets aside base rates that devices have shown before.',
    'No rollout was created.',
    'Take the base rates that were shown, or overrule them with a reason; `outrider rollout base-rates` shows both.',
  ],
  'overrule-unfounded': [
    'Base rates were overruled that do not contradict anything.',
    UNTOUCHED,
    'Leave the overrule out.',
  ],
  'rollout-ended': ['The rollout admits nobody any more.', 'It stays as it ended.', 'Make a new rollout.'],
  'limit-absent': ['The rollout has no ceiling of an operator.', UNTOUCHED, 'There is nothing to lift.'],
  'limit-in-force': [
    'The rollout is under a ceiling of an operator and cannot be completed.',
    'Exposure stays below the ceiling.',
    'Lift the ceiling first.',
  ],
  'approver-role-missing': [
    'The server does not know who may approve.',
    UNTOUCHED,
    'Name approvers in the root (`outrider trust rotate --role approvers`), then send the approval again.',
  ],
  'approval-invalid': [
    'The signed approval is not about this, or is not signed by those who may approve.',
    UNTOUCHED,
    'Sign exactly what is to be approved; the detail says what differs.',
  ],
  'charter-invalid': [
    'What approvers have signed does not hold for the rollout: too few signatures, another plan or release, expired, or there is none. The detail names the reason, the page [device](device.md) explains it.',
    UNTOUCHED,
    'Look at it with `outrider charter show`; draw it up anew with `outrider charter create` and let it be signed.',
  ],
  'charter-in-force': [
    'The rollout has started, and another charter than its own was submitted.',
    'The rollout goes on under the charter that devices have been told.',
    'Openings of further waves can be added to the charter in force; anything else is a new rollout.',
  ],
  'resume-unsigned': [
    'The rollout is halted, and a resume came without the signatures of two approvers.',
    'It stays halted.',
    'Collect two signatures with `outrider rollout sign-resume`, then send them with `outrider rollout resume --approval`.',
  ],
  'resume-invalid': [
    'What was signed is not about this rollout, this revision and this evidence, or its 24 hours are over.',
    'It stays halted.',
    'Look at the evidence again and let it be signed anew; the detail says what differs.',
  ],
  'rollout-not-halted': [
    'The rollout is not halted: evidence is taken out, and a signed resume taken, of halted rollouts alone.',
    UNTOUCHED,
    'Halt the rollout first if its evidence is not to be believed.',
  ],
  'flag-repeated': [
    'The device has flagged this rollout before; it counts once.',
    'The first flag stands.',
    'Nothing is to be done; what is new can be told as a flag of the operator.',
  ],
  'flags-too-many': [
    'The rollout has 500 flags already.',
    'The flags there are stand.',
    'Read them with `outrider rollout show` and halt the rollout if they are right.',
  ],
  'region-already-halted': [
    'The region of the rollout has been halted before.',
    'It stays halted.',
    'Nothing is to be done; `--roll-back` adds the way back if it was only stopped.',
  ],
  'region-not-halted': [
    'The signed resume opens a region that is not halted.',
    'It stays halted.',
    'Let it be signed anew with the halted regions that `outrider rollout show` lists.',
  ],
  'segment-not-halted': [
    'The signed resume opens a segment that is not halted.',
    'It stays halted.',
    'Let it be signed anew with the halted segments that `outrider rollout show` lists.',
  ],
  'exclusion-unchanged': [
    'A device of the list is left out already, or is to be included and was not left out.',
    UNTOUCHED,
    'Leave it out of the list.',
  ],
  'exclusions-too-many': [
    'One rollout leaves out 1,000 devices at most.',
    UNTOUCHED,
    'So many forged reports are an attack on the fleet: keep the rollout halted and make a new one.',
  ],
  'evidence-unsettled': [
    'The counts do not yet say what was ordered last.',
    'It stays halted.',
    'Ask again after the next round of the rule, at most a minute later.',
  ],
  'evidence-still-halts': [
    'The evidence is over a threshold, so a rollout that goes on with it would halt at once.',
    'It stays halted.',
    'Exclude what is forged, or let a resume be signed whose counts begin again (`--restart-counts`).',
  ],
  'evidence-absent': [
    'Nothing has been counted about the rollout yet.',
    UNTOUCHED,
    'Ask again after its first decision, at most a minute after the start.',
  ],
  'order-unknown': [
    'A freeze or an exclusion was named that is not there.',
    UNTOUCHED,
    '`outrider freeze list` and `outrider exclusion list` show those there are.',
  ],
  'orders-too-many': [
    'There are as many freezes, or exclusions, as are kept: each is looked at for each permit.',
    UNTOUCHED,
    'Lift those that are over. Many devices are excluded by a tag, not by an exclusion each.',
  ],
  'group-unknown': [
    'A group was named that is not there, or that holds devices beyond your reach.',
    UNTOUCHED,
    '`outrider group list` shows those there are.',
  ],
  'group-exists': [
    'There is a group of this name already.',
    UNTOUCHED,
    'Choose another name, or change that one with `outrider group change` from the revision that `outrider group show` tells.',
  ],
  'group-changed': [
    'Somebody has changed or removed and made the group anew since it was read.',
    'Your change was not made.',
    'Look at it with `outrider group show`, then change it from the revision it tells.',
  ],
  'tags-too-many': [
    `A device would have more than ${TAGS_MAX} tags.`,
    'No tag of any device was changed in that batch.',
    'Take away those that say nothing any more: `outrider device untag`.',
  ],
  'attributes-stale': [
    'Somebody has changed the attributes or tags of the device since you read them.',
    'Your change was not made.',
    'Look at it with `outrider device show`, then name the revision it tells.',
  ],
  'groups-too-many': [
    'There are as many groups as are kept: 500.',
    UNTOUCHED,
    'Remove those that nobody uses. What was made with a group keeps what it meant.',
  ],
  'freeze-empty': [
    'The freeze would end before it begins, or at the same minute of the week.',
    UNTOUCHED,
    'Correct its times. A weekly one may go over the end of the week: from Friday to Monday.',
  ],
  'scope-not-paused': ['The scope is not paused.', UNTOUCHED, '`outrider status` lists what is paused.'],
  'twin-missing': [
    'The release was published without a rollback twin.',
    'Devices in trial still fall back by themselves; confirmed ones stay.',
    'Publish a repaired release with a higher counter. Publish the next ones with a twin.',
  ],
  'transition-impossible': [
    'The rollout cannot do this in its present state.',
    UNTOUCHED,
    'Look at its state; the detail names what it can do.',
  ],
  'revision-stale': [
    'The policy has moved on since it was read: somebody else changed it.',
    'Your change was not made.',
    'Read it again, look at what changed, then decide again.',
  ],
} as const satisfies Partial<Record<ProblemCode, CodeText>>;
