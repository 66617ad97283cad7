/**
 * A deployment that moves traffic from an old version to a new one, as it is kept with the deployment: its schedule, its AppSpec file, and
 * what the traffic goes to. Pure.
 */
import type { EcsAppSpec, LambdaAppSpec, ResourceAppSpec } from '../../../appspec/resources/types.ts';
import type { GroupHooks } from './group-hooks.ts';
import type { Schedule } from './schedule.ts';
import type { ServicePlan } from './service-plan.ts';

export type ShiftedPlatform = ResourceAppSpec['platform'];

/** Event → hook as the AppSpec file names it, in a form that JSON keeps. */
type StoredHooks = Readonly<Record<string, string>>;
export type StoredLambdaSpec = Omit<LambdaAppSpec, 'hooks'> & { readonly hooks: StoredHooks };
export type StoredEcsSpec = Omit<EcsAppSpec, 'hooks'> & { readonly hooks: StoredHooks };
export type StoredAppSpec = StoredLambdaSpec | StoredEcsSpec;

/** A deployment's one target, as it was found when the deployment was prepared. */
export interface ShiftedTarget {
  /** Names what is changed. No two orders about one subject are carried out at the same time, whichever deployments they are from. */
  readonly subjectId: string;
  /** As the API names the target. */
  readonly targetId: string;
  readonly targetArn: string;
  /** Facts that the API shows beside that: `LambdaDetails`, or `ServiceDetails`. */
  readonly details: object;
}

/** The result of the preparation: everything that the events need is there. */
export interface Prepared {
  readonly appSpec: StoredAppSpec;
  readonly target: ShiftedTarget;
}

export interface ShiftPlan {
  readonly platform: ShiftedPlatform;
  /** Schedule of a rollback: everything at once. */
  readonly schedule: Schedule;
  /** It leads traffic back: no hook is called, and it does not matter how the traffic is divided when it begins. */
  readonly isRollback?: true;
  /** The service and its listeners; absent: it deploys to Lambda, or is a rollback. */
  readonly service?: ServicePlan;
  /** Hooks of the group as they were when the deployment was created; absent: it had none. */
  readonly groupHooks?: GroupHooks;
  /** Absent: its order is not over. */
  readonly prepared?: Prepared;
}

/** Facts that the API shows of a function, beside its ARN. */
export interface LambdaDetails {
  readonly functionName: string;
  readonly functionAlias: string;
  readonly currentVersion: string;
  readonly targetVersion: string;
  /** Percent of the traffic that goes to the target version. */
  readonly targetVersionWeight: number;
}

export function storedAppSpec(appSpec: ResourceAppSpec): StoredAppSpec {
  return { ...appSpec, hooks: Object.fromEntries(appSpec.hooks) };
}

/** The hook that an event calls, as the AppSpec file names it; null: none, so there is nothing to wait for. */
export function hookOf({ isRollback, prepared, service }: ShiftPlan, event: string): string | null {
  if (isRollback === true) return null;
  // As in the hosted service: where no test traffic moves, nothing is tested.
  if (event === 'AfterAllowTestTraffic' && service?.testListener === null) return null;
  return prepared?.appSpec.hooks[event] ?? null;
}

/** Kinds of the orders for events. Hosts have `AllowTraffic` for another thing, so these have names of their own. */
export type ShiftOrderKind = 'CallHook' | `${ShiftedPlatform}${'Install' | 'AllowTestTraffic' | 'AllowTraffic'}`;

/** The order that carries out an event which the server does itself. */
export function orderKindOf(platform: ShiftedPlatform, event: string): ShiftOrderKind {
  return `${platform}${event}` as ShiftOrderKind;
}
