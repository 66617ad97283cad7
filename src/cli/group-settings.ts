/** The settings of a deployment group as flags, and what the API calls them. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SlipwayError } from '../errors.ts';
import type { ManagementOperations } from '../protocol/management/shapes.ts';
import { collect } from './arguments.ts';
import { type AutoScalingOptions, autoScalingInput, parseNames } from './auto-scaling-options.ts';
import { type BlueGreenOptions, blueGreenInput, type KnownGroup } from './blue-green-options.ts';
import { type GivenTrigger, triggerConfigurations } from './group-triggers.ts';
import { type ServiceOptions, serviceInput } from './service-options.ts';
import { parseTagFilter, parseTagSet, type TagFilter } from './tag-filters.ts';

export interface GroupSettingsOptions extends AlarmOptions, BlueGreenOptions, AutoScalingOptions, ServiceOptions {
  readonly tag?: readonly TagFilter[];
  readonly tagSet?: readonly (readonly TagFilter[])[];
  readonly config?: string;
  readonly autoRollback?: readonly RollbackCause[];
  readonly outdated?: 'update' | 'ignore';
  /** Empty: nobody is told anything. */
  readonly trigger?: readonly GivenTrigger[];
}

export interface AlarmOptions {
  readonly alarms?: readonly string[];
  readonly ignoreUnreadableAlarms?: boolean;
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

/** A deployment has these, too. */
export function addAlarmOptions(command: Command): Command {
  return command
    .option(
      '--alarms <names>',
      'alarms of the server that stop a deployment, with commas between; or none',
      (text: string) => (text === 'none' ? [] : text.split(',')),
    )
    .option('--ignore-unreadable-alarms', 'go on while an alarm cannot be read; with --alarms');
}

/** @returns null: nothing was said about alarms @throws SlipwayError CLI_BAD_ARGUMENT */
export function alarmsOf({ alarms, ignoreUnreadableAlarms = false }: AlarmOptions) {
  if (alarms === undefined && ignoreUnreadableAlarms) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--ignore-unreadable-alarms is given without --alarms', {
      remedy: 'Add --alarms with the names of the alarms, or leave it out.',
    });
  }
  if (alarms === undefined) return null;
  const list = alarms.map((name) => ({ name }));
  return { enabled: alarms.length > 0, ignorePollAlarmFailure: ignoreUnreadableAlarms, alarms: list };
}

export function addOutdatedOption(command: Command): Command {
  const meaning = 'whether hosts that were offline or have an older revision get the last good one by themselves';
  return command.addOption(new Option('--outdated <what>', meaning).choices(['update', 'ignore']));
}

export function addLoadBalancerOption(command: Command): Command {
  return command
    .option(
      '--load-balancers <names>',
      'hosts leave these while they are deployed to, names of the server’s own file, or target groups of AWS, with a comma between; or none',
      parseNames,
    )
    .option(
      '--classic-load-balancers <names>',
      'the same for Classic Load Balancers of AWS, with a comma between; or none',
      parseNames,
    );
}

/** A deployment has these, too. */
export function addRollbackOptions(command: Command): Command {
  return command.option(
    '--auto-rollback <when>',
    'deploy the last good revision again after: failure, stop, alarm, with commas between; or none',
    parseRollbackCauses,
  );
}

export function autoRollbackOf(causes: readonly RollbackCause[]) {
  return { enabled: causes.length > 0, events: causes.map((cause) => ROLLBACK_EVENTS[cause]) };
}

/**
 * Only what was given: what is absent stays as it is. Each of the two forms for tags takes the place of the other.
 *
 * @param known what the group has already; null: it is new
 * @throws SlipwayError CLI_BAD_ARGUMENT when both forms are given
 */
export function settingsInput(options: GroupSettingsOptions, known: KnownGroup = null) {
  const { tag, tagSet, config, autoRollback, outdated, trigger } = options;
  if (tag !== undefined && tagSet !== undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--tag and --tag-set are two ways to say which hosts are meant', {
      remedy: 'Give one --tag-set for each list of tags of which a host must have one.',
    });
  }
  const alarmConfiguration = alarmsOf(options);
  return {
    ...(alarmConfiguration === null ? {} : { alarmConfiguration }),
    ...(tag === undefined ? {} : { onPremisesInstanceTagFilters: [...tag] }),
    ...(tagSet === undefined ? {} : { onPremisesTagSet: { onPremisesTagSetList: tagSet.map((list) => [...list]) } }),
    ...(config === undefined ? {} : { deploymentConfigName: config }),
    ...(outdated === undefined ? {} : { outdatedInstancesStrategy: strategyOf(outdated) }),
    ...(autoRollback === undefined ? {} : { autoRollbackConfiguration: autoRollbackOf(autoRollback) }),
    ...autoScalingInput(options),
    ...blueGreenInput(options, known, isOfService(options, known)),
    ...serviceInput(options),
    ...(trigger === undefined ? {} : { triggerConfigurations: triggerConfigurations(trigger) }),
  };
}

function isOfService({ ecsService, targetGroups }: ServiceOptions, known: KnownGroup): boolean {
  return ecsService !== undefined || targetGroups !== undefined || known?.computePlatform === 'ECS';
}

function strategyOf(outdated: 'update' | 'ignore'): 'UPDATE' | 'IGNORE' {
  return outdated === 'update' ? 'UPDATE' : 'IGNORE';
}

export function addTagOptions(command: Command): Command {
  return command
    .option(
      '--tag <key=value>',
      'hosts with this tag belong to it; KEY=* is any value, *=VALUE any key; may be repeated, any one suffices',
      collect(parseTagFilter),
    )
    .option(
      '--tag-set <tags>',
      'hosts with one of these tags, commas between them; may be repeated, then a host must have one of each',
      collect(parseTagSet),
    );
}
