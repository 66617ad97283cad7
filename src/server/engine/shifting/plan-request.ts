/** A deployment that is planned and not made: what it would call. Types only. Pure. */
import type { ManagementOperations } from '../../../protocol/management/shapes.ts';
import type { GroupHooks } from './group-hooks.ts';
import type { ShiftedPlatform } from './plan.ts';
import type { Schedule } from './schedule.ts';
import type { ServicePlan } from './service-plan.ts';

export interface PlanRequest {
  readonly platform: ShiftedPlatform;
  /** The AppSpec file. */
  readonly content: string;
  /** Its interval in minutes. */
  readonly schedule: Schedule;
  /** null: it deploys to Lambda. */
  readonly service: ServicePlan | null;
  /** null: the group has none. */
  readonly groupHooks: GroupHooks | null;
}

/** Asks AWS how everything stands, and changes nothing. */
export type PlanShift = (request: PlanRequest) => Promise<ManagementOperations['PlanDeployment']['output']>;
