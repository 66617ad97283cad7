/** Context of the management API's handlers, and the form of times in their answers. Pure. */
import type { KeyScope } from '../../protocol/management/key-scope.ts';
import type { RevisionLocation } from '../../protocol/management/revision-location.ts';
import type {
  ManagementOperation,
  ManagementOperations,
  RevisionFileRecord,
} from '../../protocol/management/shapes.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import type { Engine } from '../engine/engine.ts';
import type { Hands } from '../engine/hosts/blue-green-plan.ts';
import type { KnownBalancers } from '../engine/settings.ts';
import type { TryHook } from '../engine/shifting/group-hooks.ts';
import type { PlanShift } from '../engine/shifting/plan-request.ts';
import type { Waiters } from '../engine/waiters.ts';
import type { SecretSealer } from '../store/access-keys.ts';
import type { Role } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

/** Tools that the handlers of the management API work with. */
export interface ApiContext {
  readonly store: Store;
  readonly engine: Pick<Engine, 'step' | 'listeningSinceMs'>;
  readonly waiters: Pick<Waiters, 'wake'>;
  readonly sealer: SecretSealer;
  readonly clock: Clock;
  readonly random: Random;
  readonly region: string;
  readonly accountId: string;
  /** Name of the tag whose value is a host's zone. */
  readonly zoneTag: string;
  /** Length of a minute in the schedules of traffic, in ms. */
  readonly trafficMinuteMs: number;
  /** Load balancers that the server can reach. */
  readonly balancers: KnownBalancers;
  /** Whether an ECS service may have several pairs of target groups. */
  readonly takesSeveralPairs: boolean;
  /** Whether AWS says which hosts EC2 filters match; else they match the tags of enrolled hosts. */
  readonly asksAws: boolean;
  /** Plans a deployment to Lambda or ECS. Where the server asks no AWS it is never called. */
  readonly planShift: PlanShift;
  /** Whether a hook of deployments to Lambda and ECS can be called. It is not called. Where the server asks no AWS this is never asked. */
  readonly tryHook: TryHook;
  /** Which of these Auto Scaling groups AWS does not have, or why it refuses to say; null: the server asks no AWS. */
  readonly findMissingAutoScalingGroups:
    | ((names: readonly string[]) => Promise<{ readonly missing: readonly string[]; readonly fault: string | null }>)
    | null;
  /** Removes hooks that a group wants no more, as far as AWS does so in a few seconds; null: the server asks no AWS. */
  readonly removeHooks: ((deploymentGroupId: string) => Promise<void>) | null;
  /** Whether the server has programs that make and end hosts for a deployment group. */
  readonly handsOf: (applicationName: string, groupName: string) => Hands;
  /** Names of alarms that the server can read. */
  readonly alarms: Pick<ReadonlySet<string>, 'has'>;
  /** Whether the server can send notices to what a trigger calls its target. */
  readonly knowsTarget: (target: string) => boolean;
  /** What the server's files have, for people; nothing of it is secret. */
  readonly described: {
    readonly loadBalancers: readonly DescribedName[];
    readonly alarms: readonly DescribedName[];
    readonly noticeTargets: readonly DescribedName[];
  };
  /** Reads a revision's bundle for display, within limits. */
  readonly lookInside: LookInside;
  readonly server: {
    readonly version: string;
    /** null: the S3 API is where this one is. */
    readonly s3Endpoint: string | null;
    readonly revisionBucket: string;
    /** Whether the server's own store has a bucket of this name. */
    hasBucket(bucket: string): boolean;
    readonly signerCaCertificatePem: string;
    /** Digest of the authority that signed the server's own certificate; null: hosts need not be told of one. */
    authoritySha256(): string | null;
  };
}

/** What is in a bundle, as far as the limits allowed; or why the server cannot look into it. */
export type InsideOfBundle =
  | {
      readonly sizeBytes: number;
      readonly files: readonly RevisionFileRecord[];
      readonly appSpec: { readonly path: string; readonly text: string; readonly isComplete: boolean } | null;
      /** null: this is all. */
      readonly stoppedBecause: string | null;
    }
  | { readonly cannot: string };

export type LookInside = (location: RevisionLocation) => Promise<InsideOfBundle>;

/** A name of one of the server's files. */
export interface DescribedName {
  readonly name: string;
  readonly kind: string;
  /** null: none that may be shown. */
  readonly place: string | null;
}

/** Caller of an operation. */
export interface Caller {
  readonly accessKeyId: string;
  readonly role: Role;
  readonly hostArn: string | null;
  /** null: the key is not limited to some applications. */
  readonly scope: KeyScope | null;
}

/** The members of a request, as they came: nothing is known of them yet. */
export type Input = Readonly<Record<string, unknown>>;

/** Carries out one operation; its output is held against the model of the API. */
export type Handler<Op extends ManagementOperation> = (
  ctx: ApiContext,
  input: Input,
  caller: Caller,
) => Promise<ManagementOperations[Op]['output']>;

/** Handlers of some operations. */
export type Handlers<Op extends ManagementOperation> = { readonly [Name in Op]: Handler<Name> };

/** Milliseconds as the wire has times: seconds, with three decimals. */
export function seconds(ms: number): number {
  return ms / 1000;
}
