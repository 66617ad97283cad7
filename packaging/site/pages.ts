/** The pages of the documentation's site, in the order in which its menu shows them. */

export interface Page {
  /** A file of the project; its first heading is the title. */
  readonly source: string;
  /** Its name in the site, without `.html`. */
  readonly name: string;
  /** Its name in the menu. */
  readonly label: string;
}

export interface Chapter {
  readonly title: string;
  readonly pages: readonly Page[];
}

export const CHAPTERS: readonly Chapter[] = [
  {
    title: 'Begin',
    pages: [
      { source: 'README.md', name: 'index', label: 'What Slipway is' },
      { source: 'docs/quick-start.md', name: 'quick-start', label: 'Five minutes' },
      { source: 'docs/install.md', name: 'install', label: 'Install and upgrade' },
      { source: 'docs/from-codedeploy.md', name: 'from-codedeploy', label: 'Coming from CodeDeploy' },
    ],
  },
  {
    title: 'Deploy',
    pages: [
      { source: 'docs/deployments.md', name: 'deployments', label: 'How a deployment runs' },
      { source: 'docs/appspec.md', name: 'appspec', label: 'AppSpec file' },
      { source: 'docs/hooks.md', name: 'hooks', label: 'Hooks' },
      { source: 'docs/load-balancers.md', name: 'load-balancers', label: 'Load balancers' },
      { source: 'docs/blue-green.md', name: 'blue-green', label: 'Blue/green' },
      { source: 'docs/ci.md', name: 'ci', label: 'From a pipeline' },
      { source: 'docs/terraform.md', name: 'terraform', label: 'Terraform' },
      { source: 'docs/platforms.md', name: 'platforms', label: 'Lambda and ECS' },
      { source: 'docs/signatures.md', name: 'signatures', label: 'Signed revisions' },
    ],
  },
  {
    title: 'Operate',
    pages: [
      { source: 'docs/troubleshooting.md', name: 'troubleshooting', label: 'Troubleshooting' },
      { source: 'docs/server.md', name: 'server', label: 'Control server' },
      { source: 'docs/console.md', name: 'console', label: 'Console' },
      { source: 'docs/single-sign-on.md', name: 'single-sign-on', label: 'Single sign-on' },
      { source: 'docs/agent.md', name: 'agent', label: 'Host agent' },
      { source: 'docs/keys.md', name: 'keys', label: 'Keys, tokens, audit log' },
      { source: 'docs/tls.md', name: 'tls', label: 'TLS and trust' },
      { source: 'docs/revision-store.md', name: 'revision-store', label: 'Revision store' },
      { source: 'docs/backup.md', name: 'backup', label: 'Backup and retention' },
      { source: 'docs/monitoring.md', name: 'monitoring', label: 'Monitoring' },
      { source: 'docs/notices.md', name: 'notices', label: 'Alarms and triggers' },
      { source: 'docs/limits.md', name: 'limits', label: 'Limits' },
      { source: 'docs/aws.md', name: 'aws', label: 'With AWS' },
      { source: 'docs/security.md', name: 'security', label: 'Security' },
    ],
  },
  {
    title: 'Look up',
    pages: [
      { source: 'docs/cli.md', name: 'cli', label: 'Command line' },
      { source: 'docs/config.md', name: 'config', label: 'Configuration' },
      { source: 'docs/errors.md', name: 'errors', label: 'Errors' },
      { source: 'docs/api.md', name: 'api', label: 'API' },
    ],
  },
  {
    title: 'Understand',
    pages: [
      { source: 'docs/compatibility.md', name: 'compatibility', label: 'Compatibility' },
      { source: 'docs/performance.md', name: 'performance', label: 'Performance' },
      { source: 'docs/architecture.md', name: 'architecture', label: 'Architecture' },
      { source: 'docs/dependencies.md', name: 'dependencies', label: 'Dependencies' },
      { source: 'CONTRIBUTING.md', name: 'contributing', label: 'Contributing' },
      { source: 'CHANGELOG.md', name: 'changelog', label: 'Changes' },
    ],
  },
];

export const PAGES: readonly Page[] = CHAPTERS.flatMap(({ pages }) => pages);
