/** Triggers of deployment groups: what happens about which event. Pure. */

import { TRIGGER_EVENTS, type TriggerEvent } from '../../protocol/management/trigger-events.ts';

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
