/** Hooks that a deployment group has for deployments to Lambda and ECS, and what hooks get beside the documented payload. Pure. */
import type { ResourceAppSpec } from '../../../appspec/resources/types.ts';

/** Part of a group's settings, in a form that JSON keeps. */
export interface GroupHooks {
  /** Event → hook as AppSpec files name hooks. */
  readonly hooks: Readonly<Record<string, string>>;
  /** Own members of the payload, in their order. */
  readonly parameters: readonly HookParameter[];
  /** Whether hooks get more than the two members that AWS documents. */
  readonly isExtended: boolean;
}

export interface HookParameter {
  readonly name: string;
  readonly value: string;
}

/**
 * Tries whether a hook can be called, and does not call it.
 *
 * @returns why it cannot be, or why nobody can say; null: it can
 */
export type TryHook = (name: string) => Promise<string | null>;

/** The AppSpec file with the group's hooks for the events that it has none for. */
export function withGroupHooks<AppSpec extends ResourceAppSpec>(
  appSpec: AppSpec,
  group: GroupHooks | null | undefined,
): AppSpec {
  return { ...appSpec, hooks: new Map([...Object.entries(group?.hooks ?? {}), ...appSpec.hooks]) };
}
