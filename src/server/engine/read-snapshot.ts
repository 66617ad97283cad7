/** Rows as a decision about a deployment looks at them. */
import { inChunks } from '../store/chunks.ts';
import { deploymentOrdersOf } from '../store/deployment-orders.ts';
import { findReplacementFleet } from '../store/fleets.ts';
import { type DecisiveEvent, eventsOfActiveTargets, failedDiagnosticsOf } from '../store/lifecycle-events.ts';
import type { DeploymentRow, FleetMemberRow, TargetRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { FINAL_TARGET_STATUSES, hostsOfTargets } from '../store/targets.ts';
import type { EventDiagnostics } from './diagnostics.ts';
import type { BlueGreenPlan } from './hosts/blue-green-plan.ts';
import { blueGreenPlanOf, shiftPlanOf, zonalSettingsOf } from './settings.ts';
import type {
  BlueGreenSnapshot,
  DeploymentSnapshot,
  HostSnapshot,
  OrderSnapshot,
  ShiftSnapshot,
  ShiftWaits,
} from './snapshot.ts';
import { isRollbackWanted } from './wanted-rollback.ts';

/** All that a decision about a deployment follows from. @param targets all of it */
export async function readSnapshot(
  db: StoreReader,
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  listeningSinceMs: number,
): Promise<DeploymentSnapshot> {
  const { deployment_id: deploymentId } = deployment;
  const events = await eventsOfActiveTargets(db, deploymentId);
  const hosts = await hostsOfTargets(db, deploymentId);
  const snapshot = snapshotOf(deployment, targets, events, hosts);
  const { blueGreen } = snapshot;
  const fleets =
    blueGreen === null
      ? null
      : {
          ...blueGreen,
          orders: await ordersOf(db, blueGreen.plan, deploymentId),
          goneInAws: await goneInAws(db, blueGreen.plan, deploymentId, targets),
        };
  const shift = await shiftOf(db, deployment);
  return { ...snapshot, blueGreen: fleets, ...(shift === null ? {} : { shift }), listeningSinceMs };
}

async function shiftOf(db: StoreReader, deployment: DeploymentRow): Promise<ShiftSnapshot | null> {
  const plan = shiftPlanOf(deployment);
  if (plan === null) return null;
  const failed = await failedDiagnosticsOf(db, deployment.deployment_id);
  const failure = failed === null ? '' : (JSON.parse(failed) as EventDiagnostics).message;
  // A deployment of this kind always has its own settings, so its group is not asked.
  const isRolledBackWhenStopped = isRollbackWanted(deployment, null, 'Stopped');
  const orders = plan.service === undefined ? [] : await ownOrdersOf(db, deployment.deployment_id);
  return { plan, isRolledBackWhenStopped, failure, waits: { ...waitsOf(deployment), orders } };
}

async function ordersOf(db: StoreReader, plan: BlueGreenPlan, deploymentId: string): Promise<OrderSnapshot[]> {
  if (plan.course !== 'blue-green') return [];
  if (plan.terminateBy === undefined && plan.copiedGroup === undefined) return [];
  return ownOrdersOf(db, deploymentId);
}

/** Replacement hosts that AWS had in service when they were found, and has not any more. */
async function goneInAws(
  db: StoreReader,
  plan: BlueGreenPlan,
  deploymentId: string,
  targets: readonly TargetRow[],
): Promise<readonly string[]> {
  if (plan.course !== 'blue-green' || plan.greenInAws === undefined) return [];
  const fleet = await findReplacementFleet(db, deploymentId);
  // No answer of AWS is no word on who is gone.
  if (fleet === null || fleet.read_at_ms === null) return [];
  const members = JSON.parse(fleet.members_json) as readonly FleetMemberRow[];
  const serving = new Set(members.filter(({ stage }) => stage === 'in-service').map(({ instance_id }) => instance_id));
  const green = targets.filter(({ label }) => label === 'green').map(({ instance_id }) => instance_id);
  return green.filter((instanceId) => !serving.has(instanceId));
}

async function ownOrdersOf(db: StoreReader, deploymentId: string): Promise<OrderSnapshot[]> {
  return (await deploymentOrdersOf(db, [deploymentId])).map((order) => ({
    kind: order.kind as OrderSnapshot['kind'],
    subjectId: order.instance_id,
    givenAtMs: order.given_at_ms,
    outcome: order.outcome,
    message: order.message ?? '',
  }));
}

/** The same for some of its targets. */
export async function readPart(
  db: StoreReader,
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  listeningSinceMs: number,
): Promise<DeploymentSnapshot> {
  const { deployment_id: deploymentId } = deployment;
  const chunks = [...inChunks(targets.map((target) => target.instance_id))];
  const [events, hosts] = await Promise.all([
    Promise.all(chunks.map((chunk) => eventsOfActiveTargets(db, deploymentId, chunk))),
    Promise.all(chunks.map((chunk) => hostsOfTargets(db, deploymentId, chunk))),
  ]);
  const shift = await shiftOf(db, deployment);
  const part = snapshotOf(deployment, targets, events.flat(), hosts.flat());
  return { ...part, ...(shift === null ? {} : { shift }), listeningSinceMs };
}

type HostOfTarget = Awaited<ReturnType<typeof hostsOfTargets>>[number];

const UNHEARD_OF: HostSnapshot = { deregisteredAtMs: null, heardOfAtMs: null };

function snapshotOf(
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  events: readonly DecisiveEvent[],
  hosts: readonly HostOfTarget[],
): Omit<DeploymentSnapshot, 'listeningSinceMs'> {
  const byInstance = Map.groupBy(events, (event) => event.instance_id);
  const hostOf = new Map(
    hosts.map((host) => [
      host.instance_id,
      { deregisteredAtMs: host.deregistered_at_ms, heardOfAtMs: host.last_polled_at_ms },
    ]),
  );
  return {
    createdAtMs: deployment.created_at_ms,
    stopRequestedAtMs: deployment.stop_requested_at_ms,
    stoppedByAlarm: deployment.stopped_by_alarm,
    minimum: { type: deployment.minimum_type, value: deployment.minimum_value },
    deploymentConfigName: deployment.deployment_config_name,
    ignoreApplicationStopFailures: deployment.ignore_application_stop_failures === 1,
    zonal: zonalSettingsOf(deployment),
    blueGreen: blueGreenOf(deployment),
    targets: targets
      .filter((target) => target.was_current === 0)
      .map((target) => ({
        instanceId: target.instance_id,
        status: target.status,
        zone: target.zone ?? '',
        label: target.label,
        installedAtMs: target.installed_at_ms,
        endedAtMs: FINAL_TARGET_STATUSES.includes(target.status) ? target.updated_at_ms : null,
        host: hostOf.get(target.instance_id) ?? UNHEARD_OF,
        events: (byInstance.get(target.instance_id) ?? []).map((event) => ({
          position: event.position,
          name: event.event_name,
          status: event.status,
          readyAtMs: event.ready_at_ms,
          startedAtMs: event.started_at_ms,
        })),
      })),
  };
}

function blueGreenOf(deployment: DeploymentRow): BlueGreenSnapshot | null {
  const plan = blueGreenPlanOf(deployment);
  return plan === null
    ? null
    : {
        plan,
        ...waitsOf(deployment),
        // Those matter at the end alone, of which a part decides nothing.
        orders: [],
      };
}

function waitsOf(deployment: DeploymentRow): Omit<ShiftWaits, 'orders'> {
  return {
    isReady: deployment.status === 'Ready',
    readyAtMs: deployment.ready_at_ms,
    continuedAtMs: deployment.continued_at_ms,
    terminationWaitAtMs: deployment.termination_wait_at_ms,
    waitSkippedAtMs: deployment.wait_skipped_at_ms,
  };
}
