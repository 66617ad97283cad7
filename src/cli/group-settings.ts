/** The settings of a deployment group as flags, and what the API calls them. */
import { type Command, InvalidArgumentError } from 'commander';
import type { ManagementOperations } from '../protocol/management/shapes.ts';
import { collect, parseTag, type Tag } from './arguments.ts';

export interface GroupSettingsOptions {
  readonly tag?: readonly Tag[];
  readonly config?: string;
  readonly autoRollback?: readonly RollbackCause[];
}

type Input = ManagementOperations['UpdateDeploymentGroup']['input'];
type RollbackEvent = NonNullable<NonNullable<Input['autoRollbackConfiguration']>['events']>[number];

const ROLLBACK_EVENTS = {
  failure: 'DEPLOYMENT_FAILURE',
  stop: 'DEPLOYMENT_STOP_ON_REQUEST',
} as const satisfies Record<string, RollbackEvent>;

export type RollbackCause = keyof typeof ROLLBACK_EVENTS;

/** `failure,stop` → both; `none` → none. */
export function parseRollbackCauses(text: string): readonly RollbackCause[] {
  if (text === 'none') return [];
  return text.split(',').map((cause) => {
    if (Object.hasOwn(ROLLBACK_EVENTS, cause)) return cause as RollbackCause;
    throw new InvalidArgumentError(`'${cause}' is none of ${Object.keys(ROLLBACK_EVENTS).join(', ')}, or none`);
  });
}

/** A deployment has these, too. */
export function addRollbackOptions(command: Command): Command {
  return command.option(
    '--auto-rollback <when>',
    'deploy the last good revision again after: failure, stop, or both with a comma between; or none',
    parseRollbackCauses,
  );
}

export function autoRollbackOf(causes: readonly RollbackCause[]) {
  return { enabled: causes.length > 0, events: causes.map((cause) => ROLLBACK_EVENTS[cause]) };
}

export function filtersOf(tags: readonly Tag[]) {
  return tags.map((tag) => ({ ...tag, Type: 'KEY_AND_VALUE' as const }));
}

/** Only what was given: what is absent stays as it is. */
export function settingsInput(options: GroupSettingsOptions) {
  const { tag, config, autoRollback } = options;
  return {
    ...(tag === undefined ? {} : { onPremisesInstanceTagFilters: filtersOf(tag) }),
    ...(config === undefined ? {} : { deploymentConfigName: config }),
    ...(autoRollback === undefined ? {} : { autoRollbackConfiguration: autoRollbackOf(autoRollback) }),
  };
}

export function addTagOption(command: Command): Command {
  return command.option(
    '--tag <key=value>',
    'hosts with this tag belong to it; may be repeated, any one suffices',
    collect(parseTag),
  );
}
