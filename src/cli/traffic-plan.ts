/**
 * `slipway plan --appspec`: the calls that a deployment of this file would make. A server is asked where the deployment group is named. Else nothing is
 * asked, and the plan is for a predefined configuration of Lambda.
 */
import { readResourceAppSpec } from '../appspec/resources/read.ts';
import { SlipwayError } from '../errors.ts';
import type { PlannedCall } from '../protocol/management/shapes.ts';
import { findPredefined } from '../server/api/predefined-configs.ts';
import { plannedFunctionCalls } from '../server/engine/shifting/planned-function-calls.ts';
import { scheduleOf } from '../server/engine/shifting/schedule.ts';
import { shellWord } from '../system/shell-word.ts';
import { appSpecRevision } from './appspec-argument.ts';
import { type ConnectionOptions, connect } from './connection.ts';
import type { CliContext } from './context.ts';
import { findServerGroup, type ServerGroupOptions } from './server-group.ts';

const DEFAULT_TRAFFIC_CONFIG = 'CodeDeployDefault.LambdaAllAtOnce';

export interface TrafficPlanOptions extends ConnectionOptions, ServerGroupOptions {
  readonly group?: string;
  readonly config?: string;
}

export interface TrafficPlan {
  readonly calls: readonly PlannedCall[];
  /** How the deployment would fail before anything moves; absent: it would begin, or nobody was asked. */
  readonly errorInformation?: { readonly code: string; readonly message: string };
}

/** @throws SlipwayError CLI_BAD_ARGUMENT for a file, a group or a configuration that cannot be planned with; as every call to a server */
export async function trafficPlan(ctx: CliContext, file: string, options: TrafficPlanOptions): Promise<TrafficPlan> {
  const { group, config } = options;
  if (group === undefined) return { calls: planWithoutServer(ctx, file, config ?? DEFAULT_TRAFFIC_CONFIG) };
  const revision = appSpecRevision(ctx, file);
  const { client } = connect(ctx, options);
  const names = await findServerGroup(client, group, options);
  const named = config === undefined ? {} : { deploymentConfigName: config };
  return client.call('PlanDeployment', { ...names, ...named, revision });
}

/** @throws SlipwayError CLI_BAD_ARGUMENT for a file with errors, or one that is not for Lambda, and for another configuration */
export function planWithoutServer(
  ctx: Pick<CliContext, 'workingDirectory'>,
  file: string,
  configName: string,
): readonly PlannedCall[] {
  const { content } = appSpecRevision(ctx, file).appSpecContent;
  if (readResourceAppSpec(content, { filename: file, platform: 'ECS' }).ok) {
    throw new SlipwayError(
      'CLI_BAD_ARGUMENT',
      `${file} is for ECS, and the deployment group says where its traffic is`,
      {
        remedy: 'Name the group, so that its server is asked: add --group APPLICATION/GROUP.',
      },
    );
  }
  const reading = readResourceAppSpec(content, { filename: file, platform: 'Lambda' });
  if (!reading.ok) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `${file} is no AppSpec file for Lambda`, {
      remedy: `See what is wrong: slipway validate ${shellWord(file)} --platform lambda.`,
    });
  }
  const config = findPredefined(configName);
  if (config?.platform !== 'Lambda' || reading.appSpec.platform !== 'Lambda') {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `--config ${configName} is no predefined configuration of Lambda`, {
      remedy:
        'Show them: slipway configs list. For one of your own, name the deployment group: --group APPLICATION/GROUP.',
    });
  }
  const { appSpec } = reading;
  const hookCalls = new Map([...appSpec.hooks].map(([event, name]) => [event, hookInWords(name)]));
  return plannedFunctionCalls({ ...appSpec, hookCalls }, scheduleOf(config.routing, 1), null);
}

/** Nobody is asked what the server's file has: a plain name may stand there, too. */
function hookInWords(name: string): string {
  return name.startsWith('hook:') ? `the hook ${name.slice('hook:'.length)} of the server’s file` : `Invoke ${name}`;
}
