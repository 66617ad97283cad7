/** The settings of a deployment group as flags, and what the API calls them. */
import { type Command, InvalidArgumentError } from 'commander';
import type { ManagementOperations } from '../protocol/management/shapes.ts';
import { collect, parseTag, type Tag } from './arguments.ts';

export interface GroupSettingsOptions {
  readonly tag?: readonly Tag[];
  readonly config?: string;
  readonly autoRollback?: readonly RollbackCause[];
  readonly alarm?: readonly string[];
  readonly outdated?: 'update' | 'ignore';
}

type Input = ManagementOperations['UpdateDeploymentGroup']['input'];
type RollbackEvent = NonNullable<NonNullable<Input['autoRollbackConfiguration']>['events']>[number];

const ROLLBACK_EVENTS = {
  failure: 'DEPLOYMENT_FAILURE',
  stop: 'DEPLOYMENT_STOP_ON_REQUEST',
  alarm: 'DEPLOYMENT_STOP_ON_ALARM',
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

function parseAlarm(name: string): string {
  if (name === '') throw new InvalidArgumentError('the name of an alarm is empty');
  return name;
}

/** A deployment has these, too. */
export function addRollbackOptions(command: Command): Command {
  return command
    .option(
      '--auto-rollback <when>',
      'deploy the last good revision again after: failure, stop, alarm, with commas between; or none',
      parseRollbackCauses,
    )
    .option('--alarm <name>', 'alarm, kept and shown only; may be repeated; none: no alarms', collect(parseAlarm));
}

export function autoRollbackOf(causes: readonly RollbackCause[]) {
  return { enabled: causes.length > 0, events: causes.map((cause) => ROLLBACK_EVENTS[cause]) };
}

export function alarmsOf(names: readonly string[]) {
  const alarms = names.filter((name) => name !== 'none').map((name) => ({ name }));
  return { enabled: alarms.length > 0, alarms };
}

export function filtersOf(tags: readonly Tag[]) {
  return tags.map((tag) => ({ ...tag, Type: 'KEY_AND_VALUE' as const }));
}

/** Only what was given: what is absent stays as it is. */
export function settingsInput(options: GroupSettingsOptions) {
  const { tag, config, autoRollback, alarm, outdated } = options;
  return {
    ...(tag === undefined ? {} : { onPremisesInstanceTagFilters: filtersOf(tag) }),
    ...(config === undefined ? {} : { deploymentConfigName: config }),
    ...(autoRollback === undefined ? {} : { autoRollbackConfiguration: autoRollbackOf(autoRollback) }),
    ...(alarm === undefined ? {} : { alarmConfiguration: alarmsOf(alarm) }),
    ...(outdated === undefined
      ? {}
      : { outdatedInstancesStrategy: outdated === 'update' ? ('UPDATE' as const) : ('IGNORE' as const) }),
  };
}

export function addTagOption(command: Command): Command {
  return command.option(
    '--tag <key=value>',
    'hosts with this tag belong to it; may be repeated, any one suffices',
    collect(parseTag),
  );
}
