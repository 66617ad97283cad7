/**
 * PutDeploymentGroupHooks and DescribeDeploymentGroupHooks: beyond CodeDeploy. The hooks that a group has for deployments to Lambda and ECS, and
 * what its hooks get beside the documented payload. Each hook is tried before it is taken.
 */
import { HOOK_FUNCTION } from '../../appspec/resources/hooks.ts';
import { RESOURCE_HOOK_EVENTS } from '../../appspec/resources/types.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { GroupHooksRecord } from '../../protocol/management/shapes.ts';
import type { GroupHooks, HookParameter } from '../engine/shifting/group-hooks.ts';
import { updateGroup } from '../store/deployment-groups.ts';
import type { ApplicationRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { requireApplication, requireHeldApplication, requirePlatform } from './applications.ts';
import { requireDeployable } from './compute-platform.ts';
import type { ApiContext, Handlers, Input } from './context.ts';
import { requireGroup, requireLockedGroup } from './deployment-groups.ts';
import {
  APPLICATION,
  countCharacters,
  GROUP,
  quote,
  readList,
  readName,
  readText,
  requireObject,
  requireText,
} from './input.ts';
import type { GroupSettings } from './settings/group-settings.ts';
import type { ShiftedPlatform } from './settings/shifted-group.ts';

const MAX_PARAMETERS = 20;
const MAX_VALUE = 1_024;
/** Each is a member of the payload, and a part of a variable's name. */
const PARAMETER_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
/** Members that hooks get anyway. */
const TAKEN: readonly string[] = [
  ...['DeploymentId', 'LifecycleEventHookExecutionId', 'LifecycleEvent', 'Event'],
  ...['ApplicationName', 'DeploymentGroupName'],
];

export const eventHookHandlers: Handlers<'PutDeploymentGroupHooks' | 'DescribeDeploymentGroupHooks'> = {
  async PutDeploymentGroupHooks(ctx, input) {
    const names = readNames(input);
    const platform = await shiftedPlatformOf(ctx.store.db, names.applicationName);
    const wanted = readHooks(input, platform);
    requireDeployable(platform, ctx.asksAws);
    await requireGroup(ctx.store.db, await requireApplication(ctx.store.db, names.applicationName), names.groupName);
    await tryHooks(ctx, wanted);
    await ctx.store.transaction(async (tx) => {
      const application = requirePlatform(await requireHeldApplication(tx, names.applicationName), platform);
      const row = await requireLockedGroup(tx, application, names.groupName);
      const settings: GroupSettings = { ...(JSON.parse(row.settings_json) as GroupSettings), groupHooks: wanted };
      await updateGroup(tx, row.deployment_group_id, { settings_json: JSON.stringify(settings) });
    });
    return recordOf(wanted);
  },

  async DescribeDeploymentGroupHooks(ctx, input) {
    const { applicationName, groupName } = readNames(input);
    const application = await requireApplication(ctx.store.db, applicationName);
    const row = await requireGroup(ctx.store.db, application, groupName);
    const { groupHooks } = JSON.parse(row.settings_json) as GroupSettings;
    return recordOf(groupHooks ?? { hooks: {}, parameters: [], isExtended: false });
  },
};

function readNames(input: Input) {
  return {
    applicationName: readName(input, 'applicationName', APPLICATION),
    groupName: readName(input, 'deploymentGroupName', GROUP),
  };
}

/** @throws ApiError InvalidComputePlatformException: hosts have scripts, which come with the revision */
async function shiftedPlatformOf(db: StoreReader, applicationName: string): Promise<ShiftedPlatform> {
  const { compute_platform: platform }: ApplicationRow = await requireApplication(db, applicationName);
  if (platform !== 'Server') return platform;
  throw new ApiError(
    'InvalidComputePlatformException',
    `The application ${applicationName} deploys to hosts, whose hooks are scripts of the revision: name them in its AppSpec file.`,
  );
}

/** @throws ApiError ValidationException */
function readHooks(input: Input, platform: ShiftedPlatform): GroupHooks {
  const hooks = new Map<string, string>();
  for (const [index, entry] of (readList(input, 'hooks') ?? []).entries()) {
    const [event, hook] = readHook(requireObject(entry, `hooks[${index}]`), `hooks[${index}]`, platform);
    if (hooks.has(event)) throw refused(`hooks[${index}].lifecycleEventName: ${event} has a hook already`);
    hooks.set(event, hook);
  }
  const parameters = readParameters(input);
  const payload = readText(input, 'payload') ?? (parameters.length > 0 ? 'EXTENDED' : 'DOCUMENTED');
  if (payload !== 'EXTENDED' && payload !== 'DOCUMENTED') {
    throw refused(`payload must be DOCUMENTED or EXTENDED, but is ${quote(payload)}`);
  }
  if (payload === 'DOCUMENTED' && parameters.length > 0) {
    throw refused('payload DOCUMENTED has no room for parameters: leave it out, or leave the parameters out');
  }
  return { hooks: Object.fromEntries(hooks), parameters, isExtended: payload === 'EXTENDED' };
}

function readHook(entry: Input, member: string, platform: ShiftedPlatform): readonly [event: string, hook: string] {
  const event = readText(entry, 'lifecycleEventName') ?? '';
  const hook = readText(entry, 'hook') ?? '';
  const events: readonly string[] = RESOURCE_HOOK_EVENTS[platform];
  if (!events.includes(event)) {
    throw refused(
      `${member}.lifecycleEventName must be an event of ${platform} with a hook, ${events.join(', ')}, but is ${quote(event)}`,
    );
  }
  if (HOOK_FUNCTION.pattern.test(hook)) return [event, hook];
  throw refused(`${member}.hook must be ${HOOK_FUNCTION.is}, but is ${quote(hook)}`);
}

function readParameters(input: Input): readonly HookParameter[] {
  const entries = readList(input, 'parameters') ?? [];
  if (entries.length > MAX_PARAMETERS) {
    throw refused(`parameters has ${entries.length} entries; ${MAX_PARAMETERS} is the limit`);
  }
  const names = new Set<string>();
  return entries.map((entry, index) => {
    const member = `parameters[${index}]`;
    const given = requireObject(entry, member);
    const name = readText(given, 'name') ?? '';
    const value = requireText(given['value'], `${member}.value`);
    if (!PARAMETER_NAME.test(name)) {
      throw refused(
        `${member}.name must begin with a letter and have letters, digits and _, 64 at most, but is ${quote(name)}`,
      );
    }
    if (TAKEN.includes(name)) throw refused(`${member}.name ${name} is a member that hooks get anyway: use another`);
    if (names.has(name)) throw refused(`${member}.name ${name} is given twice`);
    names.add(name);
    const length = countCharacters(value);
    if (length > MAX_VALUE) throw refused(`${member}.value has ${length} characters; ${MAX_VALUE} is the limit`);
    return { name, value };
  });
}

/** A hook that cannot be called would be found out when traffic has moved. Each is tried, so that one answer names all. */
async function tryHooks({ tryHook }: Pick<ApiContext, 'tryHook'>, { hooks }: GroupHooks): Promise<void> {
  const tried = Object.entries(hooks).map(async ([event, name]) => {
    const why = await tryHook(name);
    return why === null ? [] : [`The hook ${name} of ${event} ${why}`];
  });
  const faults = (await Promise.all(tried)).flat();
  if (faults.length > 0) throw refused(`${faults.join('. ')}. The group keeps the hooks that it had`);
}

function recordOf({ hooks, parameters, isExtended }: GroupHooks): GroupHooksRecord {
  return {
    hooks: Object.entries(hooks).map(([lifecycleEventName, hook]) => ({ lifecycleEventName, hook })),
    parameters,
    payload: isExtended ? 'EXTENDED' : 'DOCUMENTED',
  };
}

function refused(why: string): ApiError {
  return new ApiError('ValidationException', `${why}.`);
}
