/** `slipway plan --appspec`: what a deployment of this file would call, by a predefined configuration. Nothing is asked. */
import { readResourceAppSpec } from '../appspec/resources/read.ts';
import { SlipwayError } from '../errors.ts';
import { findPredefined } from '../server/api/predefined-configs.ts';
import { shellWord } from '../system/shell-word.ts';
import { appSpecRevision } from './appspec-argument.ts';
import type { CliContext } from './context.ts';
import { type PlannedCall, plannedCalls } from './view/traffic-plan.ts';

export const DEFAULT_TRAFFIC_CONFIG = 'CodeDeployDefault.LambdaAllAtOnce';

/** @throws SlipwayError CLI_BAD_ARGUMENT for a file with errors, or one that is not for Lambda, and for another configuration */
export function trafficPlan(
  ctx: Pick<CliContext, 'workingDirectory'>,
  file: string,
  configName: string,
): readonly PlannedCall[] {
  const { content } = appSpecRevision(ctx, file).appSpecContent;
  const reading = readResourceAppSpec(content, { filename: file, platform: 'Lambda' });
  if (!reading.ok) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `${file} is no AppSpec file for Lambda`, {
      remedy: `See what is wrong: slipway validate ${shellWord(file)} --platform lambda. Calls of ECS are not planned yet.`,
    });
  }
  const config = findPredefined(configName);
  if (config?.platform !== 'Lambda' || reading.appSpec.platform !== 'Lambda') {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `--config ${configName} is no predefined configuration of Lambda`, {
      remedy: 'Show them: slipway configs list.',
    });
  }
  return plannedCalls(reading.appSpec, config.routing);
}
