/** Interface of every hook of a deployment to Lambda or ECS: what it is called with, and what is known afterwards. Pure. */

export interface HookRequest {
  readonly deploymentId: string;
  /** The same in each call for one event: a receiver can tell a repetition by it. */
  readonly executionId: string;
  readonly event: string;
  readonly applicationName: string;
  readonly deploymentGroupName: string;
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
  /** Calls it once. Never rejects. */
  invoke(request: HookRequest, signal: AbortSignal): Promise<HookCalled>;
}

/** @param name as the AppSpec file has it @returns null: it names a hook of the server's file, which has no such hook */
export type FindHook = (name: string) => KnownHook | null;

/** `{"DeploymentId", "LifecycleEventHookExecutionId"}`, exactly. @see the AWS CodeDeploy user guide, "AppSpec 'hooks' section" */
export function hookPayload({ deploymentId, executionId }: HookRequest): string {
  return JSON.stringify({ DeploymentId: deploymentId, LifecycleEventHookExecutionId: executionId });
}

/** The same for receivers of Slipway's own: what the call is about stands behind the two documented members. */
export function wideHookPayload(request: HookRequest): string {
  const { deploymentId, executionId, event, applicationName, deploymentGroupName } = request;
  return JSON.stringify({
    ...{ DeploymentId: deploymentId, LifecycleEventHookExecutionId: executionId },
    ...{ LifecycleEvent: event, ApplicationName: applicationName, DeploymentGroupName: deploymentGroupName },
  });
}
