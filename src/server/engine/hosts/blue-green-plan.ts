/** How a deployment goes from one fleet to another, as it is stored with the deployment. Types only. Pure. */
import type { FilterLists } from './membership.ts';

export type BlueGreenPlan = ReplacementPlan | WayBackPlan;

/** The replacement hosts (green) get the revision, and then the traffic of the original ones (blue). */
export interface ReplacementPlan {
  readonly course: 'blue-green';
  /** Lists of tag filters: a replacement host matches one of each list. */
  readonly greenFilterLists: FilterLists;
  /** How long ContinueDeployment is waited for before the deployment stops, in milliseconds; null: traffic is rerouted at once. */
  readonly readyWaitMs: number | null;
  /** Wait before the original hosts are terminated, in milliseconds; null: they are kept. */
  readonly terminationWaitMs: number | null;
}

/** A rollback: the original hosts get their traffic back, and then the replacement hosts lose it. */
export interface WayBackPlan {
  readonly course: 'blue-green-rollback';
  /** The deployment that is rolled back. */
  readonly deploymentId: string;
}
