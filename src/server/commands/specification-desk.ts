import type { Signer } from '../../protocol/envelope/authority.ts';
import { createSealer, type Sealer } from '../../protocol/envelope/seal.ts';
import type { Envelope } from '../../protocol/host-command/shapes.ts';
import { ORDER_LIFE_MS } from '../../protocol/order.ts';
import { encodeSpecification } from '../../protocol/specification.ts';
import type { Clock } from '../../system/clock.ts';
import { gathered } from '../../system/gathered.ts';
import { gitAccessFor } from '../engine/git-access.ts';
import type { SecretSealer } from '../store/access-keys.ts';
import { findDeployments } from '../store/deployments.ts';
import { openEventsOf } from '../store/lifecycle-events.ts';
import type { LifecycleEventRow } from '../store/schema.ts';
import { type Store, type StoreReader, TOGETHER } from '../store/store.ts';
import { executionId, readExecutionId } from './command-delivery.ts';
import { specificationOf } from './specification.ts';

/** Hands out sealed deployment specifications to the hosts that they are for. */
export interface SpecificationDesk {
  /**
   * The specification with the order for the command that the host has been told to carry out.
   *
   * @returns null: the execution is not one of this host, or no command of it is open
   */
  sealedFor(deploymentExecutionId: string, hostArn: string): Promise<Envelope | null>;
}

export interface SpecificationDeskContext {
  readonly store: Store;
  readonly clock: Pick<Clock, 'now'>;
  readonly accountId: string;
  /** Opens tokens for git repositories. */
  readonly sealer: Pick<SecretSealer, 'open'>;
  signer(): Promise<Signer>;
}

/** Target that a specification is asked for. */
interface AskedTarget {
  readonly deploymentId: string;
  readonly instanceId: string;
}

/**
 * Each answer is sealed on its own, because each holds another order. Sealing costs a quarter of a millisecond of RSA, as much as the
 * database takes to find the rows. So only the signer's key is kept between requests.
 */
export function createSpecificationDesk(ctx: SpecificationDeskContext): SpecificationDesk {
  const { db } = ctx.store;
  const openEventOf = gathered({
    ...TOGETHER,
    work: (targets: readonly AskedTarget[]) => openEventsOfAll(db, targets),
  });
  const deploymentOf = gathered({
    ...TOGETHER,
    async work(ids: readonly string[]) {
      const found = await findDeployments(db, [...new Set(ids)]);
      return ids.map((id) => found.get(id) ?? null);
    },
  });
  let current: { readonly signer: Signer; readonly seal: Sealer } | null = null;
  return {
    async sealedFor(deploymentExecutionId, hostArn) {
      const execution = readExecutionId(deploymentExecutionId);
      if (execution === null) return null;
      const { deploymentId, instanceId } = execution;
      // Both at once: a host waits for each way to the database and back.
      const [event, deployment] = await Promise.all([
        openEventOf({ deploymentId, instanceId }),
        deploymentOf(deploymentId),
      ]);
      if (event === null || event.host_command_id === null || event.host_arn !== hostArn) return null;
      // The id is signed as it was handed out; another spelling of it names no execution.
      if (deploymentExecutionId !== executionId(ctx.accountId, event)) return null;
      if (deployment === null) return null;
      const signer = await ctx.signer();
      if (current?.signer !== signer) current = { signer, seal: createSealer(signer) };
      const nowMs = ctx.clock.now();
      const order = {
        hostIdentifier: hostArn,
        deploymentExecutionId,
        hostCommandIdentifier: event.host_command_id,
        commandName: event.event_name,
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + ORDER_LIFE_MS,
      };
      const access = await gitAccessFor(db, ctx.sealer, deployment);
      return current.seal(encodeSpecification(specificationOf(deployment, access), order));
    },
  };
}

/** One question for each deployment: nearly always that is one. */
async function openEventsOfAll(
  db: StoreReader,
  targets: readonly AskedTarget[],
): Promise<readonly (LifecycleEventRow | null)[]> {
  const found = new Map<string, ReadonlyMap<string, LifecycleEventRow>>();
  await Promise.all(
    [...Map.groupBy(targets, ({ deploymentId }) => deploymentId)].map(async ([deploymentId, ofDeployment]) => {
      const instanceIds = ofDeployment.map(({ instanceId }) => instanceId);
      found.set(deploymentId, await openEventsOf(db, deploymentId, instanceIds));
    }),
  );
  return targets.map(({ deploymentId, instanceId }) => found.get(deploymentId)?.get(instanceId) ?? null);
}
