/** The file behind `--load-balancers`: what the names mean by which deployment groups call their load balancers. */
import type { Clock } from '../../system/clock.ts';
import type { AwsClients } from './aws/aws.ts';
import { AWS_DRAIN_SECONDS } from './aws/balancer-in-aws.ts';
import { createClassicElb } from './aws/classic-elb.ts';
import { createTargetGroup } from './aws/target-group.ts';
import { createHaproxy } from './haproxy.ts';
import { haproxyPlace } from './haproxy-socket.ts';
import type { LoadBalancer } from './load-balancer.ts';
import { type NamedThing, readNamedSettings } from './named-settings.ts';
import { createNginx } from './nginx.ts';
import { createScript } from './script.ts';
import { createReader, type Reader } from './settings-reader.ts';
import { createWebhook } from './webhook.ts';

export const BALANCER: NamedThing = { one: 'a load balancer', shownIn: 'docs/load-balancers.md' };

export interface BalancersContext {
  readonly clock: Pick<Clock, 'now'>;
  /** null: the server asks no AWS. */
  readonly aws: AwsClients | null;
}

/**
 * Reads YAML or JSON: names, each with what it stands for.
 *
 * @throws SlipwayError CONFIG_UNREADABLE, or CONFIG_INVALID naming the balancer and the key
 */
export function readBalancersFile(file: string, ctx: BalancersContext): ReadonlyMap<string, LoadBalancer> {
  return new Map(
    readNamedSettings(file, BALANCER).map(([name, settings]): [string, LoadBalancer] => [
      name,
      balancerOf(name, createReader({ file, thing: BALANCER, name, settings }), ctx),
    ]),
  );
}

function balancerOf(name: string, read: Reader, { clock, aws }: BalancersContext): LoadBalancer {
  const kind = read.text('kind');
  if (kind === 'target-group' || kind === 'classic-elb') return balancerInAws(kind, name, read, aws);
  const drainLimitMs = read.seconds('drainSeconds', 300) * 1000;
  switch (kind) {
    case 'haproxy': {
      const place = haproxyPlace(read.text('socket'));
      const [backend, server] = [read.word('backend'), read.template('server')];
      const rest = { drainLimitMs, isForced: read.flag('force'), probe: read.probe() };
      return read.done(createHaproxy({ place, backend, server, ...rest }));
    }
    case 'nginx': {
      const files = { upstreamFile: read.path('upstreamFile'), pidFile: read.path('pidFile', '/run/nginx.pid') };
      const commands = {
        testCommand: read.command('test', ['nginx', '-t', '-q']),
        reloadCommand: read.command('reload', ['nginx', '-s', 'reload']),
      };
      const rest = { drainLimitMs, isForced: read.flag('force'), probe: read.probe() };
      return read.done(createNginx({ ...files, ...commands, address: read.template('address'), ...rest }));
    }
    case 'script':
      return read.done(createScript({ command: read.command('command'), drainLimitMs }));
    case 'webhook':
      return read.done(createWebhook({ url: read.url('url'), secret: read.secret(), drainLimitMs }, clock));
    default:
      throw read.wrong('kind', 'must be haproxy, nginx, script, webhook, target-group or classic-elb');
  }
}

function balancerInAws(
  kind: 'target-group' | 'classic-elb',
  name: string,
  read: Reader,
  aws: AwsClients | null,
): LoadBalancer {
  if (aws === null) throw read.wrong('kind', `${kind} needs a server that is started with --aws-region`);
  const common = {
    name: read.text('name', name),
    target: read.has('target') ? read.template('target') : null,
    drainLimitMs: read.seconds('drainSeconds', AWS_DRAIN_SECONDS) * 1000,
  };
  return read.done(kind === 'target-group' ? createTargetGroup(aws, common) : createClassicElb(aws, common));
}
