/** The catalogue of exceptions, held against the SDK's model, against the table of operations, and against a server's answers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BEYOND_THE_MODEL,
  COMMON_ERRORS,
  mayAnswer,
  modelledExceptions,
} from '../../../src/protocol/management/exceptions.ts';
import { MODELLED_EXCEPTIONS } from '../../../src/protocol/management/modelled-exceptions.ts';
import type { CodeDeployOperation } from '../../../src/protocol/management/shapes.ts';
import { OPERATION_NAMES, OPERATIONS, requestOf } from './operations/all.ts';
import type { Change } from './operations/operation.ts';
import { createWorld, type World } from './operations/world.ts';

const SDK_COMMANDS = fileURLToPath(
  new URL('../../../node_modules/@aws-sdk/client-codedeploy/dist-types/commands/', import.meta.url),
);
const SOURCES = fileURLToPath(new URL('../../../src/server/', import.meta.url));
const BEYOND: Readonly<Record<string, object>> = BEYOND_THE_MODEL;
/** An exception of the newest model, and the operations that it came for. The SDK here is older. */
const NEWER_THAN_SDK = 'InvalidAutoScalingGroupProcessToSuspendException';

/** Exceptions of an operation, as the SDK knows them. */
function exceptionsInSdk(operation: string): string[] {
  const text = readFileSync(join(SDK_COMMANDS, `${operation}Command.d.ts`), 'utf8');
  const names = [...text.matchAll(/@throws \{@link (\w+Exception)\}/g)].map(([, name = '']) => name);
  return [...new Set(names)].filter((name) => name !== 'CodeDeployServiceException').sort();
}

const casesOf = (operation: CodeDeployOperation) =>
  Object.entries(OPERATIONS[operation].refused).flatMap(([exception, changes]) =>
    [changes].flat().map((change: Change) => ({ operation, exception, change })),
  );
const CASES = OPERATION_NAMES.flatMap(casesOf);

describe('the catalogue of exceptions', () => {
  test.each(OPERATION_NAMES)('has the exceptions of %s as the SDK has them', (operation) => {
    const names = modelledExceptions(operation).filter((name) => name !== NEWER_THAN_SDK);
    expect([...names].sort()).toEqual(exceptionsInSdk(operation));
    expect(new Set(names).size).toBe(names.length);
  });

  test('has the exception of the newest model for the three operations with ec2DeploymentOptions', () => {
    const having = OPERATION_NAMES.filter((name) => modelledExceptions(name).includes(NEWER_THAN_SDK));
    expect(having.sort()).toEqual(['CreateDeployment', 'CreateDeploymentGroup', 'UpdateDeploymentGroup']);
    expect(exceptionsInSdk('CreateDeployment')).not.toContain(NEWER_THAN_SDK);
  });

  test('has every error that the code of the server names', () => {
    const known = new Set<string>([...Object.values(MODELLED_EXCEPTIONS).flat(), ...COMMON_ERRORS]);
    const files = ['api', 'engine', 'store'].flatMap((room) =>
      readdirSync(join(SOURCES, room), { recursive: true, encoding: 'utf8' }).map((name) => join(SOURCES, room, name)),
    );
    const named = files
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/'(\w+Exception)'/g)].map(([, name = '']) => name));
    expect(named.length).toBeGreaterThan(80);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('the table of operations', () => {
  test('has the 47 operations of CodeDeploy', () => {
    expect([...OPERATION_NAMES].sort()).toEqual(Object.keys(MODELLED_EXCEPTIONS).sort());
    expect(OPERATION_NAMES).toHaveLength(47);
  });

  test.each(OPERATION_NAMES)(
    'has each exception of %s in a request, or the reason why it does not come',
    (operation) => {
      const { refused, full = [], never } = OPERATIONS[operation];
      const named = [...Object.keys(refused), ...full, ...Object.keys(never)].sort();
      const beyond = Object.keys(BEYOND[operation] ?? {});
      expect(named).toEqual([...modelledExceptions(operation), ...beyond].sort());
    },
  );
});

describe('a request that is refused', () => {
  let world: World;
  /** All rows as the test before has left them: reading them takes longer than the request. Null: they may be others by now. */
  let rows: string | null = null;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test.each(CASES)('$operation with $change answers $exception, says about what, and changes nothing', async (one) => {
    const { operation, exception, change } = one;
    const before = rows ?? (await world.kept());
    rows = null;
    const request = requestOf(OPERATIONS[operation], change, world);
    const error: unknown = await world.call(operation, request).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ type: exception, status: 400 });
    const named = namesAndValues(typeof change === 'function' ? change(world) : change, request);
    const { message } = error as Error;
    expect(
      named.filter((name) => message.includes(name)),
      `'${message}' names none of ${named.join(', ')}`,
    ).not.toEqual([]);
    rows = await world.kept();
    expect(rows).toBe(before);
  });

  test.each(OPERATION_NAMES)('%s answers with nothing that its catalogue does not have', async (operation) => {
    rows = null;
    const good = requestOf(OPERATIONS[operation], {}, world);
    for (const member of Object.keys(good)) {
      for (const value of ODD_VALUES) {
        const request = { ...good, [member]: value };
        const answer = await world.call(operation, request).then(
          () => null,
          (error: { type: string; status: number }) => error,
        );
        if (answer !== null) {
          const allowed = answer.status < 500 && mayAnswer(operation, answer.type);
          expect(allowed, `${operation} with ${member} ${JSON.stringify(value)} answers ${answer.type}`).toBe(true);
        }
      }
    }
  });
});

/** Values of every type, and beside every limit. */
const ODD_VALUES: readonly unknown[] = [
  ...['', ' ', 'a b', 'x', 'x'.repeat(5_000), '\u{1F6A2}', 'arn:aws:iam::000000000000:user/x', 'toString', '__proto__'],
  ...[0, -1, 1.5, 1e300, true, false, {}, { x: {} }, { key: null }],
  ...[[], [''], ['x'], [null], [{}], [[]], [['x']], Array.from({ length: 1_001 }, () => 'x')],
];

/** Names of the members of a change, at any depth, and the texts in it and in the request. */
function namesAndValues(change: object, request: object): string[] {
  const texts = (value: unknown): string[] => {
    if (typeof value === 'string') return value === '' ? [] : [value];
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
  };
  const names = Object.keys(change).length > 0 ? Object.keys(change) : Object.keys(request);
  return [...names, ...texts(change), ...(Object.keys(change).length > 0 ? [] : texts(request))];
}
