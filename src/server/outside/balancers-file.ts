/** The file behind `--load-balancers`: what the names mean by which deployment groups call their load balancers. */
import { readFileSync } from 'node:fs';
import { messageOf, SlipwayError } from '../../errors.ts';
import type { Clock } from '../../system/clock.ts';
import type { AwsClients } from './aws/aws.ts';
import { AWS_DRAIN_SECONDS } from './aws/balancer-in-aws.ts';
import { createClassicElb } from './aws/classic-elb.ts';
import { createTargetGroup } from './aws/target-group.ts';
import { createHaproxy } from './haproxy.ts';
import { haproxyPlace } from './haproxy-socket.ts';
import { faultOfTemplate } from './host-template.ts';
import type { LoadBalancer } from './load-balancer.ts';
import { invalidSettings, isSettings, type NamedThing, readNamedSettings } from './named-settings.ts';
import { createNginx } from './nginx.ts';
import type { ProbeSettings } from './probe.ts';
import { createScript } from './script.ts';
import { createWebhook } from './webhook.ts';

const BALANCER: NamedThing = { one: 'a load balancer', section: 'Load balancers' };

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
      balancerOf(name, createReader(file, name, settings), ctx),
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

type Reader = ReturnType<typeof createReader>;

function createReader(file: string, name: string, settings: Readonly<Record<string, unknown>>) {
  const known = new Set<string>();
  const wrong = (key: string, why: string) => invalidSettings(file, BALANCER, `${name}.${key} ${why}`);
  const get = (key: string): unknown => {
    known.add(key.split('.')[0] ?? key);
    return key.split('.').reduce((value: unknown, part) => (isSettings(value) ? value[part] : undefined), settings);
  };
  const text = (key: string, byDefault?: string): string => {
    const value = get(key) ?? byDefault;
    if (typeof value === 'string' && value !== '') return value;
    throw wrong(key, value === undefined ? 'is missing' : 'must be a text that is not empty');
  };
  const number = (key: string, byDefault: number, max: number): number => {
    const value = get(key) ?? byDefault;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return value;
    throw wrong(key, `must be a whole number from 0 to ${max}`);
  };
  const template = (key: string): string => {
    const value = text(key);
    const fault = faultOfTemplate(value);
    if (fault === null) return value;
    throw wrong(key, `is wrong: ${fault}`);
  };
  const url = (key: string): string => {
    const value = text(key);
    if (/^https?:$/.test(URL.parse(value.replaceAll(/[{}]/g, ''))?.protocol ?? '')) return value;
    // A place for the host may be where a port would be.
    if (/^https?:\/\/[^\s]+$/.test(value) && value.includes('{')) return value;
    throw wrong(key, 'must be an http:// or https:// address');
  };
  const secretOf = (path: string): string => {
    try {
      return readFileSync(path, 'utf8').trim();
    } catch (cause) {
      throw new SlipwayError('CONFIG_UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, { cause });
    }
  };
  return {
    ...{ wrong, text, template, url },
    has: (key: string) => get(key) !== undefined,
    seconds: (key: string, byDefault: number) => number(key, byDefault, 3600),
    word(key: string): string {
      const value = text(key);
      if (!/[\s;/]/.test(value)) return value;
      throw wrong(key, 'must be one word');
    },
    path(key: string, byDefault?: string): string {
      const value = text(key, byDefault);
      if (value.startsWith('/')) return value;
      throw wrong(key, 'must be an absolute path');
    },
    flag(key: string): boolean {
      const value = get(key) ?? false;
      if (typeof value === 'boolean') return value;
      throw wrong(key, 'must be true or false');
    },
    command(key: string, byDefault?: readonly string[]): readonly string[] {
      const value = get(key) ?? byDefault;
      const words = typeof value === 'string' ? [value] : value;
      if (Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === 'string' && word !== '')) {
        return words as readonly string[];
      }
      throw wrong(key, 'must be a program, or a list of a program and its arguments');
    },
    secret(): string {
      const value = get('secretFile') === undefined ? text('secret') : secretOf(text('secretFile'));
      if (value.length >= 16) return value;
      throw wrong('secret', 'must have 16 characters or more');
    },
    probe(): ProbeSettings | null {
      if (get('probe') === undefined) return null;
      template('probe.url');
      return {
        url: url('probe.url'),
        status: number('probe.status', 200, 599),
        times: Math.max(1, number('probe.times', 2, 10)),
      };
    },
    done(balancer: LoadBalancer): LoadBalancer {
      const unknown = Object.keys(settings).find((key) => key !== 'kind' && !known.has(key));
      if (unknown === undefined) return balancer;
      throw wrong(unknown, 'is not known');
    },
  };
}
