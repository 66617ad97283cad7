/**
 * The shape of the table of operations. The tests run it against a server, and `npm run docs` writes `docs/api.md` from it.
 */
import type { ExceptionName } from '../../../../src/protocol/management/modelled-exceptions.ts';
import type { CodeDeployOperation } from '../../../../src/protocol/management/shapes.ts';
import type { World } from './world.ts';

/** Members of a request. In a change, `null` leaves a member out. */
export type Members = Readonly<Record<string, unknown>>;
export type Change = Members | ((world: World) => Members);

export interface Operation {
  /** Deed of the operation here: the end of a sentence that begins with its name. */
  readonly does: string;
  /** Requests that this server refuses and the hosted service would take, and why; null: none. */
  readonly refuses: string | null;
  /** A request that can be carried out; of an operation that never can, one that is refused for that reason alone. */
  readonly good: Change;
  /** The exception of an operation that can never be carried out here. */
  readonly alwaysRefused?: ExceptionName;
  /** For each exception that comes: what about the good request is changed for it. Each message names what it is about. */
  readonly refused: { readonly [Name in ExceptionName]?: Change | readonly Change[] };
  /** Exceptions of quotas, which no request brings about by itself: `quotas.test.ts` and `shifted-groups.test.ts` have them. */
  readonly full?: readonly ExceptionName[];
  /** For each other exception of the model: why it does not come. */
  readonly never: { readonly [Name in ExceptionName]?: string };
}

export type Operations<Op extends CodeDeployOperation> = { readonly [Name in Op]: Operation };

export const LONG_NAME = 'x'.repeat(101);

export const NO_THROTTLE =
  'No request brings it about by itself: it comes of any operation beyond the limits on requests (test/server/http/rates.test.ts).';
export const NO_ROLES = 'The role is kept and shown, and never assumed.';

/** Refusals of every operation on an application that must exist. */
export const NO_APPLICATION = {
  ApplicationNameRequiredException: [{ applicationName: null }, { applicationName: '' }],
  InvalidApplicationNameException: [{ applicationName: 'my site' }, { applicationName: LONG_NAME }],
  ApplicationDoesNotExistException: { applicationName: 'nobody' },
} as const;

export const NO_GROUP = {
  DeploymentGroupNameRequiredException: [{ deploymentGroupName: null }, { deploymentGroupName: '' }],
  InvalidDeploymentGroupNameException: [{ deploymentGroupName: 'a/b' }, { deploymentGroupName: LONG_NAME }],
  DeploymentGroupDoesNotExistException: { deploymentGroupName: 'nobody' },
} as const;

export const NO_DEPLOYMENT = {
  DeploymentIdRequiredException: [{ deploymentId: null }, { deploymentId: '' }],
  InvalidDeploymentIdException: [{ deploymentId: 'd-12345' }, { deploymentId: 'd-a1b2c3d4e' }],
  DeploymentDoesNotExistException: { deploymentId: 'd-000000000' },
} as const;

export const NO_INSTANCE = {
  InstanceNameRequiredException: [{ instanceName: null }, { instanceName: '' }],
  InvalidInstanceNameException: [{ instanceName: 'web 1' }, { instanceName: LONG_NAME }],
} as const;

export const NO_PAGE = { InvalidNextTokenException: { nextToken: 'made-up' } } as const;

/** A list one longer than its limit. */
export function tooMany<Entry>(limit: number, entry: (index: number) => Entry): Entry[] {
  return Array.from({ length: limit + 1 }, (_, index) => entry(index));
}

export function omit<Members extends object, Name extends keyof Members>(
  members: Members,
  ...names: readonly Name[]
): Omit<Members, Name> {
  const kept = Object.entries(members).filter(([name]) => !names.some((left) => left === name));
  return Object.fromEntries(kept) as Omit<Members, Name>;
}
