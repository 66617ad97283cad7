import type { Signer } from '../../protocol/envelope/authority.ts';
import { sealSpecification } from '../../protocol/envelope/seal.ts';
import type { Envelope } from '../../protocol/host-command/shapes.ts';
import { encodeSpecification } from '../../protocol/specification.ts';
import { findDeployment } from '../store/deployments.ts';
import type { Store } from '../store/store.ts';
import { findTarget } from '../store/targets.ts';
import { specificationOf } from './specification.ts';

/** Hands out sealed deployment specifications to the hosts that they are for. */
export interface SpecificationDesk {
  /** null: this host is no target of that deployment. */
  sealedFor(
    execution: { readonly deploymentId: string; readonly instanceId: string },
    hostArn: string,
  ): Promise<Envelope | null>;
}

/** Deployments whose sealed text is kept: about as many as are under way at once. */
const KEPT = 32;

/**
 * All hosts of a deployment get the same text, and each asks for it with every command. So it is sealed once: a signature costs
 * more than everything else in such an answer.
 */
export function createSpecificationDesk(ctx: { readonly store: Store; signer(): Promise<Signer> }): SpecificationDesk {
  const kept = new Map<string, { readonly signer: Signer; readonly envelope: Promise<Envelope> }>();
  return {
    async sealedFor({ deploymentId, instanceId }, hostArn) {
      const target = await findTarget(ctx.store.db, deploymentId, instanceId);
      if (target === null || target.host_arn !== hostArn) return null;
      const signer = await ctx.signer();
      const known = kept.get(deploymentId);
      if (known?.signer === signer) return known.envelope;
      const deployment = await findDeployment(ctx.store.db, deploymentId);
      if (deployment === null) return null;
      const envelope = sealSpecification(encodeSpecification(specificationOf(deployment)), signer);
      // What failed is not worth keeping.
      envelope.catch(() => kept.delete(deploymentId));
      kept.set(deploymentId, { signer, envelope });
      const [oldest] = kept.keys();
      if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
      return envelope;
    },
  };
}
