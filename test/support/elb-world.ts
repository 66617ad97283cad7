/**
 * The load balancer half of a small AWS: two target groups, a listener of production with a rule, and a listener of tests, as answers of
 * `aws-stand-in`. A second pair stands behind listeners of its own.
 */
import { type AwsAnswer, type AwsCall, AwsRefusal, type AwsValue } from './aws-stand-in.ts';

export const REGION = 'eu-central-1';
export const ACCOUNT = '123456789012';
const LB = `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}`;

export const PRODUCTION = `${LB}:listener/app/front/50dc6c495c0c9188/f2f7dc8efc522ab2`;
export const TESTS = `${LB}:listener/app/front/50dc6c495c0c9188/aaaaaaaaaaaaaaaa`;
export const RULE = `${LB}:listener-rule/app/front/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee`;
export const GROUPS = ['shop-a', 'shop-b'] as const;
/** The second pair, and its listeners. Its first group serves together with the first one's. */
export const INNER_GROUPS = ['inner-a', 'inner-b'] as const;
export const INNER = `${LB}:listener/app/inner/60dc6c495c0c9188/f2f7dc8efc522ab2`;
export const INNER_TESTS = `${LB}:listener/app/inner/60dc6c495c0c9188/aaaaaaaaaaaaaaaa`;
const ALL_GROUPS = [...GROUPS, ...INNER_GROUPS] as const;
export const groupArn = (name: string) => `${LB}:targetgroup/${name}/73e2d6bc24d8a067`;
/** The same listener of a Network Load Balancer. */
export const ofNetwork = (listener: string) => listener.replace('/app/', '/net/');

export type Fields = Record<string, AwsValue | undefined>;

/** Facts about the tasks behind them that the listeners must know. */
export interface Balanced {
  /** Actions by the ARN of a listener or a rule. */
  readonly places: Map<string, Fields[]>;
  /** Shares of the second group in percent, place by place of production, after each change. */
  readonly shares: number[][];
  readonly taskSets: readonly { readonly groups: readonly string[]; readonly running: number }[];
}

export const forwardTo = (group: string): Fields => ({ Type: 'forward', TargetGroupArn: groupArn(group) });

export function elbHandlers(world: Balanced): Record<string, (call: AwsCall) => AwsAnswer> {
  return {
    DescribeTargetGroups: ({ input }) => ({
      TargetGroups: ALL_GROUPS.filter((name) => input['Names']?.includes(name)).map((name) => ({
        ...{ TargetGroupName: name, TargetGroupArn: groupArn(name), TargetType: 'ip' },
      })),
    }),
    DescribeListeners({ input }) {
      const arn = String(input['ListenerArns']?.[0]);
      const actions = world.places.get(arn);
      if (actions === undefined) return new AwsRefusal(400, 'ListenerNotFound');
      return { Listeners: [{ ListenerArn: arn, DefaultActions: actions }] };
    },
    DescribeRules({ input }) {
      const listener = String(input['ListenerArn']);
      const rules = [...world.places].filter(([arn]) => isRuleOf(arn, listener));
      const first = {
        RuleArn: `${ruleStem(listener)}/default`,
        IsDefault: true,
        Actions: world.places.get(listener) ?? [],
      };
      return { Rules: [first, ...rules.map(([RuleArn, Actions]) => ({ RuleArn, IsDefault: false, Actions }))] };
    },
    ModifyListener: ({ input }) => write(world, String(input['ListenerArn']), input['DefaultActions']),
    ModifyRule: ({ input }) => write(world, String(input['RuleArn']), input['Actions']),
    DescribeTargetHealth({ input }) {
      const group = ALL_GROUPS.find((name) => groupArn(name) === input['TargetGroupArn']) ?? '';
      const isUsed = isInUse(world, group);
      const count = world.taskSets
        .filter(({ groups }) => groups.includes(group))
        .reduce((sum, { running }) => sum + running, 0);
      const health = isUsed ? { State: 'healthy' } : { State: 'unused', Reason: 'Target.NotInUse' };
      const one = { Target: { Id: '10.0.0.1' }, TargetHealth: health };
      return { TargetHealthDescriptions: Array.from({ length: count }, () => one) };
    },
  };
}

function write(world: Balanced, arn: string, actions: Fields[]): AwsAnswer {
  if (!world.places.has(arn))
    return new AwsRefusal(400, arn.includes('listener-rule') ? 'RuleNotFound' : 'ListenerNotFound');
  if (arn === ofNetwork(arn) && weightsOf(actions).length > 1) {
    return new AwsRefusal(
      400,
      'InvalidLoadBalancerAction',
      'A listener of a Network Load Balancer takes one target group.',
    );
  }
  world.places.set(arn, actions);
  const production = [...world.places.keys()].filter((one) => {
    return one === PRODUCTION || one === ofNetwork(PRODUCTION) || isRuleOf(one, PRODUCTION);
  });
  world.shares.push(production.map((one) => shareOf(world.places.get(one) ?? [], GROUPS[1])));
  return {};
}

function ruleStem(listener: string): string {
  return listener.replace(':listener/', ':listener-rule/');
}

function isRuleOf(arn: string, listener: string): boolean {
  return arn.startsWith(`${ruleStem(listener)}/`);
}

interface Forward {
  readonly TargetGroupArn?: string;
  readonly ForwardConfig?: {
    readonly TargetGroups?: readonly { readonly TargetGroupArn: string; readonly Weight?: unknown }[];
  };
}

function weightsOf(actions: readonly Fields[]): readonly { readonly arn: string; readonly weight: number }[] {
  return actions.flatMap((action) => {
    const { TargetGroupArn, ForwardConfig } = action as Forward;
    const listed = ForwardConfig?.TargetGroups ?? [];
    if (listed.length > 0) return listed.map((one) => ({ arn: one.TargetGroupArn, weight: Number(one.Weight ?? 1) }));
    return TargetGroupArn === undefined ? [] : [{ arn: TargetGroupArn, weight: 1 }];
  });
}

/** Names of the groups that an ARN is one of. */
export function groupNamed(arn: unknown): string {
  return ALL_GROUPS.find((name) => groupArn(name) === arn) ?? '';
}

/** Percent of the traffic of a list of actions that goes to a target group. */
export function shareOf(actions: readonly Fields[], group: string): number {
  const weights = weightsOf(actions);
  const sum = (all: typeof weights) => all.reduce((total, { weight }) => total + weight, 0);
  return (sum(weights.filter(({ arn }) => arn === groupArn(group))) * 100) / (sum(weights) || 1);
}

/** A group of weight 0 is in use, too. */
export function isInUse(world: Balanced, group: string): boolean {
  return [...world.places.values()].some((actions) => weightsOf(actions).some(({ arn }) => arn === groupArn(group)));
}
