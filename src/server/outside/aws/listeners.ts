/** The calls to Elastic Load Balancing v2 that move the traffic of a service. Each may be repeated, and waits for nothing. */
import type { Action, ElasticLoadBalancingV2, Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { AwsClients } from './aws.ts';
import { AwsFault, callAws } from './aws-fault.ts';
import type { Place, Route } from './forwarding.ts';

export interface TargetGroupSeen {
  readonly name: string;
  readonly arn: string;
}

/** How many targets of a group are registered, and how many of them are healthy. */
export interface GroupHealth {
  readonly registered: number;
  readonly healthy: number;
  /** States and reasons of the others, each once. */
  readonly others: readonly string[];
}

/** @throws AwsFault from each call */
export interface ListenerCalls {
  /** In the order of the names. @throws AwsFault of the trouble `missing` where a group is not there */
  targetGroups(names: readonly string[], signal: AbortSignal): Promise<readonly TargetGroupSeen[]>;
  /** A listener and all its rules as they are now. */
  route(listenerArn: string, signal: AbortSignal): Promise<Route>;
  /** Gives a place its new actions. */
  write(place: Place, signal: AbortSignal): Promise<void>;
  health(group: TargetGroupSeen, signal: AbortSignal): Promise<GroupHealth>;
}

/** A listener has a hundred rules unless its quota was raised; more pages than these are not read. */
const MAX_PAGES = 50;

export function createListenerCalls(clients: Pick<AwsClients, 'loadBalancing'>): ListenerCalls {
  const call: Call = async (what, ask) => callAws(what, async () => ask(await clients.loadBalancing()));
  return {
    async targetGroups(names, abortSignal) {
      const what = `DescribeTargetGroups ${names.join(' ')}`;
      const { TargetGroups = [] } = await call(what, (client) =>
        client.describeTargetGroups({ Names: [...names] }, { abortSignal }),
      );
      return names.map((name) => {
        const arn = TargetGroups.find(({ TargetGroupName }) => TargetGroupName === name)?.TargetGroupArn;
        if (arn === undefined) throw missing(what, `there is no target group ${name}`);
        return { name, arn };
      });
    },
    async route(listenerArn, abortSignal) {
      const what = `DescribeListeners ${nameOf(listenerArn)}`;
      const { Listeners = [] } = await call(what, (client) =>
        client.describeListeners({ ListenerArns: [listenerArn] }, { abortSignal }),
      );
      const [listener] = Listeners;
      if (listener === undefined) throw missing(what, 'there is no such listener');
      const hasWeights = listenerArn.includes(':listener/app/');
      const first: Place = { arn: listenerArn, kind: 'listener', actions: listener.DefaultActions ?? [] };
      // Listeners of Network Load Balancers have no rules.
      const rules = hasWeights ? await rulesOf(call, listenerArn, abortSignal) : [];
      return { listenerArn, hasWeights, places: [first, ...rules] };
    },
    async write({ arn, kind, actions }, abortSignal) {
      const list: Action[] = [...actions];
      if (kind === 'listener') {
        const request = { ListenerArn: arn, DefaultActions: list };
        await call(`ModifyListener ${nameOf(arn)}`, (client) => client.modifyListener(request, { abortSignal }));
        return;
      }
      const request = { RuleArn: arn, Actions: list };
      await call(`ModifyRule ${nameOf(arn)}`, (client) => client.modifyRule(request, { abortSignal }));
    },
    async health({ name, arn }, abortSignal) {
      const { TargetHealthDescriptions = [] } = await call(`DescribeTargetHealth ${name}`, (client) =>
        client.describeTargetHealth({ TargetGroupArn: arn }, { abortSignal }),
      );
      const states = TargetHealthDescriptions.map(({ TargetHealth }) => TargetHealth ?? {});
      const others = states.filter(({ State }) => State !== 'healthy');
      return {
        registered: states.length,
        healthy: states.length - others.length,
        others: [...new Set(others.map(({ State, Reason }) => `${State}${Reason ? ` (${Reason})` : ''}`))],
      };
    },
  };
}

type Call = <Answer>(what: string, ask: (client: ElasticLoadBalancingV2) => Promise<Answer>) => Promise<Answer>;

/** All rules but the default one, which is changed through its listener alone. */
async function rulesOf(call: Call, ListenerArn: string, abortSignal: AbortSignal): Promise<readonly Place[]> {
  const what = `DescribeRules ${nameOf(ListenerArn)}`;
  const rules: Rule[] = [];
  let Marker: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const request = { ListenerArn, ...(Marker === undefined ? {} : { Marker }) };
    const answer = await call(what, (client) => client.describeRules(request, { abortSignal }));
    rules.push(...(answer.Rules ?? []));
    Marker = answer.NextMarker || undefined;
    if (Marker === undefined) break;
  }
  if (Marker !== undefined) {
    const answer = `the listener has more than ${rules.length} rules, and not all of them were read`;
    throw new AwsFault(what, { trouble: 'refused', code: '', answer });
  }
  return rules
    .filter(({ IsDefault }) => IsDefault !== true)
    .map(({ RuleArn = '', Actions = [] }) => ({ arn: RuleArn, kind: 'rule', actions: Actions }));
}

function missing(call: string, answer: string): AwsFault {
  return new AwsFault(call, { trouble: 'missing', code: '', answer });
}

/** `app/front/50dc6c495c0c9188/f2f7dc8efc522ab2` of a listener's ARN, and with one part more of a rule's. */
function nameOf(arn: string): string {
  const [, ...parts] = arn.split('/');
  return parts.join('/') || arn;
}
