/** Phases of a blue/green deployment, to hosts or to ECS: which is over, which goes on and until when, and which come. Pure. */
import type { PhaseRecord } from '../../protocol/management/shapes.ts';
import type { BlueGreenPlan } from '../engine/hosts/blue-green-plan.ts';
import type { ServicePlan } from '../engine/shifting/service-plan.ts';
import type { DeploymentRow, OrderRow } from '../store/schema.ts';

type Row = Pick<
  DeploymentRow,
  | 'status'
  | 'started_at_ms'
  | 'completed_at_ms'
  | 'ready_at_ms'
  | 'continued_at_ms'
  | 'termination_wait_at_ms'
  | 'wait_skipped_at_ms'
>;
type Order = Pick<OrderRow, 'kind' | 'given_at_ms' | 'outcome'>;

/** A phase by its times; epoch milliseconds. null: not yet. */
interface Span {
  readonly name: PhaseRecord['name'];
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** When a wait ends by itself; null: it does not. */
  readonly untilMs: number | null;
  readonly hasFailed?: boolean;
}

const PROVISIONING = ['ProvisionByProgram', 'CopyAutoScalingGroup', 'CompleteAutoScalingGroup'];
const TERMINATING = ['TerminateByProgram', 'TerminateInstance', 'DeleteAutoScalingGroup', 'TerminateTaskSet'];

/** Phases of a deployment to hosts; none: it is in place, or leads traffic back. @param orders the deployment's own */
export function phasesOfHosts(row: Row, plan: BlueGreenPlan | null, orders: readonly Order[]): PhaseRecord[] {
  if (plan?.course !== 'blue-green') return [];
  const provision = spanOfOrders('Provision', orders, PROVISIONING);
  const hasProvision = plan.provisionBy !== undefined;
  const installFromMs = hasProvision ? provision.toMs : row.started_at_ms;
  return recordsOf(row, [
    ...(hasProvision ? [provision] : []),
    { name: 'Install', fromMs: installFromMs, toMs: row.ready_at_ms, untilMs: null },
    ...waits(row, plan, orders, row.ready_at_ms, plan.terminateBy !== undefined),
  ]);
}

/**
 * Phases of a deployment to ECS.
 *
 * @param production times of the first event that moves production traffic, and of the last event
 */
export function phasesOfService(
  row: Row,
  plan: ServicePlan,
  orders: readonly Order[],
  production: { readonly fromMs: number | null; readonly toMs: number | null },
): PhaseRecord[] {
  const installedMs = row.ready_at_ms ?? production.fromMs;
  return recordsOf(row, [
    { name: 'Install', fromMs: row.started_at_ms, toMs: installedMs, untilMs: null },
    ...waits(row, plan, orders, installedMs, plan.terminationWaitMs !== null, production.toMs),
  ]);
}

function waits(
  row: Row,
  plan: Pick<ServicePlan, 'readyWaitMs' | 'terminationWaitMs'>,
  orders: readonly Order[],
  installedMs: number | null,
  terminates: boolean,
  reroutedMs: number | null = null,
): Span[] {
  const { readyWaitMs, terminationWaitMs } = plan;
  const { ready_at_ms: readyMs, continued_at_ms: continuedMs, termination_wait_at_ms: keptMs } = row;
  const terminate = spanOfOrders('Terminate', orders, TERMINATING);
  const end = (fromMs: number | null, lengthMs: number) => (fromMs === null ? null : fromMs + lengthMs);
  const rerouteFromMs = readyWaitMs === null ? installedMs : continuedMs;
  const isOver = row.status === 'Succeeded' ? row.completed_at_ms : null;
  const keptUntilMs = terminationWaitMs === null ? null : end(keptMs, terminationWaitMs);
  return [
    ...(readyWaitMs === null
      ? []
      : [{ name: 'ReadyWait' as const, fromMs: readyMs, toMs: continuedMs, untilMs: end(readyMs, readyWaitMs) }]),
    { name: 'Reroute', fromMs: rerouteFromMs, toMs: keptMs ?? reroutedMs ?? isOver, untilMs: null },
    ...(terminationWaitMs === null
      ? []
      : [
          {
            name: 'TerminationWait' as const,
            fromMs: keptMs,
            toMs: keptMs === null ? null : (row.wait_skipped_at_ms ?? terminate.fromMs ?? isOver),
            untilMs: keptUntilMs,
          },
        ]),
    ...(terminates && terminationWaitMs !== null ? [terminate] : []),
  ];
}

/** From the first order of these kinds to the end of all of them. */
function spanOfOrders(name: PhaseRecord['name'], orders: readonly Order[], kinds: readonly string[]): Span {
  const own = orders.filter(({ kind }) => kinds.includes(kind));
  const fromMs = own.length === 0 ? null : Math.min(...own.map((order) => order.given_at_ms));
  const hasFailed = own.some(({ outcome }) => outcome === 'Failed');
  // An order has no time of its end: the latest beginning stands for it.
  const isOver = own.length > 0 && own.every(({ outcome }) => outcome !== null);
  const toMs = isOver ? Math.max(...own.map((order) => order.given_at_ms)) : null;
  return { name, fromMs, toMs, untilMs: null, hasFailed };
}

function recordsOf(row: Row, spans: readonly Span[]): PhaseRecord[] {
  return spans.map((span) => {
    const { name, fromMs, toMs, untilMs } = span;
    const status = statusOf(row, span);
    return {
      name,
      status,
      ...(fromMs === null ? {} : { startTime: fromMs / 1000 }),
      ...(toMs === null ? {} : { endTime: toMs / 1000 }),
      ...(untilMs === null || status !== 'InProgress' ? {} : { untilTime: untilMs / 1000 }),
    };
  });
}

function statusOf({ status }: Row, { fromMs, toMs, hasFailed = false }: Span): PhaseRecord['status'] {
  const isFinal = status === 'Succeeded' || status === 'Failed' || status === 'Stopped';
  if (hasFailed) return 'Failed';
  if (toMs !== null) return 'Succeeded';
  if (fromMs === null) return isFinal ? 'Skipped' : 'Pending';
  if (!isFinal) return 'InProgress';
  return status === 'Stopped' ? 'Skipped' : status;
}
