/** Interface of every hook of a deployment to Lambda or ECS: what it is called with, and what is known afterwards. Pure. */

export interface HookRequest {
  readonly deploymentId: string;
  /** The same in each call for one event: a receiver can tell a repetition by it. */
  readonly executionId: string;
  readonly event: string;
  readonly applicationName: string;
  readonly deploymentGroupName: string;
  /** Own members of the payload, which the deployment group asks for; absent: it asks for none, and a function gets exactly two members. */
  readonly parameters?: readonly HookParameter[];
}

/** A value of the deployment group's own, for its hooks. */
interface HookParameter {
  readonly name: string;
  readonly value: string;
}

/**
 * `called`: it was called, and has answered here (`status`) or will answer by the API; `failed`: it was called and has broken off;
 * `again`: it may be called again, because it was not called, or bears repetition; `refused`: it cannot be called; `unknown`: perhaps it
 * was called.
 */
export interface HookCalled {
  readonly is: 'called' | 'failed' | 'again' | 'refused' | 'unknown';
  /** In one line. */
  readonly answer: string;
  /** Only of `called`: its answer; null: none yet. */
  readonly status?: 'Succeeded' | 'Failed' | null;
}

export interface KnownHook {
  /** In words, as `Invoke shop-check`. */
  readonly call: string;
  /** From the call until the hook must have answered, here or by the API; milliseconds. */
  readonly limitMs: number;
  /** Whether it is called again when nobody knows what became of a call: the server was killed meanwhile. */
  readonly mayRunAgain: boolean;
  /**
   * Tries whether it can be called, and does not call it. Never rejects.
   *
   * @returns why it cannot be, or why nobody can say, as `cannot be called: …`; null: it can
   */
  tryOut(signal: AbortSignal): Promise<string | null>;
  /** Calls it once. Never rejects. */
  invoke(request: HookRequest, signal: AbortSignal): Promise<HookCalled>;
}

/** @param name as the AppSpec file has it @returns null: it names a hook of the server's file, which has no such hook */
export type FindHook = (name: string) => KnownHook | null;

/**
 * `{"DeploymentId", "LifecycleEventHookExecutionId"}`, exactly, unless the deployment group asks for more behind them.
 *
 * @see the AWS CodeDeploy user guide, "AppSpec 'hooks' section"
 */
export function hookPayload(request: HookRequest): string {
  const { deploymentId, executionId } = request;
  return JSON.stringify({
    ...{ DeploymentId: deploymentId, LifecycleEventHookExecutionId: executionId },
    ...extensionOf(request),
  });
}

/** Members that the deployment group asks for. */
function extensionOf({ deploymentGroupName, event, parameters }: HookRequest): Readonly<Record<string, string>> {
  if (parameters === undefined) return {};
  const own = parameters.map(({ name, value }): [string, string] => [name, value]);
  return { DeploymentGroupName: deploymentGroupName, Event: event, ...Object.fromEntries(own) };
}

/** The same for receivers of Slipway's own: what the call is about stands behind the two documented members. */
export function wideHookPayload(request: HookRequest): string {
  const { deploymentId, executionId, event, applicationName, deploymentGroupName } = request;
  return JSON.stringify({
    ...{ DeploymentId: deploymentId, LifecycleEventHookExecutionId: executionId },
    ...{ LifecycleEvent: event, ApplicationName: applicationName, DeploymentGroupName: deploymentGroupName },
    ...extensionOf(request),
  });
}
