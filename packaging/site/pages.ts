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
      { source: 'docs/install.md', name: 'install', label: 'Install and upgrade' },
    ],
  },
  {
    title: 'Operate',
    pages: [
      { source: 'docs/server.md', name: 'server', label: 'Control server' },
      { source: 'docs/agent.md', name: 'agent', label: 'Host agent' },
      { source: 'docs/aws.md', name: 'aws', label: 'With AWS' },
      { source: 'docs/signatures.md', name: 'signatures', label: 'Signed revisions' },
      { source: 'docs/security.md', name: 'security', label: 'Security' },
    ],
  },
  {
    title: 'Look up',
    pages: [
      { source: 'docs/appspec.md', name: 'appspec', label: 'AppSpec file' },
      { source: 'docs/platforms.md', name: 'platforms', label: 'Lambda and ECS' },
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
