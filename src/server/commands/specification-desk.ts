import type { Signer } from '../../protocol/envelope/authority.ts';
import { createSealer, type Sealer } from '../../protocol/envelope/seal.ts';
import type { Envelope } from '../../protocol/host-command/shapes.ts';
import { ORDER_LIFE_MS } from '../../protocol/order.ts';
import { encodeSpecification } from '../../protocol/specification.ts';
import type { Clock } from '../../system/clock.ts';
import { gitAccessFor } from '../engine/git-access.ts';
import type { SecretSealer } from '../store/access-keys.ts';
import { findDeployment } from '../store/deployments.ts';
import { openEventOf } from '../store/lifecycle-events.ts';
import type { Store } from '../store/store.ts';
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

/**
 * Each answer is sealed on its own, because each holds another order. Sealing costs a quarter of a millisecond of RSA, as much as the
 * database takes to find the rows. So only the signer's key is kept between requests.
 */
export function createSpecificationDesk(ctx: SpecificationDeskContext): SpecificationDesk {
  let current: { readonly signer: Signer; readonly seal: Sealer } | null = null;
  return {
    async sealedFor(deploymentExecutionId, hostArn) {
      const execution = readExecutionId(deploymentExecutionId);
      if (execution === null) return null;
      const { deploymentId, instanceId } = execution;
      // Both at once: a host waits for each way to the database and back.
      const [event, deployment] = await Promise.all([
        openEventOf(ctx.store.db, deploymentId, instanceId),
        findDeployment(ctx.store.db, deploymentId),
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
      const access = await gitAccessFor(ctx.store.db, ctx.sealer, deployment);
      return current.seal(encodeSpecification(specificationOf(deployment, access), order));
    },
  };
}
