/** Calls of hooks: what is asked, and what is known afterwards. Types only. Pure. */

/**
 * `called`: it was called, and has answered here (`status`) or will answer by the API; `failed`: it was called and has broken off;
 * `not-called`: certainly not, so it may be called again; `refused`: it cannot be called; `unknown`: perhaps it was called.
 */
export interface HookCalled {
  readonly is: 'called' | 'failed' | 'not-called' | 'refused' | 'unknown';
  /** In one line. */
  readonly answer: string;
  /** Only of `called`: its answer; null: none yet. */
  readonly status?: 'Succeeded' | 'Failed' | null;
}

/** @param payload JSON, as the hosted service sends it. Never rejects */
export type HookCaller = (name: string, payload: string, signal: AbortSignal) => Promise<HookCalled>;

/** `{"DeploymentId", "LifecycleEventHookExecutionId"}`, exactly. @see the AWS CodeDeploy user guide, "AppSpec 'hooks' section" */
export function hookPayload(deploymentId: string, executionId: string): string {
  return JSON.stringify({ DeploymentId: deploymentId, LifecycleEventHookExecutionId: executionId });
}
