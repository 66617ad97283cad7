/** Traffic that is divided although no deployment moves it any more: after a stop without a rollback, or where AWS did not let it be led back. Pure. */
import { shellCommand } from '../../../system/shell-word.ts';
import type { LambdaDetails } from './plan.ts';
import { type PairDetails, pairsOf, type ServiceDetails } from './service-plan.ts';

export interface DividedTraffic {
  /** What is divided, and how. */
  readonly words: string;
  readonly remedy: string;
}

/** @param details of the target of a deployment that is over, as they were last seen @returns null: all traffic goes to one version */
export function dividedTraffic(details: object): DividedTraffic | null {
  return 'functionAlias' in details
    ? dividedAlias(details as LambdaDetails)
    : 'taskSets' in details
      ? dividedService(details as ServiceDetails)
      : null;
}

function dividedAlias(details: LambdaDetails): DividedTraffic | null {
  const { functionName, functionAlias, currentVersion, targetVersion, targetVersionWeight: percent } = details;
  if (percent <= 0 || percent >= 100) return null;
  const reset = shellCommand(
    ...['aws', 'lambda', 'update-alias', '--function-name', functionName, '--name', functionAlias],
    ...['--function-version', currentVersion, '--routing-config', 'AdditionalVersionWeights={}'],
  );
  return {
    words: `the alias ${functionAlias} of ${functionName} is left divided: ${percent} % to version ${targetVersion}, the rest to version ${currentVersion}`,
    remedy: `The next deployment refuses such an alias. Give all traffic to one version: ${reset}`,
  };
}

function dividedService(details: ServiceDetails): DividedTraffic | null {
  const { service, taskSets } = details;
  const green = taskSets.find(({ label }) => label === 'Green');
  const percent = green?.trafficWeight ?? 0;
  if (green === undefined || percent <= 0 || percent >= 100) return null;
  const listeners = new Set(pairsOf<PairDetails>(details).map(({ productionListener }) => productionListener));
  return {
    words: `the traffic of ${service} is left divided: ${percent}% to ${green.targetGroup}, by the listener ${[...listeners].join(' and ')}`,
    remedy: 'Deploy to it: the next deployment leads all traffic to the PRIMARY task set before it begins.',
  };
}
