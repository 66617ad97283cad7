/** The table of members against the SDK's own model. */
import * as sdk from '@aws-sdk/client-codedeploy';
import { describe, expect, test } from 'vitest';
import { isControlOperation } from '../../../src/protocol/management/shapes.ts';
import { INPUT_MEMBERS, type MemberKind } from '../../../src/server/api/members.ts';

const MODEL = sdk as unknown as Readonly<Record<string, unknown>>;
const OPERATIONS = Object.keys(MODEL).flatMap((name) => (/^[A-Z].*Command$/.test(name) ? [name.slice(0, -7)] : []));

/** Operations with a member of the newest model, which the SDK here does not have yet. Once it has, the table needs no addition. */
const NEWER_THAN_SDK = ['CreateDeployment', 'CreateDeploymentGroup', 'UpdateDeploymentGroup'];

describe('the table of members', () => {
  test('has the operations of the SDK’s model and those of this server’s own, and no others', () => {
    const own = Object.keys(INPUT_MEMBERS).filter(isControlOperation);
    expect(own).toHaveLength(27);
    expect(Object.keys(INPUT_MEMBERS).sort()).toEqual([...OPERATIONS, ...own].sort());
  });

  test.each(OPERATIONS)('has every member of %s in the model, nested ones included, with its type', (operation) => {
    const [, , , , input] = MODEL[`${operation}$`] as readonly unknown[];
    const newer = NEWER_THAN_SDK.includes(operation)
      ? { ec2DeploymentOptions: { autoScalingGroupProcessesToSuspend: ['text'] } }
      : {};
    expect(INPUT_MEMBERS[operation as keyof typeof INPUT_MEMBERS]).toEqual({ ...(kindOf(input) as object), ...newer });
  });
});

/** Schemas of the SDK: numbers for simple types, `64 |` for lists and `128 |` for maps of them; tuples that begin with 1, 2 or 3. */
function kindOf(schema: unknown): MemberKind {
  if (typeof schema === 'function') return kindOf((schema as () => unknown)());
  if (typeof schema === 'number') {
    if ((schema & 128) !== 0) return 'map';
    if ((schema & 64) !== 0) return [kindOf(schema & ~64)];
    const kind = ({ 0: 'text', 1: 'number', 2: 'flag', 4: 'number' } as const)[schema];
    if (kind !== undefined) return kind;
  }
  const [type, , , , names, kinds] = schema as [number, unknown, unknown, unknown, unknown, unknown[]];
  if (type === 1) return [kindOf(names)];
  if (type === 2) return 'map';
  if (type === 3) return Object.fromEntries((names as string[]).map((name, index) => [name, kindOf(kinds[index])]));
  throw new Error(`The model has a schema that this test does not know: ${JSON.stringify(schema)}`);
}
