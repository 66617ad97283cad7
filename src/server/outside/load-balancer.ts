/**
 * Interface of every load balancer to the rest of the server: two questions that are orders at the same time.
 *
 * A call is one nudge and one look: it tells the balancer the wanted state, and says how far the balancer has come. It waits for nothing
 * but its answers and may be repeated at any time, by any server. So a crash between two calls needs no repair, and a balancer that has
 * forgotten what it was told is told again. The caller decides when to look again. Pure.
 */

/** A host as balancers are told of it. */
export interface BalancedHost {
  readonly name: string;
  readonly tags: ReadonlyMap<string, string>;
  /** The id of the EC2 instance that it is, as `i-0123456789abcdef0`; null or absent: it is not known to be one. */
  readonly ec2InstanceId?: string | null;
}

/** One call, in words, and what was answered. */
export interface CallRecord {
  readonly call: string;
  readonly answer: string;
}

/**
 * State of a host that is taken out. A `waiting` host takes requests as before, until another host does, too. A `draining` host serves only
 * requests from before. An `absent` host is unknown to the balancer, so nothing goes there.
 */
export type BlockState = 'waiting' | 'draining' | 'out' | 'absent';
/** `joining`: not known to work yet; `unhealthy`: found not to work. Both may still become `healthy`. */
export type AllowState = 'joining' | 'healthy' | 'unhealthy';

export interface BlockLook extends CallRecord {
  readonly state: BlockState;
  /** Memory for the next calls about this host, until it is back. JSON; absent: nothing. */
  readonly memory?: unknown;
}
export type AllowLook = CallRecord & { readonly state: AllowState };

export interface BlockHow {
  /** Time is up for requests that are still served: the host is taken out anyway. */
  readonly isDrainOver: boolean;
  readonly signal: AbortSignal;
  /** Memory that the last look of the same event has left. */
  readonly memory?: unknown;
}

export interface AllowHow {
  readonly signal: AbortSignal;
  /** Memory from the last look when the host was last taken out, perhaps by an earlier deployment. */
  readonly memory?: unknown;
}

export interface LoadBalancer {
  /** How long requests may take to end once no new ones come; milliseconds. */
  readonly drainLimitMs: number;
  /** How often it is told again, while a host is out, that the host is out: it may forget that. Milliseconds; absent: it does not. */
  readonly reassertMs?: number;
  /** @throws BalancerFault */
  block(host: BalancedHost, how: BlockHow): Promise<BlockLook>;
  /** @throws BalancerFault */
  allow(host: BalancedHost, how: AllowHow): Promise<AllowLook>;
}

/** Codes of the API's ErrorInformation that load balancers are to blame for. */
export type BalancerErrorCode =
  | 'ELASTIC_LOAD_BALANCING_INVALID'
  | 'ELB_INVALID_INSTANCE'
  | 'IAM_ROLE_PERMISSIONS'
  | 'MISSING_ELB_INFORMATION'
  | 'RESOURCE_LIMIT_EXCEEDED'
  | 'THROTTLED';

/** A script or a webhook may stand for anything. It is told as often as people would mind neither its forgetting nor the calls. */
export const UNKNOWN_REASSERT_MS = 30_000;

/** A call that has come to nothing. */
export class BalancerFault extends Error {
  override readonly name = 'BalancerFault';
  readonly code: BalancerErrorCode;
  /** Asking again cannot help: the configuration has to be changed. */
  readonly isFinal: boolean;
  readonly record: CallRecord;

  constructor(
    record: CallRecord,
    options: { readonly code?: BalancerErrorCode; readonly isFinal?: boolean; readonly cause?: unknown } = {},
  ) {
    super(`${record.call}: ${record.answer}`, options.cause === undefined ? {} : { cause: options.cause });
    this.record = record;
    this.code = options.code ?? 'ELASTIC_LOAD_BALANCING_INVALID';
    this.isFinal = options.isFinal ?? false;
  }
}

/** The configuration does not fit: asking again cannot help. */
export function wrongConfiguration(call: string, answer: string, code?: BalancerErrorCode): BalancerFault {
  return new BalancerFault({ call, answer }, { isFinal: true, ...(code === undefined ? {} : { code }) });
}
