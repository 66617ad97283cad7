/** Triggers of deployment groups: what happens about which event. Pure. */

/** @see the hosted service's guide, "Trigger event types"; the two that are Ready come in blue/green deployments alone */
export const TRIGGER_EVENTS = [
  'DeploymentStart',
  'DeploymentSuccess',
  'DeploymentFailure',
  'DeploymentStop',
  'DeploymentRollback',
  'DeploymentReady',
  'InstanceStart',
  'InstanceSuccess',
  'InstanceFailure',
  'InstanceReady',
] as const;

export type TriggerEvent = (typeof TRIGGER_EVENTS)[number];

export interface Trigger {
  /** Unique in its group. */
  readonly name: string;
  /** The ARN of a topic of SNS, or a name that the server's file of webhooks has. */
  readonly target: string;
  readonly events: readonly TriggerEvent[];
}

/** A member of the API's shapes. */
export interface TriggerConfig {
  readonly triggerName?: string | undefined;
  readonly triggerTargetArn?: string | undefined;
  readonly triggerEvents?: readonly string[] | undefined;
}

/** @param configs as a group keeps them; what an older version has kept without a look at it is left out where it says nothing */
export function triggersOf(configs: readonly TriggerConfig[] | undefined): readonly Trigger[] {
  return (configs ?? []).flatMap(({ triggerName, triggerTargetArn, triggerEvents = [] }): Trigger[] => {
    const events = TRIGGER_EVENTS.filter((event) => triggerEvents.includes(event));
    if (!triggerName || !triggerTargetArn || events.length === 0) return [];
    return [{ name: triggerName, target: triggerTargetArn, events }];
  });
}
