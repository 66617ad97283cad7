/**
 * Builds the packages that operators install: `npm run package`. Needs dpkg-deb, rpmbuild, and strip for each of the processors; Debian has
 * them all.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackage } from '../build.ts';
import { LINT_RULES } from '../src/appspec/rules.ts';
import { BUILD_FILE, type BuildRecord, commitOf } from '../src/cli/build-record.ts';
import { EXIT_STATUS } from '../src/cli/exit-status.ts';
import { environmentTemplate } from '../src/cli/service/environment-file.ts';
import { AGENT_CONFIG_KEYS } from '../src/config/agent-keys.ts';
import { DEFAULT_CONFIG_FILE } from '../src/config/default-config-file.ts';
import { ARCHITECTURES } from './architecture.ts';
import { outliveReaders } from './closed-pipe.ts';
import { commandTexts, programForDocs } from './command-line.ts';
import { bashCompletion } from './completions/bash.ts';
import { fishCompletion } from './completions/fish.ts';
import { placesOf } from './completions/words.ts';
import { zshCompletion } from './completions/zsh.ts';
import { contentsOf, PROGRAM, type Texts } from './contents.ts';
import { textEntry } from './entry.ts';
import { buildDeb } from './formats/deb.ts';
import { buildRpm } from './formats/rpm.ts';
import { buildTarball } from './formats/tarball.ts';
import { licencesOf } from './licences.ts';
import { debianChangelog, maintainerOf } from './maintainer.ts';
import { commandPages } from './manual/command-pages.ts';
import { appSpecPage, configurationPage } from './manual/file-pages.ts';
import { addToRepository, KEY_FILE, type RepositoryOptions } from './repository.ts';
import { run } from './run.ts';
import { type Runtime, runtimeOf } from './runtime.ts';
import { agentConfiguration } from './settings-files.ts';

const HELP = `npm run package -- [OPTIONS]

  --architecture NAME   only one of amd64, arm64
  --format NAME         only one of deb, rpm, tar.gz
  --out FOLDER          where the packages go (dist/packages)
  --repository FOLDER   add the packages for Debian to a repository of apt there; any web server can serve it
  --sign-key KEY        the key of gpg that signs the repository
`;
const PROJECT = resolve(import.meta.dirname, '..');
/** Names as `slipway --version` has them. */
const FORMATS = ['deb', 'rpm', 'tar.gz'] as const;
type Format = (typeof FORMATS)[number];

outliveReaders();
const { values } = parseArgs({
  options: {
    architecture: { type: 'string' },
    format: { type: 'string' },
    out: { type: 'string', default: join(PROJECT, 'dist/packages') },
    repository: { type: 'string' },
    'sign-key': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(HELP);
else await packageAll();

async function packageAll(): Promise<void> {
  const architectures = chosen('architecture', values.architecture, ARCHITECTURES, ({ deb }) => deb);
  const formats = chosen('format', values.format, FORMATS, (format) => format);
  const repository = repositoryWanted(formats);
  const outFolder = resolve(values.out);
  mkdirSync(outFolder, { recursive: true });
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { readonly version: string };
  const timeSeconds = timeOfBuild();
  const maintainer = maintainerOf(PROJECT, process.env);
  const commit = commitOf(PROJECT);
  const common = { version, timeSeconds, outFolder, maintainer };
  // Not in dist/, which others may be building at the same time.
  const program = mkdtempSync(join(tmpdir(), 'slipway-program-'));
  await buildPackage(program);
  const sums: string[] = [];
  const debs: string[] = [];
  for (const architecture of architectures) {
    const runtime = runtimeOf(PROJECT, architecture, join(PROJECT, 'node_modules/.cache/slipway-packages'));
    const commonEntries = contentsOf(PROJECT, program, version, runtime, {
      ...(await textsFor(runtime)),
      debianChangelog: debianChangelog(version, maintainer, timeSeconds),
    });
    for (const format of formats) {
      const record: BuildRecord = { packing: format, commit };
      const entries = [...commonEntries, textEntry(`${PROGRAM}/${BUILD_FILE}`, `${JSON.stringify(record)}\n`)];
      const workFolder = mkdtempSync(join(tmpdir(), 'slipway-package-'));
      try {
        const file = build(format, { ...common, architecture, entries, workFolder });
        if (format === 'deb') debs.push(file);
        const bytes = readFileSync(file);
        sums.push(`${createHash('sha256').update(bytes).digest('hex')}  ${basename(file)}\n`);
        process.stdout.write(`${file}  ${(bytes.length / 1e6).toFixed(1)} MB\n`);
      } finally {
        rmSync(workFolder, { recursive: true });
      }
    }
  }
  rmSync(program, { recursive: true });
  writeFileSync(join(outFolder, 'SHA256SUMS'), sums.join(''));
  process.stdout.write(sums.join(''));
  if (repository !== null) {
    addToRepository({ ...repository, debs, timeSeconds });
    process.stdout.write(`${repository.folder}  repository for apt, with the key ${KEY_FILE}\n`);
  }
}

/** Said before anything is built: apt takes no repository that nobody has signed. */
function repositoryWanted(formats: readonly Format[]): Pick<RepositoryOptions, 'folder' | 'signKey'> | null {
  const { repository, 'sign-key': signKey } = values;
  if (repository === undefined && signKey === undefined) return null;
  if (repository === undefined || signKey === undefined) throw new Error('--repository and --sign-key go together');
  if (!formats.includes('deb')) throw new Error('a repository of apt has packages for Debian: leave --format out');
  return { folder: resolve(repository), signKey };
}

type BuildOptions = Parameters<typeof buildRpm>[0] & { readonly maintainer: string };

function build(format: Format, options: BuildOptions): string {
  const script = (name: string) => readFileSync(join(PROJECT, 'packaging/files', name), 'utf8');
  if (format === 'deb') return buildDeb({ ...options, postrm: script('postrm') });
  if (format === 'rpm') return buildRpm(options);
  return buildTarball({ ...options, installScript: script('install.sh') });
}

async function textsFor(runtime: Runtime): Promise<Omit<Texts, 'debianChangelog'>> {
  const program = await programForDocs();
  const commands = commandTexts(program);
  const places = placesOf(commands);
  const rules = Object.entries(LINT_RULES).map(([id, rule]) => ({ id, ...rule }));
  const server = program.commands.find((command) => command.name() === 'server');
  return {
    pages: [
      ...commandPages(commands, Object.values(EXIT_STATUS)),
      configurationPage(AGENT_CONFIG_KEYS, DEFAULT_CONFIG_FILE),
      appSpecPage(readFileSync(join(PROJECT, 'examples/web-app/appspec.yml'), 'utf8'), rules),
    ],
    completions: { bash: bashCompletion(places), zsh: zshCompletion(places), fish: fishCompletion(places) },
    agentConfiguration: agentConfiguration(AGENT_CONFIG_KEYS),
    serverSettings: environmentTemplate('slipway-server', server?.options ?? []),
    licences: licencesOf(PROJECT, runtime.version, runtime.licence),
    billOfMaterials: run(
      join(PROJECT, 'node_modules/.bin/cyclonedx-npm'),
      [
        '--package-lock-only',
        '--omit',
        'dev',
        '--output-reproducible',
        '--output-file',
        '-',
        join(PROJECT, 'package.json'),
      ],
      'npm',
    ),
  };
}

/** The commit's own time, so that whoever builds it again gets the same files. */
function timeOfBuild(): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  const text = given ?? run('git', ['-C', PROJECT, 'log', '-1', '--format=%ct'], 'git');
  if (!/^\d+$/.test(text)) throw new Error(`SOURCE_DATE_EPOCH is a number of seconds, not '${text}'`);
  return Number(text);
}

function chosen<T>(
  option: string,
  given: string | undefined,
  all: readonly T[],
  nameOf: (one: T) => string,
): readonly T[] {
  const found = given === undefined ? all : all.filter((one) => nameOf(one) === given);
  if (found.length === 0) throw new Error(`--${option} is one of ${all.map(nameOf).join(', ')}, not '${given}'`);
  return found;
}
