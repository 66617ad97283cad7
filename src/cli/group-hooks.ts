/** The hooks of a deployment group to Lambda or ECS as flags, and what is shown of them. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { RESOURCE_HOOK_EVENTS } from '../appspec/resources/types.ts';
import { didYouMean } from '../appspec/suggest.ts';
import { SlipwayError } from '../errors.ts';
import type { GroupHooksRecord, ManagementOperations } from '../protocol/management/shapes.ts';
import { collect } from './arguments.ts';

export interface GroupHooksOptions {
  readonly hook?: readonly GivenHook[];
  readonly hookParameter?: readonly GivenParameter[];
  readonly hookPayload?: 'documented' | 'extended';
  readonly none?: boolean;
}

type GivenHook = GroupHooksRecord['hooks'][number];
type GivenParameter = GroupHooksRecord['parameters'][number];
type Wanted = Omit<ManagementOperations['PutDeploymentGroupHooks']['input'], 'applicationName' | 'deploymentGroupName'>;

export function addGroupHooksOptions(command: Command): Command {
  return command
    .option(
      '--hook <event=name>',
      'hook of an event that the AppSpec file names none for: a function, or a hook of the server’s file; may be repeated',
      collect(parseHook),
    )
    .option(
      '--hook-parameter <key=value>',
      'member of your own that hooks get behind the documented ones; may be repeated',
      collect(parseParameter),
    )
    .addOption(
      new Option(
        '--hook-payload <what>',
        'documented: a function gets DeploymentId and LifecycleEventHookExecutionId alone; extended: also the group, the event and the parameters, as is usual with --hook-parameter',
      ).choices(['documented', 'extended']),
    )
    .option('--none', 'the group has no hooks and no parameters any more');
}

/** @returns null: nothing is to be changed @throws SlipwayError CLI_BAD_ARGUMENT */
export function wantedHooks({ hook, hookParameter, hookPayload, none = false }: GroupHooksOptions): Wanted | null {
  const isGiven = hook !== undefined || hookParameter !== undefined || hookPayload !== undefined;
  if (none && isGiven) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--none is given together with hooks or parameters', {
      remedy: 'Leave --none out: the hooks and parameters of the command take the place of those that the group has.',
    });
  }
  if (none) return {};
  if (!isGiven) return null;
  return {
    ...(hook === undefined ? {} : { hooks: hook }),
    ...(hookParameter === undefined ? {} : { parameters: hookParameter }),
    ...(hookPayload === undefined ? {} : { payload: hookPayload === 'extended' ? 'EXTENDED' : 'DOCUMENTED' }),
  };
}

/** `BeforeAllowTraffic=smoke-test`; an ARN has no equals sign, and neither has an event. */
function parseHook(text: string): GivenHook {
  const { name, value } = parsePair(text, 'EVENT=NAME, as BeforeAllowTraffic=smoke-test');
  const known = RESOURCE_HOOK_EVENTS.ECS;
  const lifecycleEventName = known.find((event) => event.toLowerCase() === name.toLowerCase());
  if (lifecycleEventName !== undefined && value !== '') return { lifecycleEventName, hook: value };
  if (value === '') throw new InvalidArgumentError(`'${text}' names no hook`);
  throw new InvalidArgumentError(`'${name}' is none of ${known.join(', ')}${didYouMean(name, known)}`);
}

function parseParameter(text: string): GivenParameter {
  return parsePair(text, 'KEY=VALUE');
}

function parsePair(text: string, form: string): GivenParameter {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`'${text}' is not ${form}`);
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

export function groupHookRows({ hooks, parameters, payload }: GroupHooksRecord): string[][] {
  const hooked = hooks.map(({ lifecycleEventName, hook }) => `${lifecycleEventName}=${hook}`);
  const own = parameters.map(({ name, value }) => `${name}=${value}`);
  return [
    ['hooks', hooked.length === 0 ? '-' : hooked.join(' ')],
    ['hook parameters', own.length === 0 ? '-' : own.join(' ')],
    ['hook payload', payload === 'EXTENDED' ? 'extended' : 'documented'],
  ];
}
