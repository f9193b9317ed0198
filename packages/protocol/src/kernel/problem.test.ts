// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PLAN_ERRORS, POLICY_ERRORS } from '@outrider/domain/policy/errors';
import { TRUST_ERRORS } from '@outrider/domain/trust/errors';
import { encodeProblem, isProblemCode, PROBLEMS, parseProblem, problemStatus } from './problem.ts';

describe('a problem document', () => {
  test('names type, title, status and code, and its extension members never replace them', () => {
    const text = encodeProblem({ code: 'revision-stale', detail: 'Read again', fields: { status: 200, actual: 12 } });
    assert.deepEqual(JSON.parse(text), {
      type: 'urn:outrider:problem:revision-stale',
      title: PROBLEMS['revision-stale'].title,
      status: 409,
      code: 'revision-stale',
      detail: 'Read again',
      actual: 12,
    });
    assert.ok(parseProblem(text).ok);
  });

  test('has an error status and a title of one line for every code', () => {
    for (const [code, { status, title }] of Object.entries(PROBLEMS)) {
      assert.match(code, /^[a-z]+(-[a-z]+)*$/);
      assert.ok(status >= 400 && status <= 599, code);
      assert.match(title, /^[A-Z][^\n]*[^.\n]$/);
    }
    assert.equal(problemStatus('store-away'), 503);
  });

  test('knows every code of trust and policy, plans and manifests each under one', () => {
    const planCodes: readonly string[] = Object.keys(PLAN_ERRORS);
    const codes = [
      ...Object.keys(TRUST_ERRORS),
      ...Object.keys(POLICY_ERRORS).filter((code) => !planCodes.includes(code)),
    ];
    assert.deepEqual(
      codes.filter((code) => !isProblemCode(code)),
      [],
    );
    assert.ok(isProblemCode('plan-invalid') && isProblemCode('manifest-invalid'));
  });
});
