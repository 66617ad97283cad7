/** How messages speak of an alias that is not as a deployment wants it. Pure. */
import { type AliasLook, inWords } from '../outside/aws/alias-look.ts';
import type { Versions } from './alias-plan.ts';

interface Alias extends Versions {
  readonly functionName: string;
  readonly alias: string;
}

/** Clients look for this text of the hosted service. */
export const HOSTED_TEXT =
  'The deployment failed because the AppSpec file that specifies the AWS Lambda deployment configuration is missing or has an invalid configuration.';

/** The command that gives all traffic of an alias to one version. */
export function resetCommand({ functionName, alias }: Pick<Alias, 'functionName' | 'alias'>, version: string): string {
  return (
    `aws lambda update-alias --function-name ${functionName} --name ${alias} --function-version ${version} ` +
    "--routing-config 'AdditionalVersionWeights={}'"
  );
}

/** @param look of an alias that nothing here has left so */
export function foreignWords({ functionName, alias, currentVersion, targetVersion }: Alias, look: AliasLook): string {
  return (
    `INVALID_LAMBDA_CONFIGURATION: Somebody else has changed the alias ${alias} of ${functionName} while traffic moved from version ` +
    `${currentVersion} to ${targetVersion}: it has ${inWords(look.functionVersion, look.weights)} now, and is left so.`
  );
}

/** How the traffic is after a stop that no rollback follows. */
export function leftWords(about: Alias, look: AliasLook, percent: number | null): string {
  const { functionName, alias, currentVersion, targetVersion } = about;
  const name = `The alias ${alias} of ${functionName}`;
  if (percent === 0) return `${name} still gives all traffic to version ${currentVersion}.`;
  if (percent === 100) return `${name} gives all traffic to version ${targetVersion}.`;
  return (
    `${name} is left divided: ${inWords(look.functionVersion, look.weights)}. The next deployment refuses such an alias. Give all traffic ` +
    `to one version first: ${resetCommand(about, currentVersion)}`
  );
}
