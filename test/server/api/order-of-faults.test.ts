/**
 * A caller learns the first of several faults of a request in this order: a missing member, a malformed one, a thing that does not exist.
 * Pairs are made from the table of operations. PutLifecycleEventHookExecutionStatus has an order of its own, as in the hosted service.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CodeDeployOperation } from '../../../src/protocol/management/shapes.ts';
import { OPERATION_NAMES, OPERATIONS, requestOf } from './operations/all.ts';
import type { Change } from './operations/operation.ts';
import { createWorld, type World } from './operations/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const STAGES = [/RequiredException$/, /^Invalid/, /DoesNotExistException$|NotRegisteredException$/];

/** A hook learns first whether its deployment is there at all, and of its status before its id. */
const STAGES_OF_HOOKS = [
  ...[/^DeploymentIdRequired/, /^InvalidDeploymentId/, /^DeploymentDoesNotExist/, /^UnsupportedAction/],
  ...[/^InvalidLifecycleEventHookExecutionStatus/, /^InvalidLifecycleEventHookExecutionId/, /AlreadyCompleted/],
];

const HOOKS: CodeDeployOperation = 'PutLifecycleEventHookExecutionStatus';
const stageOf = (exception: string, operation: CodeDeployOperation) =>
  (operation === HOOKS ? STAGES_OF_HOOKS : STAGES).findIndex((stage) => stage.test(exception));

/** The first request of each exception. */
function faultsOf(operation: CodeDeployOperation) {
  return Object.entries(OPERATIONS[operation].refused).flatMap(([exception, changes]) => {
    const [change] = [changes].flat() as readonly Change[];
    // Whether a revision is needed depends on the mode, so a wrong mode is told first.
    return typeof change === 'object' && !('deploymentMode' in change) ? [{ exception, change }] : [];
  });
}

const PAIRS = OPERATION_NAMES.flatMap((operation) =>
  faultsOf(operation).flatMap((first) =>
    faultsOf(operation)
      .filter(({ exception, change }) => {
        const [before, after] = [stageOf(first.exception, operation), stageOf(exception, operation)];
        return before >= 0 && after > before && !Object.keys(change).some((name) => name in first.change);
      })
      .map((second) => ({ operation, exception: first.exception, also: second.exception, first, second })),
  ),
);

test('there are many pairs', () => expect(PAIRS.length).toBeGreaterThan(100));

test.each(PAIRS)('$operation with the faults of $exception and of $also answers $exception', async (pair) => {
  const { operation, exception, first, second } = pair;
  const request = requestOf(OPERATIONS[operation], { ...second.change, ...first.change }, world);
  await expect(world.call(operation, request)).rejects.toMatchObject({ type: exception });
});

test.each([
  [{ status: 'Pending', lifecycleEventHookExecutionId: 'x' }, 'UnsupportedActionForDeploymentTypeException'],
  [{ status: null, lifecycleEventHookExecutionId: null }, 'UnsupportedActionForDeploymentTypeException'],
])('an answer of a hook for a deployment to hosts is refused for that, also with %j', async (members, type) => {
  const { refused } = OPERATIONS[HOOKS];
  const hosts = refused.UnsupportedActionForDeploymentTypeException;
  const change = (typeof hosts === 'function' ? hosts(world) : hosts) as object;
  const request = requestOf(OPERATIONS[HOOKS], { ...change, ...members }, world);
  await expect(world.call(HOOKS, request)).rejects.toMatchObject({ type });
});
