/**
 * Pages whose commands are examples: each command runs by itself, in the page's order, with real names in place of the examples'. The table
 * says of each page what is there before, and which commands run elsewhere or not at all, and why.
 */

export interface ReferencePage {
  readonly file: string;
  /** Hosts with agents: name → tag. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Shell commands before the page's own; their variables stay. */
  readonly before?: readonly string[];
  /** Text of the page → text that runs; a word such as `$ID` is a variable of `before`. */
  readonly replaced?: Readonly<Record<string, string>>;
  /** Beginning of a command → why it is not run. */
  readonly notRun?: Readonly<Record<string, string>>;
  /** Beginning of a command → exit status; else 0. */
  readonly statuses?: Readonly<Record<string, number>>;
  /** Shell commands that must hold afterwards. */
  readonly after?: readonly string[];
}

const SHOP = ['slipway applications create shop', 'slipway groups create web --application shop --tag Role=web'];
const ONE_HOST = { 'web-1': 'Role=web' };
/** A deployment to a host that has no agent stays open. */
const OPEN_DEPLOYMENT = [
  'slipway hosts register silent-1 --tag Role=silent --host-arn arn:aws:iam::000000000000:user/silent-1',
  'slipway groups create silent --application shop --tag Role=silent',
  'ID=$(slipway deploy ./build --application shop --group silent --no-follow | tail -n 1)',
];
const SHORTENED = 'the command goes on with what each reader has';
const OF_THE_PROJECT = 'for people who work on the project itself, in a checkout';
const AS_SERVICE = 'needs root and systemd: `npm run test:systemd` runs it';

export const REFERENCE_PAGES: readonly ReferencePage[] = [
  {
    file: 'docs/deployments.md',
    hosts: ONE_HOST,
    before: [...SHOP, ...OPEN_DEPLOYMENT],
    replaced: { 'd-1A2B3C4D5': '$ID', '--application APP --group GROUP': '--application shop --group web' },
    notRun: {
      'slipway register': SHORTENED,
      'slipway deploy --application shop --group web --config by-zone': SHORTENED,
    },
    // Half of one host, rounded up, is that host: none may be out of service.
    statuses: { 'slipway deploy ./build --application shop --group web --config half': 1 },
    after: [
      'slipway deployments show "$ID" | grep -q Stopped',
      'slipway groups show shop/web --json | grep -q DEPLOYMENT_STOP_ON_REQUEST',
      'slipway configs show by-zone --json | grep -q firstZoneMonitorDurationInSeconds',
      'grep -q "^web-1," today.csv',
    ],
  },
  {
    file: 'docs/keys.md',
    before: [
      'KEY=$(slipway keys create --role viewer --json | sed -n \'s/.*"accessKeyId": *"\\([^"]*\\)".*/\\1/p\')',
      'TOKEN=$(slipway server tokens create --tag Role=web --json | sed -n \'s/.*"token": *"\\([^"]*\\)".*/\\1/p\')',
      'OTHER=$(slipway server tokens create --json | sed -n \'s/.*"tokenId": *"\\([^"]*\\)".*/\\1/p\')',
      'echo secret > token',
    ],
    replaced: {
      AKIAEXAMPLE: '$KEY',
      'echo TOKEN |': 'echo "$TOKEN" |',
      TOKNAAAAAAAAAAAA: '$OTHER',
      'slipway register --server https://SERVER:8400':
        'slipway register --instance-name enrolled --config-dir conf --state-dir state --server "$SLIPWAY_ENDPOINT_URL"',
      'https://deploy.example.com:8400': '$SLIPWAY_ENDPOINT_URL',
    },
    after: [
      'slipway keys list | grep "$KEY" | grep -q active',
      'slipway audit --json | grep DisableAccessKey | grep -q "$KEY"',
      'slipway audit --json | grep EnableAccessKey | grep -q "$KEY"',
      'slipway hosts list | grep -q "^enrolled .*Role=web"',
      'slipway hosts list | grep -q "^web-1 *deregistered"',
      'test -s codedeploy.onpremises.yml || test ! -e codedeploy.onpremises.yml',
    ],
  },
  {
    file: 'docs/backup.md',
    replaced: { '/var/backups/slipway.backup': 'slipway.backup', '/var/lib/slipway': 'restored' },
    after: ['test -s restored/slipway.db', 'cmp restored/master.key "$SLIPWAY_DATA_DIR/master.key"'],
  },
  {
    file: 'docs/monitoring.md',
    hosts: ONE_HOST,
    replaced: { 'slipway server doctor': 'slipway server doctor --data-dir "$SLIPWAY_DATA_DIR"' },
    after: ['slipway hosts list | grep -q "^web-1 .*registered"'],
  },
  {
    file: 'docs/notices.md',
    before: [...SHOP, ...OPEN_DEPLOYMENT],
    replaced: { 'd-1A2B3C4D5': '$ID' },
    notRun: { 'slipway deploy --group shop/web --alarms none': SHORTENED },
    after: [
      'slipway groups show shop/web --json | grep -q DeploymentRollback',
      'slipway groups show shop/web --json | grep -q DEPLOYMENT_STOP_ON_ALARM',
    ],
  },
  {
    file: 'docs/load-balancers.md',
    before: ['slipway applications create shop'],
    notRun: { 'slipway server --load-balancers': SHORTENED, 'slipway register': SHORTENED },
    after: ['slipway groups show shop/web --json | grep -q WITHOUT_TRAFFIC_CONTROL'],
  },
  {
    file: 'docs/blue-green.md',
    hosts: { 'web-1': 'Fleet=a', 'web-2': 'Fleet=b' },
    before: ['slipway applications create shop'],
    replaced: {
      'slipway deploy ./build --application shop --group web --green-tag Fleet=b':
        'ID=$(slipway deploy ./build --application shop --group web --green-tag Fleet=b --no-follow | tail -n 1)',
      'slipway deployments continue d-1A2B3C4D5':
        'until slipway deployments list --status Ready | grep -q "$ID"; do sleep 0.2; done; slipway deployments continue "$ID"',
    },
    after: ['slipway deployments follow "$ID"', 'slipway groups show shop/web | grep -q Fleet=b'],
  },
  {
    file: 'docs/from-codedeploy.md',
    hosts: ONE_HOST,
    before: ['slipway applications create old', 'slipway groups create production --application old --tag Role=web'],
    replaced: { '--application-name shop': '--application-name old' },
    notRun: { 'slipway migrate-from-codedeploy': 'needs an official agent: the suite takes over one' },
    after: ['grep -q production group.json', 'slipway deployments list | grep -q Succeeded'],
  },
  {
    file: 'docs/troubleshooting.md',
    hosts: ONE_HOST,
    before: [...SHOP, ...OPEN_DEPLOYMENT],
    replaced: {
      'slipway doctor': 'slipway doctor --config-file ../web-1/conf/codedeployagent.yml',
      'slipway server doctor': 'slipway server doctor --data-dir "$SLIPWAY_DATA_DIR"',
      'd-1A2B3C4D5': '$ID',
    },
  },
  {
    file: 'docs/appspec.md',
    before: [
      'tar -czf site-1.4.tgz -C build . && mv site-1.4.tgz build/',
      'cp build/appspec.yml . && cp -r build/files build/scripts .',
    ],
    replaced: { ' --deployment-group GROUP-ID': '' },
    notRun: {
      'slipway validate build/site-1.4.tgz': 'the bundle of the example lies in the folder that another command checks',
    },
    statuses: {
      'slipway plan': 10,
      'slipway validate appspec.yaml --platform ecs': 1,
    },
    after: ['grep -q AWS::ECS::Service appspec-ecs.schema.json', 'grep -q version lint.sarif'],
  },
  {
    file: 'docs/signatures.md',
    before: ['slipway applications create shop'],
    replaced: { '-C release': "-C release -N ''" },
    after: ['grep -q "^release ssh-ed25519 " signers', 'aws s3 ls --recursive s3://revisions/ | grep -q "\\.sig$"'],
  },
  {
    file: 'docs/server.md',
    replaced: {
      'slipway server init --address deploy.example.com':
        'slipway server init --address deploy.example.com --settings-file settings/server.env --data-dir settings/data',
    },
    notRun: { 'slipway server --data-dir /var/lib/slipway': AS_SERVICE },
    after: ['grep -q "^SLIPWAY_TLS_CERT=" settings/server.env', 'test -s settings/tls/ca.pem'],
  },
  {
    file: 'docs/console.md',
    before: [
      'slipway applications create my-site',
      'slipway groups create production --application my-site --tag Role=web',
      'slipway push ./build --application my-site --s3-location s3://revisions/my-site/build.zip',
    ],
    notRun: { 'npm run build:console': OF_THE_PROJECT, 'npm run test:console': OF_THE_PROJECT },
  },
];

/** Pages whose commands run in another program, or cannot run here. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'README.md': AS_SERVICE,
  'CONTRIBUTING.md': OF_THE_PROJECT,
  'docs/agent.md': AS_SERVICE,
  'docs/aws.md': 'needs AWS; the suite makes the same calls against a stand-in',
  'docs/install.md': 'needs packages and root: `npm run test:packages` installs, upgrades and removes them',
  'docs/platforms.md': 'needs AWS; the suite makes the same calls against a stand-in',
};
