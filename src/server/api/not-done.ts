/**
 * Members of the API that this server knows and does not act upon. A request for one of them is refused with the member's own
 * exception. A deployment that ignores an alarm is worse than one that does not begin. Values that ask for nothing are taken, and so a group from before
 * that has such a setting can be rid of it. Pure.
 */
import { ApiError } from '../../protocol/errors.ts';
import type { ExceptionName } from '../../protocol/management/modelled-exceptions.ts';
import type { ManagementOperation, ManagementOperations } from '../../protocol/management/shapes.ts';
import type { Input } from './context.ts';

interface Refusal {
  readonly type: ExceptionName;
  /** Ends with what the caller can do. */
  readonly why: string;
  /** Whether a value asks for nothing; it has the member's type and is not null. */
  asksForNothing(value: unknown): boolean;
  /** Acted upon where the server asks AWS. */
  readonly isDoneWithAws?: boolean;
}

/** `[]`, lists of such lists, `{}`, and objects of nothing but such lists. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.every((entry) => Array.isArray(entry) && isEmpty(entry));
  return (
    typeof value === 'object' &&
    Object.values(value).every((member) => member === null || (Array.isArray(member) && isEmpty(member)))
  );
}

const OF_GROUPS = {
  autoScalingGroups: {
    type: 'InvalidAutoScalingGroupException',
    why: 'it asks no AWS (--aws-region). Let each new host run slipway register with the tags of the deployment group.',
    asksForNothing: isEmpty,
    isDoneWithAws: true,
  },
  ecsServices: {
    type: 'InvalidECSServiceException',
    why: 'it asks no AWS (--aws-region), and so deploys to hosts alone. Leave it out.',
    asksForNothing: isEmpty,
    isDoneWithAws: true,
  },
  terminationHookEnabled: {
    type: 'InvalidInputException',
    why: 'it asks no AWS (--aws-region), and so it puts no hooks on Auto Scaling groups. Use false, or leave it out.',
    asksForNothing: (value) => value === false,
    isDoneWithAws: true,
  },
} satisfies Readonly<Record<string, Refusal>>;

/** Members that are refused, by operation. */
const NOT_DONE: {
  readonly [Op in ManagementOperation]?: { readonly [Name in keyof ManagementOperations[Op]['input']]?: Refusal };
} = {
  CreateDeploymentGroup: OF_GROUPS,
  UpdateDeploymentGroup: OF_GROUPS,
};

/** @param input what `checkMembers` has let pass @throws ApiError the exception of the first member that asks for what is not done here */
export function refuseNotDone(operation: ManagementOperation, input: Input, asksAws: boolean): void {
  for (const [name, refusal] of Object.entries(NOT_DONE[operation] ?? {}) as [string, Refusal][]) {
    const value = input[name];
    if (value === undefined || value === null || refusal.asksForNothing(value)) continue;
    if (refusal.isDoneWithAws === true && asksAws) continue;
    throw new ApiError(refusal.type, `This server does not act upon ${name} as given here: ${refusal.why}`);
  }
}
