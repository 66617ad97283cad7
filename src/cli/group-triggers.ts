/** Triggers of deployment groups as flags: who is told, and of which events. */
import { type Command, InvalidArgumentError } from 'commander';
import { didYouMean } from '../appspec/suggest.ts';
import type { ManagementOperations } from '../protocol/management/shapes.ts';
import { TRIGGER_EVENTS, type TriggerEvent } from '../protocol/management/trigger-events.ts';

type Configs = NonNullable<ManagementOperations['UpdateDeploymentGroup']['input']['triggerConfigurations']>;

export interface GivenTrigger {
  readonly target: string;
  readonly events: readonly TriggerEvent[];
}

export function addTriggerOption(command: Command): Command {
  return command.option(
    '--trigger <target=events>',
    'tell this target, a webhook of the server’s file or the ARN of a topic, of these events, with commas between; may be repeated; or none',
    (text: string, before: readonly GivenTrigger[] = []) => (text === 'none' ? [] : [...before, parseTrigger(text)]),
  );
}

/** `chat=DeploymentFailure,DeploymentStop`; a target may have an equals sign in it, events have none. */
function parseTrigger(text: string): GivenTrigger {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError('it must be TARGET=EVENT,EVENT, as chat=DeploymentFailure, or none');
  const events = text
    .slice(at + 1)
    .split(',')
    .map((name) => eventOf(name.trim()));
  return { target: text.slice(0, at), events };
}

function eventOf(name: string): TriggerEvent {
  const event = TRIGGER_EVENTS.find((known) => known.toLowerCase() === name.toLowerCase());
  if (event !== undefined) return event;
  throw new InvalidArgumentError(
    `'${name}' is none of ${TRIGGER_EVENTS.join(', ')}${didYouMean(name, TRIGGER_EVENTS)}`,
  );
}

/** A trigger needs a name of its own in its group: the last word of its target's, with a number where that is taken. */
export function triggerConfigurations(triggers: readonly GivenTrigger[]): Configs {
  const taken = new Map<string, number>();
  return triggers.map(({ target, events }) => {
    const word = (target.split(':').at(-1) ?? '').slice(0, 90) || 'trigger';
    const count = (taken.get(word) ?? 0) + 1;
    taken.set(word, count);
    return {
      triggerName: count === 1 ? word : `${word}-${count}`,
      triggerTargetArn: target,
      triggerEvents: [...events],
    };
  });
}
