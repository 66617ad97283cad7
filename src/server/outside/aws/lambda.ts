/**
 * Functions of Lambda: the alias whose traffic moves, provisioned concurrency, and calls of hooks. Each is one nudge or one look.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
 */
import type { AliasConfiguration, Lambda } from '@aws-sdk/client-lambda';
import { type AliasLook, type AliasWish, inWords } from './alias-look.ts';
import { AwsFault, callAws } from './aws-fault.ts';

export interface AliasName {
  readonly functionName: string;
  readonly alias: string;
}

/** `none`: nothing is configured for the version or the alias. */
export type ProvisionedState = 'none' | 'ready' | 'in-progress' | 'failed';

export interface ProvisionedLook {
  readonly state: ProvisionedState;
  /** In words. */
  readonly answer: string;
}

export interface Functions {
  /** @throws AwsFault */
  alias(name: AliasName, signal: AbortSignal): Promise<AliasLook>;
  /** @throws AwsFault with the code PreconditionFailedException when somebody has changed the alias */
  putAlias(name: AliasName, wish: AliasWish, signal: AbortSignal): Promise<AliasLook>;
  /** @param qualifier a version or an alias @throws AwsFault */
  provisioned(functionName: string, qualifier: string, signal: AbortSignal): Promise<ProvisionedLook>;
}

export const PRECONDITION_FAILED = 'PreconditionFailedException';

/** @param clientFor the client of the region that an ARN names, or of the server's own; it must not repeat calls by itself */
export function createFunctions(clientFor: (functionName: string) => Promise<Lambda>): Functions {
  return {
    async alias({ functionName, alias }, abortSignal) {
      const call = `GetAlias ${functionName}:${alias}`;
      const answer = await callAws(call, async () =>
        (await clientFor(functionName)).getAlias({ FunctionName: functionName, Name: alias }, { abortSignal }),
      );
      return lookOf(call, answer);
    },
    async putAlias({ functionName, alias }, { functionVersion, weights, revisionId }, abortSignal) {
      const call = `UpdateAlias ${functionName}:${alias} ${inWords(functionVersion, weights)}`;
      const request = {
        ...{ FunctionName: functionName, Name: alias, FunctionVersion: functionVersion, RevisionId: revisionId },
        RoutingConfig: { AdditionalVersionWeights: mapWeights(weights, (percent) => percent / 100) },
      };
      const answer = await callAws(call, async () =>
        (await clientFor(functionName)).updateAlias(request, { abortSignal }),
      );
      return lookOf(call, answer);
    },
    async provisioned(functionName, qualifier, abortSignal) {
      const request = { FunctionName: functionName, Qualifier: qualifier };
      const call = `GetProvisionedConcurrencyConfig ${functionName}:${qualifier}`;
      try {
        const answer = await callAws(call, async () =>
          (await clientFor(functionName)).getProvisionedConcurrencyConfig(request, { abortSignal }),
        );
        const { Status, StatusReason, AvailableProvisionedConcurrentExecutions: there = 0 } = answer;
        const wanted = answer.RequestedProvisionedConcurrentExecutions ?? 0;
        const why = StatusReason ? `: ${StatusReason}` : '';
        return { state: stateOf(Status), answer: `${Status}, ${there} of ${wanted} are available${why}` };
      } catch (error) {
        if (!(error instanceof AwsFault) || error.trouble !== 'missing') throw error;
        return { state: 'none', answer: 'none is configured' };
      }
    },
  };
}

/** The region that an ARN names; null: it is a name, or names none. */
export function regionOfFunction(functionName: string): string | null {
  return /^arn:aws[a-zA-Z-]*:lambda:([a-z0-9-]+):/.exec(functionName)?.[1] ?? null;
}

function stateOf(status: string | undefined): ProvisionedState {
  if (status === 'READY') return 'ready';
  return status === 'FAILED' ? 'failed' : 'in-progress';
}

function lookOf(call: string, { AliasArn, FunctionVersion, RoutingConfig, RevisionId }: AliasConfiguration): AliasLook {
  if (!AliasArn || !FunctionVersion || !RevisionId) {
    throw new AwsFault(call, {
      trouble: 'away',
      code: '',
      answer: 'an answer without AliasArn, FunctionVersion or RevisionId',
    });
  }
  return {
    functionArn: AliasArn.split(':').slice(0, 7).join(':'),
    functionVersion: FunctionVersion,
    // A share of 0.07 is 7.000000000000001 percent.
    weights: mapWeights(RoutingConfig?.AdditionalVersionWeights ?? {}, (share) => Math.round(share * 1e8) / 1e6),
    revisionId: RevisionId,
  };
}

function mapWeights(
  weights: Readonly<Record<string, number>>,
  change: (weight: number) => number,
): Record<string, number> {
  return Object.fromEntries(Object.entries(weights).map(([version, weight]) => [version, change(weight)]));
}
