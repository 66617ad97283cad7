/** The settings of the control server, as flags and as variables: what `slipway server` runs with, and what its doctor looks at. */
import { type Command, Option } from 'commander';
import { SlipwayError } from '../errors.ts';
import type { RateLimits } from '../server/connections/rates.ts';
import { pathFrom } from '../system/working-folder.ts';
import {
  type Days,
  type ListenAddress,
  parseCount,
  parseDays,
  parseDomain,
  parseFolder,
  parseListenAddress,
  parseNetworks,
  parseRate,
  type RequestsPerSecond,
} from './arguments.ts';

export interface ServerOptions {
  readonly dataDir: string;
  readonly listen: ListenAddress;
  readonly s3Listen?: ListenAddress;
  readonly s3Domain?: string;
  readonly metricsListen?: ListenAddress;
  readonly trustedProxies?: readonly string[];
  readonly publicS3Endpoint?: string;
  readonly database?: string;
  readonly region: string;
  readonly accountId: string;
  readonly liveLogs: 'on' | 'off';
  readonly zoneTag: string;
  readonly loadBalancers?: string;
  readonly awsRegion?: string;
  readonly alarms?: string;
  readonly webhooks?: string;
  readonly fleets?: string;
  readonly hooks?: string;
  readonly oidc?: string;
  readonly trafficMinuteMs?: number;
  readonly severalPairs: 'on' | 'off';
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly keepDeployments: Days;
  readonly keepDiagnostics: Days;
  readonly keepRevisions: Days;
  readonly keepAudit: Days;
  readonly ratePerKey: RequestsPerSecond;
  readonly ratePerHost: RequestsPerSecond;
  readonly ratePerAddress: RequestsPerSecond;
  readonly rateOfFailures: RequestsPerSecond;
}

export const DEFAULT_DATA_DIR = '/var/lib/slipway';

export function addServerOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--data-dir <dir>', 'database, keys and revisions')
        .env('SLIPWAY_DATA_DIR')
        .argParser(parseFolder)
        .default(DEFAULT_DATA_DIR),
    )
    .addOption(
      new Option('--listen <host:port>', 'the one address for hosts and people: API and revisions')
        .env('SLIPWAY_LISTEN')
        .argParser(parseListenAddress)
        .default({ host: '127.0.0.1', port: 8400 }, '127.0.0.1:8400'),
    )
    .addOption(
      new Option('--s3-listen <host:port>', 'a port of its own for the S3 API of revisions')
        .env('SLIPWAY_S3_LISTEN')
        .argParser(parseListenAddress),
    )
    .addOption(
      new Option(
        '--public-s3-endpoint <url>',
        'address of the S3 API as hosts see it, if it is another than the one that they know',
      ).env('SLIPWAY_PUBLIC_S3_ENDPOINT'),
    )
    .addOption(
      new Option(
        '--s3-domain <name>',
        'host name behind those of buckets (BUCKET.NAME); else buckets are named in the path',
      )
        .env('SLIPWAY_S3_DOMAIN')
        .argParser(parseDomain),
    )
    .addOption(
      new Option(
        '--metrics-listen <host:port>',
        'a port for /metrics (Prometheus), /healthz and /readyz; plain HTTP, no key: keep it on loopback',
      )
        .env('SLIPWAY_METRICS_LISTEN')
        .argParser(parseListenAddress),
    )
    .addOption(
      new Option(
        '--trusted-proxies <list>',
        'addresses and networks of proxies in front of the server, with commas; it then counts clients by X-Forwarded-For',
      )
        .env('SLIPWAY_TRUSTED_PROXIES')
        .argParser(parseNetworks),
    )
    .addOption(new Option('--database <url>', 'postgres://… instead of the embedded database').env('SLIPWAY_DATABASE'))
    .addOption(
      new Option('--region <region>', 'region in the names of resources').env('SLIPWAY_REGION').default('us-east-1'),
    )
    .addOption(
      new Option('--account-id <digits>', 'account in the names of resources')
        .env('SLIPWAY_ACCOUNT_ID')
        .default('000000000000'),
    )
    .addOption(
      new Option('--live-logs <on|off>', 'ask hosts for what scripts write while they run, and keep the end of it')
        .env('SLIPWAY_LIVE_LOGS')
        .choices(['on', 'off'])
        .default('on'),
    )
    .addOption(
      new Option('--zone-tag <name>', 'tag whose value is the zone of a host, for configurations with zones')
        .env('SLIPWAY_ZONE_TAG')
        .default('zone'),
    )
    .addOption(
      new Option(
        '--load-balancers <file>',
        'what the names of load balancers in deployment groups stand for, YAML or JSON',
      ).env('SLIPWAY_LOAD_BALANCERS'),
    )
    .addOption(
      new Option(
        '--aws-region <region>',
        'ask AWS there for hosts by EC2’s tags, and for load balancers and alarms that no file has; without it AWS is not asked',
      ).env('SLIPWAY_AWS_REGION'),
    )
    .addOption(
      new Option('--alarms <file>', 'what the names of alarms in deployment groups stand for, YAML or JSON').env(
        'SLIPWAY_ALARMS',
      ),
    )
    .addOption(
      new Option(
        '--webhooks <file>',
        'where notices go by what triggers of deployment groups call their targets, YAML or JSON',
      ).env('SLIPWAY_WEBHOOKS'),
    )
    .addOption(
      new Option(
        '--fleets <file>',
        'programs that make the replacement hosts of deployment groups, and end their original ones, YAML or JSON',
      ).env('SLIPWAY_FLEETS'),
    )
    .addOption(
      new Option(
        '--hooks <file>',
        'webhooks and programs that AppSpec files of Lambda and ECS name in place of functions, YAML or JSON; needs --aws-region',
      ).env('SLIPWAY_HOOKS'),
    )
    .addOption(
      new Option(
        '--oidc <file>',
        'the OpenID Connect provider that signs people in to the console, and the roles that its claims give, YAML or JSON',
      ).env('SLIPWAY_OIDC'),
    )
    .addOption(
      new Option(
        '--several-pairs <on|off>',
        'an ECS service may have several pairs of target groups, which move together; CodeDeploy has one',
      )
        .env('SLIPWAY_SEVERAL_PAIRS')
        .choices(['on', 'off'])
        .default('off'),
    )
    .addOption(
      new Option(
        '--traffic-minute-ms <ms>',
        'for rehearsals: a minute of the schedules that move traffic to Lambda functions and ECS services lasts so long',
      )
        .env('SLIPWAY_TRAFFIC_MINUTE_MS')
        .argParser(parseCount),
    )
    .addOption(
      new Option('--tls-cert <file>', 'certificate chain, PEM; the server then speaks HTTPS').env('SLIPWAY_TLS_CERT'),
    )
    .addOption(new Option('--tls-key <file>', 'private key, PEM').env('SLIPWAY_TLS_KEY'))
    .addOption(keepOption('deployments', 365, 'deployments, with their targets and events, are kept after their ends'))
    .addOption(keepOption('diagnostics', 90, 'what scripts wrote is kept after the end of the deployment'))
    .addOption(keepOption('revisions', 365, 'applications know a revision after its last use; bundles stay'))
    .addOption(keepOption('audit', 730, 'the audit log keeps who has changed what'))
    .addOption(rateOption('per-key', 200, 'requests a second of one access key of people'))
    .addOption(rateOption('per-host', 50, 'requests a second of one host’s key'))
    .addOption(rateOption('per-address', 1_000, 'requests a second of all keys of people from one address'))
    .addOption(rateOption('of-failures', 5, 'requests a second from one address with a wrong key or token'));
}

/** Five seconds’ worth may come at once, of failures forty. */
function rateOption(what: string, usual: number, meaning: string): Option {
  return new Option(`--rate-${what} <number>`, `${meaning}, in the long run; or none, for no limit`)
    .env(`SLIPWAY_RATE_${what.toUpperCase().replaceAll('-', '_')}`)
    .argParser(parseRate)
    .default(usual);
}

/** The limits on requests that settings ask for. */
export function rateLimitsOf(options: ServerOptions): RateLimits {
  const rate = (perSecond: RequestsPerSecond, burstSeconds: number) =>
    perSecond === 'none' ? null : { perSecond, burst: Math.max(1, perSecond * burstSeconds) };
  return {
    perKey: rate(options.ratePerKey, 5),
    perHost: rate(options.ratePerHost, 5),
    perAddress: rate(options.ratePerAddress, 5),
    failures: rate(options.rateOfFailures, 40),
  };
}

function keepOption(what: string, defaultDays: number, meaning: string): Option {
  return new Option(`--keep-${what} <days>`, `how many days ${meaning}; or forever`)
    .env(`SLIPWAY_KEEP_${what.toUpperCase()}`)
    .argParser(parseDays)
    .default(defaultDays);
}

/** Paths are made whole. A flag that was given nothing, as by a script whose variable is empty, is as if it were not there. */
export function usedServerOptions(options: ServerOptions, folder: string): ServerOptions {
  const {
    publicS3Endpoint,
    database,
    tlsCert,
    tlsKey,
    loadBalancers,
    awsRegion,
    alarms,
    webhooks,
    fleets,
    hooks,
    oidc,
    dataDir,
    ...others
  } = options;
  return {
    ...others,
    dataDir: pathFrom(folder, dataDir),
    ...(publicS3Endpoint ? { publicS3Endpoint } : {}),
    ...(database ? { database } : {}),
    ...(loadBalancers ? { loadBalancers: pathFrom(folder, loadBalancers) } : {}),
    ...(awsRegion ? { awsRegion } : {}),
    ...(alarms ? { alarms: pathFrom(folder, alarms) } : {}),
    ...(webhooks ? { webhooks: pathFrom(folder, webhooks) } : {}),
    ...(fleets ? { fleets: pathFrom(folder, fleets) } : {}),
    ...(hooks ? { hooks: pathFrom(folder, hooks) } : {}),
    ...(oidc ? { oidc: pathFrom(folder, oidc) } : {}),
    ...(tlsCert ? { tlsCert: pathFrom(folder, tlsCert) } : {}),
    ...(tlsKey ? { tlsKey: pathFrom(folder, tlsKey) } : {}),
  };
}

/** @throws SlipwayError CLI_BAD_ARGUMENT for what no single setting can be told by */
export function checkServerOptions(options: ServerOptions): void {
  if (!/^\d{12}$/.test(options.accountId)) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `--account-id '${options.accountId}' is not 12 digits`);
  }
  const { awsRegion } = options;
  if (awsRegion !== undefined && !/^[a-z]{2}(-[a-z]+)+-\d{1,2}$/.test(awsRegion)) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `--aws-region '${awsRegion}' is no region of AWS, as eu-central-1 is`);
  }
  if (options.hooks !== undefined && awsRegion === undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--hooks is for deployments to Lambda and ECS, which need --aws-region');
  }
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) {
    const missing = options.tlsKey === undefined ? '--tls-key' : '--tls-cert';
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--tls-cert and --tls-key go together', {
      remedy: `Add ${missing} (or its SLIPWAY_ variable), or leave both out.`,
    });
  }
}

/**
 * For a server that is about to start; one that runs has told hosts an address already, about which its doctor has more to say.
 *
 * @throws SlipwayError CLI_BAD_ARGUMENT for an address that no host could use
 */
export function checkPublicS3Endpoint({ publicS3Endpoint }: Pick<ServerOptions, 'publicS3Endpoint'>): void {
  if (publicS3Endpoint === undefined || /^https?:$/.test(URL.parse(publicS3Endpoint)?.protocol ?? '')) return;
  const message = `--public-s3-endpoint '${publicS3Endpoint}' is no http:// or https:// address`;
  throw new SlipwayError('CLI_BAD_ARGUMENT', message);
}
