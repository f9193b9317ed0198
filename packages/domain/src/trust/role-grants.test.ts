// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReachWithin, type Reach } from './reach.ts';
import { grantedBy, parseRoleGrant, type RoleGrant } from './role-grants.ts';

test('a grant names a value of a claim, a role, and perhaps customers and regions', () => {
  assert.deepEqual(parseRoleGrant('fleet-ops=operator'), {
    ok: true,
    value: { claim: 'fleet-ops', role: 'operator', reach: {} },
  });
  assert.deepEqual(parseRoleGrant('a/b:c=viewer@region:us,customer:acme,region:eu'), {
    ok: true,
    value: { claim: 'a/b:c', role: 'viewer', reach: { customers: ['acme'], regions: ['eu', 'us'] } },
  });
  for (const text of [
    '',
    'ops',
    'ops=',
    '=viewer',
    'ops=admin',
    'ops=viewer@',
    'ops=viewer@eu',
    'ops=viewer@region:',
    'o s=viewer',
  ]) {
    assert.equal(parseRoleGrant(text).ok, false, text);
  }
});

test('roles add up and reaches narrow: a further group never widens what somebody may change', () => {
  const grants = ['all=viewer', 'eu=operator@region:eu', 'acme=approver@customer:acme', 'us=operator@region:us'].map(
    grantOf,
  );
  assert.equal(grantedBy(grants, ['strangers']), undefined);
  assert.deepEqual(grantedBy(grants, ['all']), { roles: ['viewer'], reach: {} });
  assert.deepEqual(grantedBy(grants, ['all', 'eu']), { roles: ['operator', 'viewer'], reach: { regions: ['eu'] } });
  assert.deepEqual(grantedBy(grants, ['eu', 'acme'])?.reach, { customers: ['acme'], regions: ['eu'] });
  assert.deepEqual(grantedBy(grants, ['eu', 'us'])?.reach, { regions: [] }, 'nobody’s, rather than both');
});

test('a reach lies within another when no customer and no region is added', () => {
  const cases: readonly (readonly [Reach, Reach, boolean])[] = [
    [{}, {}, true],
    [{}, { regions: ['eu'] }, false],
    [{ regions: ['eu'] }, {}, true],
    [{ regions: ['eu', 'us'] }, { regions: ['eu'] }, false],
    [{ regions: ['eu'], customers: ['acme'] }, { regions: ['eu'] }, true],
  ];
  for (const [inner, outer, isWithin] of cases) assert.equal(isReachWithin(inner, outer), isWithin);
});

function grantOf(text: string): RoleGrant {
  const grant = parseRoleGrant(text);
  assert.ok(grant.ok);
  return grant.value;
}
