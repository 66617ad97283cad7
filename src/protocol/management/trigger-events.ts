/** Events that a trigger of a deployment group is told of. Pure. */

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
