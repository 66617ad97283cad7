/**
 * Reads the task sets of an ECS service: which one is blue, which one is green, and whether it is steady. Pure.
 *
 * @see the API of ECS, `TaskSet`: PRIMARY serves production, ACTIVE does not, DRAINING is being stopped
 */

export interface TaskSetSeen {
  /** `ecs-svc/<digits>`. */
  readonly id: string;
  readonly arn: string;
  /** PRIMARY, ACTIVE or DRAINING. */
  readonly status: string;
  /** Id of the deployment that made it; null: made by somebody else. */
  readonly externalId: string | null;
  /** ARN. */
  readonly taskDefinition: string;
  readonly targetGroupArns: readonly string[];
  /** Tasks wanted, being started, and running. */
  readonly desired: number;
  readonly pending: number;
  readonly running: number;
  /** Whether ECS calls it steady: also all health checks pass. */
  readonly isSteady: boolean;
  /** Since when ECS calls it what it does; null: ECS does not say. */
  readonly stableSinceMs: number | null;
}

/** Which task set is which. */
export interface Roles {
  /** The task set that serves; null: this is the first deployment, or it is deleted. */
  readonly blue: TaskSetSeen | null;
  /** The task set of this deployment; null: it is not made yet, or it is deleted. */
  readonly green: TaskSetSeen | null;
  /** ARNs of their target groups. */
  readonly blueGroup: string;
  readonly greenGroup: string;
  /** The same of the further pairs, in their order. */
  readonly others: readonly { readonly blueGroup: string; readonly greenGroup: string }[];
  /** Task sets that take up a green group, and are neither blue nor green. */
  readonly leftovers: readonly TaskSetSeen[];
}

export interface RolesRequest extends PairRequest {
  /** The deployment's id, which its task set carries. */
  readonly deploymentId: string;
  /** Further pairs, which move together with the first; absent: there are none. */
  readonly others?: readonly PairRequest[];
  /** Id of the task set that was blue when the deployment began; null: not looked yet, or there was none. */
  readonly knownBlueId: string | null;
}

export interface PairRequest {
  /** ARNs of the pair, in the order of the deployment group. */
  readonly pair: readonly [string, string];
  /** Group of the pair that production forwards to: the first deployment of a service uses it. null: neither, or both. */
  readonly servingGroup: string | null;
}

/** @returns words when the roles cannot be told: the PRIMARY task set is not in exactly one group of each pair */
export function rolesOf(taskSets: readonly TaskSetSeen[], request: RolesRequest): Roles | string {
  const first = rolesIn(taskSets, request);
  if (typeof first === 'string') return first;
  const others: Omit<Roles, 'others'>[] = [];
  for (const other of request.others ?? []) {
    const roles = rolesIn(taskSets, { ...request, ...other });
    if (typeof roles === 'string') return roles;
    others.push(roles);
  }
  return {
    ...first,
    others: others.map(({ blueGroup, greenGroup }) => ({ blueGroup, greenGroup })),
    leftovers: [...new Set([first, ...others].flatMap(({ leftovers }) => leftovers))],
  };
}

function rolesIn(taskSets: readonly TaskSetSeen[], request: RolesRequest): Omit<Roles, 'others'> | string {
  const { deploymentId, pair, servingGroup, knownBlueId } = request;
  const green = taskSets.find(({ externalId }) => externalId === deploymentId) ?? null;
  const primary = taskSets.find(({ status }) => status === 'PRIMARY') ?? null;
  const groups = greenGroupOf({ green, primary, pair, servingGroup });
  if (typeof groups === 'string') return groups;
  const { blueGroup, greenGroup } = groups;
  const blue = blueOf(taskSets, { green, primary, blueGroup, knownBlueId });
  const leftovers = taskSets.filter((set) => set !== green && set !== blue && isIn(set, greenGroup));
  return { blue, green, blueGroup, greenGroup, leftovers };
}

interface Found {
  readonly green: TaskSetSeen | null;
  readonly primary: TaskSetSeen | null;
}

function greenGroupOf({ green, primary, pair, servingGroup }: Found & Pick<RolesRequest, 'pair' | 'servingGroup'>) {
  const [first, second] = pair;
  const otherOf = (group: string) => (group === first ? second : first);
  const own = green === null ? undefined : pair.find((group) => isIn(green, group));
  if (own !== undefined) return { blueGroup: otherOf(own), greenGroup: own };
  if (green !== null) return outsideOfPair(green, pair);
  if (primary === null) {
    const greenGroup = servingGroup ?? first;
    return { blueGroup: otherOf(greenGroup), greenGroup };
  }
  const [blueGroup, also] = pair.filter((group) => isIn(primary, group));
  if (blueGroup === undefined || also !== undefined) return outsideOfPair(primary, pair);
  return { blueGroup, greenGroup: otherOf(blueGroup) };
}

function outsideOfPair({ id, status, targetGroupArns }: TaskSetSeen, pair: readonly [string, string]): string {
  const where = targetGroupArns.length === 0 ? 'no target group' : targetGroupArns.join(' and ');
  return (
    `The task set ${id} (${status}) is in ${where}, and not in exactly one group of the deployment group's pair: ${pair.join(', ')}. ` +
    'Name the pair that has its target group.'
  );
}

/** The one that was blue in the beginning, for as long as it is there; before that is known, the one that serves. */
function blueOf(
  taskSets: readonly TaskSetSeen[],
  {
    green,
    primary,
    blueGroup,
    knownBlueId,
  }: Found & { readonly blueGroup: string; readonly knownBlueId: string | null },
): TaskSetSeen | null {
  if (knownBlueId !== null) return taskSets.find(({ id }) => id === knownBlueId) ?? null;
  return primary !== null && primary !== green && isIn(primary, blueGroup) ? primary : null;
}

function isIn({ targetGroupArns }: TaskSetSeen, group: string): boolean {
  return targetGroupArns.includes(group);
}

/** Whether all tasks run, and ECS calls the set steady. */
export function isSteady(set: TaskSetSeen): boolean {
  return set.isSteady && set.pending === 0 && set.running === set.desired;
}

/** `1 of 3 running, 2 pending, STABILIZING for 4 min` */
export function describeTaskSet(set: TaskSetSeen, nowMs: number): string {
  const pending = set.pending === 0 ? '' : `, ${set.pending} pending`;
  const since = set.stableSinceMs === null ? '' : ` for ${minutes(nowMs - set.stableSinceMs)}`;
  return `${set.running} of ${set.desired} running${pending}, ${set.isSteady ? 'STEADY_STATE' : 'STABILIZING'}${since}`;
}

function minutes(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.round(ms / 1_000))} s` : `${Math.floor(ms / 60_000)} min`;
}

/** A task that has ended. */
export interface StoppedTask {
  readonly arn: string;
  /** Id of the task set that started it. */
  readonly startedBy: string;
  /** As `TaskFailedToStart`; empty: ECS does not say. */
  readonly stopCode: string;
  readonly reason: string;
}

const FAILED_STARTS: readonly string[] = ['TaskFailedToStart', 'EssentialContainerExited'];
/** The scheduler also stops tasks when it scales in, which is no failure. */
const BY_SCHEDULER = 'ServiceSchedulerInitiated';

/** The tasks of a task set that did not start, ended by themselves, or failed their health checks. */
export function failedStarts(tasks: readonly StoppedTask[], taskSetId: string): readonly StoppedTask[] {
  return tasks.filter(({ startedBy, stopCode, reason }) => {
    if (startedBy !== taskSetId) return false;
    return FAILED_STARTS.includes(stopCode) || (stopCode === BY_SCHEDULER && /health check/i.test(reason));
  });
}

const FEWEST = 3;
const MOST = 200;

/**
 * Returns the failed starts after which a task set is given up: half of its tasks, at least 3 and at most 200. The circuit breaker of ECS
 * has the same rule for services that ECS deploys itself.
 *
 * @see the ECS developer guide, "How the Amazon ECS deployment circuit breaker detects failures"
 */
export function failedStartLimit(desired: number): number {
  return Math.min(MOST, Math.max(FEWEST, Math.ceil(desired / 2)));
}
