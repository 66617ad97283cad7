/** Looks at a function's alias before a deployment to it begins. */

import type { LambdaDetails } from '../engine/shifting/plan.ts';
import { type AliasLook, inWords } from '../outside/aws/alias-look.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { Functions } from '../outside/aws/lambda.ts';
import { HOSTED_TEXT, resetCommand } from './alias-words.ts';
import type { Preflight } from './prepare-shift.ts';
import { ShiftFault } from './shift-retry.ts';

export function functionPreflight(functions: Pick<Functions, 'alias'>): Preflight {
  return async (appSpec, _deployment, signal) => {
    if (appSpec.platform !== 'Lambda') throw new ShiftFault('INVALID_REVISION', 'The AppSpec file is not for Lambda.');
    const { functionName, alias, currentVersion, targetVersion } = appSpec;
    const look = await lookAt(functions, { functionName, alias }, signal);
    if (look.functionVersion !== currentVersion) {
      throw new ShiftFault(
        'INVALID_LAMBDA_CONFIGURATION',
        `${HOSTED_TEXT} The Lambda function alias version does not match the current version in AppSpec file. The alias ${alias} of ` +
          `${functionName} is at version ${look.functionVersion}, and CurrentVersion is ${currentVersion}. Name the alias' version there.`,
      );
    }
    if (Object.keys(look.weights).length > 0) {
      throw new ShiftFault(
        'INVALID_LAMBDA_CONFIGURATION',
        `The alias ${alias} of ${functionName} is divided already: ${inWords(look.functionVersion, look.weights)}. Give all traffic to one ` +
          `version first: ${resetCommand({ functionName, alias }, currentVersion)}`,
      );
    }
    const details: LambdaDetails = {
      ...{ functionName, functionAlias: alias, currentVersion, targetVersion, targetVersionWeight: 0 },
    };
    return {
      target: {
        subjectId: `${look.functionArn}:${alias}`,
        // The API names the target as the function; an ARN is no name.
        targetId: look.functionArn.split(':').at(-1) ?? functionName,
        targetArn: look.functionArn,
        details,
      },
      call: `GetAlias ${functionName}:${alias}`,
      answer: inWords(look.functionVersion, look.weights),
    };
  };
}

async function lookAt(
  functions: Pick<Functions, 'alias'>,
  name: { readonly functionName: string; readonly alias: string },
  signal: AbortSignal,
): Promise<AliasLook> {
  try {
    return await functions.alias(name, signal);
  } catch (error) {
    if (!(error instanceof AwsFault) || error.trouble !== 'missing') throw error;
    throw new ShiftFault(
      'INVALID_LAMBDA_FUNCTION',
      `There is no function ${name.functionName} with an alias ${name.alias}. ${error.call}: ${error.answer}.`,
    );
  }
}
