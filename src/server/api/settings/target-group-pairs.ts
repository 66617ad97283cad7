/** Where the traffic of an ECS service comes from: a service, two target groups, and the listeners in front of them. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { ExceptionName } from '../../../protocol/management/modelled-exceptions.ts';
import type { EcsService } from '../../engine/settings.ts';
import type { Input } from '../context.ts';
import { quote, readList, readObject, readText, requireObject, requireText } from '../input.ts';

const SERVICES = 'ecsServices';
const PAIRS = 'loadBalancerInfo.targetGroupPairInfoList';
const INVALID_SERVICE = 'InvalidECSServiceException';
const INVALID_BALANCER = 'InvalidLoadBalancerInfoException';
const INVALID_PAIR = 'InvalidTargetGroupPairException';

/** ECS' own default. */
export const DEFAULT_CLUSTER = 'default';

const LISTENER =
  /^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:listener\/(?:app|net)\/[^/\s]+\/[^/\s]+\/[^/\s]+$/;
/** Names or ARNs, of which the last part is the name. */
const SERVICE = /^(?:arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:service\/(?:[A-Za-z0-9_-]+\/)?)?[A-Za-z0-9_-]{1,255}$/;
const CLUSTER = /^(?:arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster\/)?[A-Za-z0-9_-]{1,255}$/;
const TARGET_GROUP = /^[A-Za-z0-9-]{1,32}$/;

/** @throws ApiError InvalidECSServiceException for anything but one service, by names or ARNs */
export function checkEcsServices(input: Input): void {
  const services = readList(input, SERVICES);
  if (services === null) return;
  if (services.length !== 1) {
    throw invalid(INVALID_SERVICE, `${SERVICES} must name one service, but has ${services.length} entries.`);
  }
  const service = requireObject(services[0], `${SERVICES}[0]`);
  checkForm(service, 'serviceName', SERVICE, 'the name or ARN of a service');
  if (readText(service, 'clusterName') !== null) {
    checkForm(service, 'clusterName', CLUSTER, 'the name or ARN of a cluster');
  }
}

function checkForm(service: Input, member: string, form: RegExp, what: string): void {
  const value = readText(service, member) ?? '';
  if (form.test(value)) return;
  throw invalid(INVALID_SERVICE, `${SERVICES}[0].${member} must be ${what}, but is ${quote(value)}.`);
}

/** As many as an ECS service has target groups. */
const MAX_PAIRS = 5;

/**
 * @param takesSeveral whether the server is started so that a service may have several pairs, which CodeDeploy does not have
 * @throws ApiError InvalidLoadBalancerInfoException, InvalidTargetGroupPairException for anything but one pair with its listeners
 */
export function checkTargetGroupPairs(input: Input, takesSeveral: boolean): void {
  const info = readObject(input, 'loadBalancerInfo');
  if (info === null) return;
  for (const member of ['elbInfoList', 'targetGroupInfoList']) {
    if ((readList(info, member) ?? []).length > 0) {
      const why = `loadBalancerInfo.${member} is for hosts. An ECS service has targetGroupPairInfoList.`;
      throw invalid(INVALID_BALANCER, why);
    }
  }
  const pairs = readList(info, 'targetGroupPairInfoList') ?? [];
  if (pairs.length > 1 && !takesSeveral) {
    const why = `${PAIRS} has ${pairs.length} entries, and CodeDeploy has one. Started with --several-pairs on, this server moves them together`;
    throw invalid(INVALID_PAIR, pairMissing(why));
  }
  if (pairs.length === 0 || pairs.length > MAX_PAIRS) {
    throw invalid(INVALID_PAIR, pairMissing(`${PAIRS} has ${pairs.length} entries`));
  }
  const found = pairs.map((pair, index) => checkPair(requireObject(pair, `${PAIRS}[${index}]`), `${PAIRS}[${index}]`));
  checkTogether(found);
}

interface CheckedPair {
  readonly path: string;
  readonly groups: readonly string[];
  /** ARNs. */
  readonly production: string;
  readonly test: string | null;
}

/** Pairs that move together have nothing in common but a listener of an Application Load Balancer, by its rules. */
function checkTogether(pairs: readonly CheckedPair[]): void {
  const [first] = pairs;
  for (const [index, { path, groups, production, test }] of pairs.entries()) {
    const before = pairs.slice(0, index);
    const taken = groups.find((name) => before.some((pair) => pair.groups.includes(name)));
    if (taken !== undefined) throw invalid(INVALID_PAIR, pairMissing(`${path}.targetGroups has ${taken} once more`));
    if (before.some((pair) => pair.test === production || pair.production === test)) {
      throw invalid(
        INVALID_BALANCER,
        `${path} has a listener for the one traffic that another pair has for the other.`,
      );
    }
    const isNetwork = production.includes(':listener/net/');
    if (isNetwork !== first?.production.includes(':listener/net/')) {
      const why =
        'Pairs that move together are all behind Application Load Balancers, or all behind Network Load Balancers';
      throw invalid(
        INVALID_BALANCER,
        `${path}.prodTrafficRoute is of another kind than that of the first pair. ${why}.`,
      );
    }
    if (isNetwork && before.some((pair) => pair.production === production || (test !== null && pair.test === test))) {
      throw invalid(
        INVALID_BALANCER,
        `${path} has a listener of another pair, which forwards to one target group alone.`,
      );
    }
    if (production.split(':')[3] === first?.production.split(':')[3]) continue;
    throw invalid(INVALID_BALANCER, `${path}.prodTrafficRoute is in another region than that of the first pair.`);
  }
}

/** Begins as the hosted service says it: clients look for the text. */
export function pairMissing(why: string): string {
  return (
    'A deployment group associated with an application that uses the ECS compute platform must contain a valid pair of target groups ' +
    `that identify a load balancer: ${why}.`
  );
}

function checkPair(pair: Input, path: string): CheckedPair {
  const groups = (readList(pair, 'targetGroups') ?? []).map((group, index) => {
    return readText(requireObject(group, `${path}.targetGroups[${index}]`), 'name') ?? '';
  });
  const wrong = groups.find((name) => !TARGET_GROUP.test(name));
  if (wrong !== undefined) {
    throw invalid(INVALID_PAIR, pairMissing(`${path}.targetGroups takes names, not ARNs, but has ${quote(wrong)}`));
  }
  if (groups.length !== 2 || groups[0] === groups[1]) {
    throw invalid(
      INVALID_PAIR,
      pairMissing(`${path}.targetGroups must be two different ones, but is ${groups.join(', ') || 'empty'}`),
    );
  }
  const production = listenerOf(pair, 'prodTrafficRoute', path);
  if (production === null) throw invalid(INVALID_PAIR, pairMissing(`${path}.prodTrafficRoute names no listener`));
  const test = listenerOf(pair, 'testTrafficRoute', path);
  if (test !== production) return { path, groups, production, test };
  throw invalid(INVALID_BALANCER, `${path}.testTrafficRoute is the listener of prodTrafficRoute. Name another one.`);
}

function listenerOf(pair: Input, member: string, path: string): string | null {
  const arns = readList(readObject(pair, member) ?? {}, 'listenerArns') ?? [];
  if (arns.length > 1) throw invalid(INVALID_BALANCER, `${path}.${member}.listenerArns takes one listener.`);
  if (arns.length === 0) return null;
  const arn = requireText(arns[0], `${path}.${member}.listenerArns[0]`);
  if (LISTENER.test(arn)) return arn;
  throw invalid(
    INVALID_BALANCER,
    `${path}.${member}.listenerArns[0] must be the ARN of a listener of an Application or Network Load Balancer, but is ${quote(arn)}.`,
  );
}

/** Which service it is, whatever form its names have: what two groups cannot both have. @returns `CLUSTER/SERVICE` */
export function serviceKey({ clusterName, serviceName = '' }: EcsService): string {
  const [service = ''] = serviceName.split('/').slice(-1);
  const [, ofArn] = /:service\/([^/]+)\/[^/]+$/.exec(serviceName) ?? [];
  const [cluster = DEFAULT_CLUSTER] = (clusterName ?? ofArn ?? DEFAULT_CLUSTER).split('/').slice(-1);
  return `${cluster}/${service}`;
}

function invalid(type: ExceptionName, why: string): ApiError {
  return new ApiError(type, why);
}
