import type { KeyScope } from '../../protocol/management/key-scope.ts';
import type { QueryOutput } from '../../protocol/query/answer.ts';
import type { Form } from '../../protocol/query/form.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { AuditedCall } from '../audit/audited-call.ts';
import type { Engine } from '../engine/engine.ts';
import type { Waiters } from '../engine/waiters.ts';
import type { SecretSealer } from '../store/access-keys.ts';
import type { Role } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

/** Tools that the operations of IAM and STS work with. */
export interface IdentityContext {
  readonly store: Store;
  readonly engine: Pick<Engine, 'step'>;
  readonly waiters: Pick<Waiters, 'wake'>;
  readonly sealer: SecretSealer;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Random;
  readonly accountId: string;
}

/** Caller, as the signature of the request proves. */
export interface IdentityCaller {
  readonly accessKeyId: string;
  readonly role: Role;
  /** The host that the key speaks for; null: a key of people. */
  readonly hostArn: string | null;
  /** Scope that limits the key; null: no limit. */
  readonly scope: KeyScope | null;
}

/** A caller with the request that is carried out for it. */
export interface IdentityRequester extends IdentityCaller {
  readonly audited: AuditedCall;
}

/** One operation of IAM or STS. */
export interface IdentityOperation {
  /** `operator`: operators and admins. `anyone`: every key that has power. */
  readonly for: 'operator' | 'anyone';
  /** The parameters that the operation acts upon. A request with any other one is refused. */
  readonly parameters: readonly string[];
  call(ctx: IdentityContext, form: Form, caller: IdentityRequester): Promise<QueryOutput>;
}

/** Operations of one API by name. */
export type IdentityOperations = Readonly<Record<string, IdentityOperation>>;

/** Milliseconds as the Query protocol has times: ISO 8601, to the second. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
