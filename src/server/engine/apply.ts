import type { Random } from '../../system/random.ts';
import { giveDeploymentOrder } from '../store/deployment-orders.ts';
import { updateDeployment } from '../store/deployments.ts';
import { makeReady } from '../store/event-changes.ts';
import { skipEvents, updateEvent } from '../store/lifecycle-events.ts';
import { closeHookOrder, giveOrder } from '../store/orders.ts';
import type { DeploymentRow, TargetRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { setTargetStatus, setTargetsReady } from '../store/targets.ts';
import { eventDiagnostics } from './diagnostics.ts';
import { finishDeployment } from './finish.ts';
import type { Action, TargetEnding } from './snapshot.ts';

export interface ApplyContext {
  readonly random: Pick<Random, 'uuid' | 'text'>;
  readonly nowMs: number;
}

const EXECUTION_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Announcements to make once the transaction is committed. */
export interface Applied {
  /** Hosts that have something to do now. */
  readonly hostArns: readonly string[];
  /** Whether the server has something to do itself. */
  readonly hasOrders: boolean;
  /** A rollback that begins where this deployment ended. */
  readonly followedBy: string | null;
}

/** Writes down what was decided. The deployment must be locked. */
export async function applyActions(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  actions: readonly Action[],
  ctx: ApplyContext,
): Promise<Applied> {
  const { deployment_id: deploymentId } = deployment;
  const { nowMs } = ctx;
  const of = <Kind extends Action['action']>(kind: Kind) =>
    actions.filter((action): action is Extract<Action, { action: Kind }> => action.action === kind);
  const idsOf = (list: readonly { readonly instanceId: string }[]) => list.map(({ instanceId }) => instanceId);

  await setTargetsReady(tx, deploymentId, idsOf(of('ready-target')), nowMs);
  await setTargetStatus(tx, deploymentId, idsOf(of('start-target')), 'InProgress', nowMs);
  for (const action of of('fail-event')) {
    const diagnostics_json = JSON.stringify(eventDiagnostics('UnknownError', { message: action.message }));
    const key = { deploymentId, ...action };
    await updateEvent(tx, key, { status: 'Failed', ended_at_ms: nowMs, diagnostics_json });
    await closeHookOrder(tx, key);
  }
  for (const action of of('pass-event')) {
    const diagnostics_json = JSON.stringify(eventDiagnostics('Success', { message: 'Succeeded' }));
    const times = { started_at_ms: nowMs, ended_at_ms: nowMs, reported_at_ms: nowMs };
    await updateEvent(tx, { deploymentId, ...action }, { status: 'Succeeded', ...times, diagnostics_json });
  }
  const ended = of('end-target');
  await skipEvents(tx, deploymentId, idsOf(ended), nowMs);
  for (const [status, list] of Map.groupBy(ended, (action): TargetEnding => action.status)) {
    await setTargetStatus(tx, deploymentId, idsOf(list), status, nowMs);
  }
  const ready = of('ready-event');
  const commands = ready.map((action) => ({ ...action, hostCommandId: ctx.random.uuid() }));
  await makeReady(tx, deploymentId, commands, nowMs);
  const orders = of('give-order');
  for (const { instanceId, position, event } of orders) {
    const key = { deploymentId, instanceId, position };
    // A hook answers by an id that nobody can guess: it opens a gate.
    const execution = event === 'CallHook' ? { host_command_id: ctx.random.text(40, EXECUTION_LETTERS) } : {};
    await updateEvent(tx, key, { status: 'InProgress', ready_at_ms: nowMs, started_at_ms: nowMs, ...execution });
    await giveOrder(tx, key, event, nowMs);
  }
  const own = of('give-deployment-order');
  for (const { kind, subjectId } of own) await giveDeploymentOrder(tx, { deploymentId, kind, subjectId }, {}, nowMs);
  for (const { wait } of of('begin-wait')) {
    const began = wait === 'ready' ? { ready_at_ms: nowMs } : { termination_wait_at_ms: nowMs };
    await updateDeployment(tx, deploymentId, began);
  }
  for (const { status } of of('set-status')) await updateDeployment(tx, deploymentId, { status });
  for (const { atMs } of of('wake-at')) {
    if (atMs !== deployment.wake_at_ms) await updateDeployment(tx, deploymentId, { wake_at_ms: atMs });
  }
  let followedBy: string | null = null;
  for (const finish of of('finish')) {
    const endings = new Map(ended.map(({ instanceId, status }) => [instanceId, status]));
    const installed = new Set(idsOf(of('ready-target')));
    const final = targets.map((target) => ({
      ...target,
      status: endings.get(target.instance_id) ?? target.status,
      installed_at_ms: installed.has(target.instance_id) ? nowMs : target.installed_at_ms,
    }));
    followedBy = await finishDeployment(tx, deployment, final, finish, ctx);
  }
  return { hostArns: hostsWithWork(targets, actions), hasOrders: orders.length + own.length > 0, followedBy };
}

/** Returns the hosts whose targets have an event to carry out now. */
export function hostsWithWork(targets: readonly TargetRow[], actions: readonly Action[]): readonly string[] {
  const hostOf = new Map(targets.map((target) => [target.instance_id, target.host_arn]));
  return actions.flatMap((action) => (action.action === 'ready-event' ? (hostOf.get(action.instanceId) ?? []) : []));
}
