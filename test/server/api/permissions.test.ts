import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operationsFor, permissionFor, requireRole } from '../../../src/server/api/permissions.ts';

/** The operations of the SDK that lies beside this project: one command each. */
const OPERATIONS = [
  ...readFileSync(new URL(import.meta.resolve('@aws-sdk/client-codedeploy')), 'utf8').matchAll(
    /\bclass (\w+)Command\b/g,
  ),
].map(([, name = '']) => name);

const LOOKING = /^(Get|List|BatchGet)/;

test('every operation of CodeDeploy has its permission, and those that only look change nothing', () => {
  expect(OPERATIONS.length).toBeGreaterThanOrEqual(47);
  for (const operation of OPERATIONS) {
    expect({ operation, permission: permissionFor(operation) }).toEqual({
      operation,
      permission: expect.objectContaining(
        LOOKING.test(operation) ? { role: 'viewer', changes: false } : { role: 'operator', changes: true },
      ),
    });
  }
});

test.each([
  ['viewer', 'GetDeployment', null],
  ['viewer', 'DescribeHosts', null],
  ['viewer', 'ListAccessKeys', 'AccessDeniedException'],
  ['viewer', 'CreateDeployment', 'AccessDeniedException'],
  ['viewer', 'StopDeploymentNow', 'AccessDeniedException'],
  ['operator', 'ListAccessKeys', null],
  ['operator', 'DeleteApplication', null],
  ['admin', 'CreateAccessKey', null],
  ['operator', 'DisableAccessKey', null],
  ['operator', 'EnableAccessKey', 'AccessDeniedException'],
  ['admin', 'EnableAccessKey', null],
  ['operator', 'PutLifecycleEventHookExecutionStatus', null],
  ['viewer', 'PutLifecycleEventHookExecutionStatus', 'AccessDeniedException'],
  ['host', 'PutLifecycleEventHookExecutionStatus', 'AccessDeniedException'],
  ['hook', 'PutLifecycleEventHookExecutionStatus', null],
  ['hook', 'NoSuchOperation', 'AccessDeniedException'],
  ['host', 'GetDeployment', 'AccessDeniedException'],
  ['host', 'NoSuchOperation', 'AccessDeniedException'],
  ['viewer', 'NoSuchOperation', 'UnknownOperationException'],
  ['admin', 'toString', 'UnknownOperationException'],
] as const)('a key of role %s that calls %s meets %s', (role, operation, refusal) => {
  if (refusal === null) expect(() => requireRole(role, operation)).not.toThrow();
  else expect(() => requireRole(role, operation)).toThrow(expect.objectContaining({ type: refusal }));
});

test('a key of role hook may answer hooks, and may call nothing else, also when it is limited', () => {
  expect(operationsFor('hook', false)).toEqual(['PutLifecycleEventHookExecutionStatus']);
  expect(operationsFor('hook', true)).toEqual(['PutLifecycleEventHookExecutionStatus']);
  for (const operation of OPERATIONS) {
    if (operation === 'PutLifecycleEventHookExecutionStatus') continue;
    expect(() => requireRole('hook', operation)).toThrow(expect.objectContaining({ type: 'AccessDeniedException' }));
  }
});
