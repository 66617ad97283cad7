/**
 * Vitest runs it in every test file. A process that a test has started ends with the test, also when the test failed or ran out of time and
 * never came to the end of its `using`. Processes that a file shares among its tests (started before one began, or while none ran) end with
 * the file.
 */
import { afterAll, afterEach, beforeEach } from 'vitest';
import { killOwnChildren, ownChildren } from './own-children.ts';
import { killTree } from './process-tree.ts';
import { dropSuiteDatabases } from './suite-database.ts';

let before: ReadonlySet<number> = new Set();
/** Tests that run at the same time: nobody knows whose a child is until the last of them has ended. */
let running = 0;

beforeEach(() => {
  if (running === 0) before = new Set(ownChildren());
  running += 1;
});
afterEach(() => {
  running -= 1;
  if (running > 0) return;
  for (const pid of ownChildren()) if (!before.has(pid)) killTree(pid);
});
afterAll(() => {
  killOwnChildren();
  dropSuiteDatabases();
});
