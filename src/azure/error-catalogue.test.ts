import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  classify,
  provesAbsence,
  readable,
  readErrorBody,
  throttledBucket,
} from './error-catalogue.ts';

const failure = (code: string, statusCode?: number, message = '') => ({
  code,
  message,
  ...(statusCode && { statusCode }),
});

describe('what may be done about an error of Azure', () => {
  const cases = {
    'a missing disk': [failure('ResourceNotFound', 404), 'NotFound', 'backoff'],
    'a stale ETag': [failure('PreconditionFailed', 412), 'PreconditionFailed', 'now'],
    'another operation on the VM': [failure('Conflict', 409), 'Conflict', 'backoff'],
    'an operation overtaken by another': [failure('OperationPreempted'), 'Conflict', 'backoff'],
    'a disk attached elsewhere': [
      failure('ConflictingUserInput', 409),
      'AttachedElsewhere',
      'never',
    ],
    'a full zone, told by the operation': [
      failure('ZonalAllocationFailed'),
      'NoCapacity',
      'backoff',
    ],
    'a size that is not offered': [failure('SkuNotAvailable', 409), 'SkuNotAvailable', 'backoff'],
    'a quota, under its own code': [failure('QuotaExceeded', 403), 'QuotaExceeded', 'backoff'],
    'a quota, under a code for many things': [
      failure('OperationNotAllowed', 409, 'exceeding approved Total Regional Cores quota'),
      'QuotaExceeded',
      'backoff',
    ],
    'a full VM': [
      failure('OperationNotAllowed', 409, 'The maximum number of data disks allowed is 8'),
      'Invalid',
      'never',
    ],
    'a throttle under any code': [failure('OperationNotAllowed', 429), 'Throttled', 'backoff'],
    'missing rights': [failure('AuthorizationFailed', 403), 'Forbidden', 'never'],
    'a delete lock': [failure('ScopeLocked', 409), 'Forbidden', 'never'],
    'a bad request': [failure('SomethingNew', 400), 'Invalid', 'never'],
    'an outage': [failure('SomethingNew', 503), 'Unavailable', 'backoff'],
  } as const;
  for (const [name, [given, wantClass, wantRetry]] of Object.entries(cases))
    it(name, () => {
      const { class: errorClass, retry } = classify(given);
      assert.deepEqual([errorClass, retry], [wantClass, wantRetry]);
    });

  it('knows how long a NIC stays reserved', () => {
    const verdict = classify(failure('NicReservedForAnotherVm', 400));
    assert.equal(verdict.retryAfterMilliseconds, 180_000);
  });

  it('takes only some 404s for absence', () => {
    assert.equal(provesAbsence(failure('ResourceGroupNotFound', 404)), true);
    assert.equal(provesAbsence(failure('SubscriptionNotFound', 404)), false);
    assert.equal(provesAbsence(failure('InvalidResourceType', 404)), false);
  });
});

describe('reading an error body', () => {
  it('prefers a known detail over an empty phrase', () => {
    const details = [{ code: 'SkuNotAvailable', message: 'Not in zone 1.' }];
    const body = { error: { code: 'Conflict', message: 'Failed.', details } };
    const read = readErrorBody(body, 409);
    assert.deepEqual(read, failure('SkuNotAvailable', 409, 'Not in zone 1.'));
  });

  it('makes do with anything', () => {
    assert.equal(readErrorBody('<html>', 502).code, 'Http502');
    assert.equal(readErrorBody(undefined, 500).code, 'Http500');
    assert.equal(readErrorBody({ error: null }).code, 'Unknown');
  });

  it('finds the bucket that was empty', () => {
    const details = [{ code: 'TooManyRequests', target: 'PutVMResource', message: '{}' }];
    assert.equal(throttledBucket({ error: { code: 'x', details } }), 'PutVMResource');
    const frontDoor = { code: 'SubscriptionRequestsThrottled', details };
    assert.equal(throttledBucket({ error: frontDoor }), undefined);
  });

  it('keeps signatures and tokens to itself', () => {
    const message = "see https://host/path?sig=secret&t=1 or 'bearer abc.def' eyJhbGciOi.eyJz.sig";
    const shown = readable(message);
    assert.doesNotMatch(shown, /secret|abc\.def|eyJz/);
    assert.match(shown, /https:\/\/host\/path /);
  });
});
