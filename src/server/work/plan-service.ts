/** The calls that a deployment to an ECS service would make, in their order, from how everything stands now. Pure. */
import type { EcsAppSpec } from '../../appspec/resources/types.ts';
import type { PlannedCall } from '../../protocol/management/shapes.ts';
import { plannedHook } from '../engine/shifting/planned-function-calls.ts';
import type { Schedule } from '../engine/shifting/schedule.ts';
import type { ServicePlan } from '../engine/shifting/service-plan.ts';
import { changesFor, eachPair, type Place, type Route, sharesOf, standingOf } from '../outside/aws/forwarding.ts';
import { describeTaskSet } from '../outside/aws/task-sets.ts';
import type { ServiceExamined } from './service-preflight.ts';

export interface ServicePlanRequest {
  readonly appSpec: EcsAppSpec;
  /** Event → the call of its hook, in words. */
  readonly hookCalls: ReadonlyMap<string, string>;
  readonly service: ServicePlan;
  readonly seen: ServiceExamined;
  /** Its interval in minutes. */
  readonly schedule: Schedule;
  readonly nowMs: number;
}

/** Answers of ECS, of the balancer and of hooks are taken to be good. */
export function plannedServiceCalls(request: ServicePlanRequest): readonly PlannedCall[] {
  const { appSpec, hookCalls, service, seen } = request;
  const { production, test, pair, roles } = seen;
  const isFirst = roles.blue === null;
  const [greenName, blueName] = [namesOf(seen, 'green'), namesOf(seen, 'blue')];
  const toBlue = isFirst ? [] : changesFor(production, pair, 0);
  // Without weights only the test listener can bring health checks, so it forwards to green before the tasks start.
  const early = !isFirst && !production.hasWeights && test !== null ? changesFor(test, pair, 100) : [];
  const prepared = after(production, toBlue);
  const tested = test === null ? [] : changesFor(after(test, early), pair, 100);
  const install = callsIn('Install');
  return [
    ...looks(request),
    ...plannedHook(hookCalls, 'BeforeInstall'),
    ...install([
      ...writes(toBlue, `all to ${blueName}`),
      ...writes(early, `test traffic to ${greenName}`),
      ...roles.leftovers
        .filter(({ status }) => status !== 'DRAINING')
        .map(({ id }) => `DeleteTaskSet ${service.service} (${id}), which an earlier deployment has left`),
      `CreateTaskSet ${service.service} (${appSpec.taskDefinition} in ${greenName})`,
      `DescribeServices ${service.service}, until the new task set is steady`,
    ]),
    ...plannedHook(hookCalls, 'AfterInstall'),
    ...callsIn('AllowTestTraffic')(writes(tested, `test traffic to ${greenName}`)),
    ...(test === null ? [] : plannedHook(hookCalls, 'AfterAllowTestTraffic')),
    ...plannedHook(hookCalls, 'BeforeAllowTraffic'),
    ...shifts(request, prepared, greenName),
    ...plannedHook(hookCalls, 'AfterAllowTraffic'),
    ...callsIn('Terminate')(deletions(request)),
  ];
}

function callsIn(event: string) {
  return (calls: readonly string[]): readonly PlannedCall[] =>
    calls.map((call) => ({ event, minute: null, call, answer: null }));
}

/** The calls that were made for the plan. A deployment makes them, too, before its first event. */
function looks({ appSpec, service, seen, nowMs }: ServicePlanRequest): readonly PlannedCall[] {
  const { look, groups, production, test, container } = seen;
  const sets = look.taskSets.map((set) => {
    const where = set.targetGroupArns.map((arn) => nameOfGroup(seen, arn)).join(' and ');
    return `${set.id} (${set.status}, ${set.taskDefinition}) in ${where}: ${describeTaskSet(set, nowMs)}`;
  });
  const answers: readonly (readonly [call: string, answer: string])[] = [
    [`DescribeServices ${service.service}`, sets.join('; ') || 'it has no task set'],
    [`DescribeTargetGroups ${groups.map(({ name }) => name).join(' ')}`, groups.map(({ arn }) => arn).join(', ')],
    [`DescribeListeners and DescribeRules ${production.listenerArn}`, sharesInWords(seen, production)],
    ...(test === null
      ? []
      : [[`DescribeListeners and DescribeRules ${test.listenerArn}`, sharesInWords(seen, test)] as const]),
    [`DescribeTaskDefinition ${appSpec.taskDefinition}`, container],
  ];
  return answers.map(([call, answer]) => ({ event: null, minute: null, call, answer }));
}

function sharesInWords(seen: ServiceExamined, route: Route): string {
  const { pair } = seen;
  const shares = sharesOf(route, pair).map(
    ({ arn, green }) => `${shortName(arn)}: ${Math.round(green * 100) / 100}% to ${namesOf(seen, 'green')}`,
  );
  const others = route.places.filter((place) => standingOf(place, pair).kind === 'other').length;
  return [...shares, ...(others === 0 ? [] : [`${others} of other groups, left as they are`])].join('; ');
}

function shifts({ service, seen, schedule }: ServicePlanRequest, prepared: Route, green: string): PlannedCall[] {
  const { steps, intervalMs: minutes } = seen.roles.blue === null ? { steps: [100], intervalMs: 0 } : schedule;
  let route = prepared;
  return steps.flatMap((percent, index) => {
    const changes = changesFor(route, seen.pair, percent);
    route = after(route, changes);
    const calls = [
      ...eachPair(seen.pair).map(
        (one) => `DescribeTargetHealth ${nameOfGroup(seen, one.green)}, which must have a healthy target`,
      ),
      ...writes(changes, `${percent}% to ${green}`),
      ...(percent === 100 ? [`UpdateServicePrimaryTaskSet ${service.service} (the new task set)`] : []),
    ];
    return calls.map((call) => ({ event: 'AllowTraffic', minute: index * minutes, call, answer: null }));
  });
}

function deletions({ service, seen }: ServicePlanRequest): readonly string[] {
  const { blue } = seen.roles;
  if (blue === null || service.terminationWaitMs === null) return [];
  const wait = service.terminationWaitMs === 0 ? '' : `, ${service.terminationWaitMs / 60_000} minutes later`;
  return [`DeleteTaskSet ${service.service} (${blue.id})${wait}`];
}

function writes(places: readonly Place[], what: string): readonly string[] {
  return places.map(
    ({ arn, kind }) => `${kind === 'listener' ? 'ModifyListener' : 'ModifyRule'} ${shortName(arn)}: ${what}`,
  );
}

/** The route once the places are written. */
function after(route: Route, changes: readonly Place[]): Route {
  return { ...route, places: route.places.map((place) => changes.find(({ arn }) => arn === place.arn) ?? place) };
}

/** Names of the groups on one side of all pairs. */
function namesOf(seen: Pick<ServiceExamined, 'groups' | 'pair'>, side: 'blue' | 'green'): string {
  return eachPair(seen.pair)
    .map((one) => nameOfGroup(seen, one[side]))
    .join(' and ');
}

function nameOfGroup({ groups }: Pick<ServiceExamined, 'groups'>, arn: string): string {
  return groups.find((group) => group.arn === arn)?.name ?? arn;
}

/** `app/front/50dc6c495c0c9188/f2f7dc8efc522ab2` of a listener's ARN, and with one part more of a rule's. */
function shortName(arn: string): string {
  return arn.split('/').slice(1).join('/') || arn;
}
