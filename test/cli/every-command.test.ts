/**
 * Runs every command of the command line, as it defines itself, against a server, a store, a bundle and a host. Their every word is an
 * order to a terminal, a reader's eye or a build server. A command or an option that is new is tried without being named here.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command, Option } from 'commander';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { certificateEnding } from '../support/certificates.ts';
import { capturedContext } from '../support/cli-context.ts';
import { endlessAnswers, hostileAnswers } from '../support/hostile/answers.ts';
import { hostileBundle } from '../support/hostile/bundle.ts';
import type { CommandRun, CommandWords } from '../support/hostile/run-commands.ts';
import { type HostileServer, startHostileServer } from '../support/hostile/server.ts';
import { HOSTILE, HOSTILE_ARGUMENT, HOSTILE_LABEL, HOSTILE_NAME, obeyed } from '../support/hostile/text.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

const RUNNER = fileURLToPath(new URL('../support/hostile/run-commands.ts', import.meta.url));

/**
 * Commands that are not run as they are, because they would change this machine or not end. Each is tried as a process of its own, or by
 * what it prints.
 */
const NOT_RUN: Readonly<Record<string, readonly string[] | null>> = {
  agent: null,
  server: null,
  'agent install': ['--print'],
  'server install': ['--print'],
  // They ask the service manager where the agent is a service.
  'agent start': null,
  'agent stop': null,
  'agent restart': null,
};

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

let scratch: ScratchFolder;
let server: HostileServer;
let refusing: HostileServer;
let ending: HostileServer;
let endless: HostileServer;
let bundle: string;
/** Bundle of a local deployment: no control characters are in its path. */
let deployable: string;
let configFile: string;
let leaves: readonly Leaf[];

beforeAll(async () => {
  scratch = scratchFolder();
  const { certFile } = await certificateEnding(scratch.path, 30);
  // What follows in that answer is no certificate.
  server = await startHostileServer(hostileAnswers(HOSTILE, `${readFileSync(certFile, 'utf8')}${HOSTILE}`));
  refusing = await startHostileServer({});
  ending = await startHostileServer(hostileAnswers('Failed'));
  endless = await startHostileServer(endlessAnswers());
  bundle = hostileBundle(scratch.path, `bundle ${HOSTILE_NAME}`);
  deployable = hostileBundle(scratch.path, 'bundle \u202e\u200b ##[error]x %0A \u2028FORGED');
  configFile = hostileHost();
  leaves = leavesOf(await buildProgram(capturedContext(), () => undefined), []);
});
afterAll(async () => {
  await Promise.all([server, refusing, ending, endless].map((one) => one[Symbol.asyncDispose]()));
  scratch[Symbol.dispose]();
});

function leavesOf(command: Command, words: readonly string[]): Leaf[] {
  const path = words.join(' ');
  const own = command.commands.length === 0 || path in NOT_RUN ? [{ path, command }] : [];
  return [...own, ...command.commands.flatMap((one) => leavesOf(one, [...words, one.name()]))];
}

/** An agent's configuration whose folders have such names. */
function hostileHost(): string {
  const folder = scratch.at(HOSTILE_NAME);
  mkdirSync(folder);
  const file = join(folder, 'agent.yml');
  const at = (name: string) => join(folder, name);
  const config = {
    root_dir: at('root'),
    log_dir: at('logs'),
    pid_dir: at('pids'),
    on_premises_config_file: at('identity.yml'),
    [HOSTILE]: HOSTILE,
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** Values for options that must mean something for the command to get on. */
function sensible(option: Option, url: string, path: string): readonly string[] | null {
  const at = (name: string) => scratch.at(HOSTILE_NAME, name);
  const values: Readonly<Record<string, string>> = {
    '--endpoint-url': url,
    '--s3-endpoint-url': url,
    '--region': 'us-east-1',
    '--application': HOSTILE_ARGUMENT,
    '--group': HOSTILE_ARGUMENT,
    '--instance-name': HOSTILE_ARGUMENT,
    '--revision': 's3://bucket/key.zip',
    '--tag': `Role=${HOSTILE_ARGUMENT}`,
    '--config-file': configFile,
    '--config_file': configFile,
    '--agent-configuration-file': configFile,
    '--config-dir': at('conf'),
    '--state-dir': at('state'),
    '--data-dir': at('data'),
    '--settings-file': at('server.env'),
    // Nothing is there that could be taken over.
    '--root': at('root'),
    '--bundle-location': bundle,
    '--key': at('key'),
    '--signers': at('signers'),
    '--role': 'viewer',
    '--url': 'https://gitlab.example',
    '--token-file': configFile,
    '--min-healthy': '1',
  };
  const { long = '' } = option;
  // Registering goes on furthest with a key.
  if (long === '--token-file' && path === 'register') return null;
  if (long === '--yes') return [long];
  const value = values[long ?? ''];
  return value === undefined ? null : [long ?? '', value];
}

function run(args: readonly string[]): CommandRun {
  return {
    args,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: scratch.path,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret',
    },
    workingDirectory: bundle,
  };
}

/** A command as it gets on furthest, and then with every other option, one at a time. */
function runsOf({ path, command }: Leaf, url: string): CommandRun[] {
  const fixed = NOT_RUN[path];
  if (fixed === null) return [];
  const words = path.split(' ');
  if (fixed !== undefined) return [run([...words, ...fixed])];
  const given = (options: readonly Option[]) => options.flatMap((option) => sensible(option, url, path) ?? []);
  const usual = given(command.options);
  // A command that knows two ways to the keys takes only one of them at a time.
  const hasTwoWays = ['--endpoint-url', '--data-dir'].every((name) =>
    command.options.some(({ long }) => long === name),
  );
  const remote = given(command.options.filter(({ long }) => long !== '--data-dir'));
  const withoutRevision = given(command.options.filter(({ long }) => long !== '--revision'));
  const positionals = command.registeredArguments.map(() => HOSTILE_ARGUMENT);
  const onBundle = command.registeredArguments.map(() => bundle);
  const options = command.options.flatMap((option) => {
    if (sensible(option, url, path) !== null && !option.isBoolean()) return [];
    return [[option.long ?? option.short ?? '', ...(option.isBoolean() ? [] : [HOSTILE_ARGUMENT])]];
  });
  // With --group it is about this machine.
  const fromServer = path === 'logs' ? [run(['logs', '--endpoint-url', url, ...positionals])] : [];
  const byServer = ['plan', '--appspec', configFile, '--application', 'shop', '--group', 'live', '--endpoint-url', url];
  const planned = path === 'plan' ? [run(byServer), run([...byServer, '--json'])] : [];
  return [
    ...fromServer,
    ...planned,
    ...(hasTwoWays
      ? [run([...words, ...remote, ...positionals]), run([...words, ...remote, ...positionals, '--json'])]
      : []),
    run([...words, ...usual, ...positionals]),
    run([...words, ...withoutRevision, ...onBundle]),
    run([...words, ...usual]),
    run([...words, ...positionals, HOSTILE_ARGUMENT, HOSTILE_ARGUMENT]),
    run([...words, `--${HOSTILE_ARGUMENT}`]),
    run([...words, ...positionals]),
    ...options.map((option, index) => {
      const rest = [
        [...usual, ...option, ...positionals],
        [...withoutRevision, ...option, ...onBundle],
        [...usual, ...option],
      ];
      return run([...words, ...(rest[index % rest.length] ?? [])]);
    }),
  ];
}

async function carryOut(runs: readonly CommandRun[]): Promise<readonly CommandWords[]> {
  const { stdout } = await execa(process.execPath, [RUNNER], {
    input: JSON.stringify(runs),
    maxBuffer: 256 * 1024 * 1024,
    env: { HOME: scratch.path },
  });
  return JSON.parse(stdout) as readonly CommandWords[];
}

/** Annotations are the one thing that may be obeyed: they name a file and hold no line break. */
const ANNOTATION = /^::(?:error|warning) (?:[a-z]+=[^:,\n]*,?)+::[^\n]*$/;

/** Sequences that Slipway itself sends to a terminal: up, to the beginning of the line, empty it. */
const OWN_SEQUENCES = /\x1b\[\d+A|\r\x1b\[2K/g;

function faultsOf({ args, isTerminal = false, ...said }: CommandWords): string[] {
  const [stdout, stderr] = [said.stdout, said.stderr].map((words) =>
    isTerminal ? words.replaceAll(OWN_SEQUENCES, '') : words,
  ) as [string, string];
  const own = args.includes('github')
    ? stdout
        .split('\n')
        .filter((line) => !ANNOTATION.test(line))
        .join('\n')
    : stdout;
  return [own, stderr].flatMap((words) => {
    const found = obeyed(words);
    return found === null
      ? []
      : [
          `slipway ${args
            .map((arg) => JSON.stringify(arg))
            .join(' ')
            .slice(0, 200)}: ${found}`,
        ];
  });
}

/** Output as JSON must stay JSON, and bring what the stranger wrote. */
function brokenJson({ args, status, stdout }: CommandWords): string[] {
  if (!args.includes('--json') || status !== 0) return [];
  return stdout
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      try {
        JSON.parse(line);
        return [];
      } catch {
        return [`slipway ${args.slice(0, 2).join(' ')}: no JSON: ${line.slice(0, 200)}`];
      }
    });
}

describe('every command', () => {
  test('every command that is left out here is a command', () => {
    const paths = leaves.map(({ path }) => path);
    expect(Object.keys(NOT_RUN).filter((path) => !paths.includes(path))).toEqual([]);
    expect(leaves.length).toBeGreaterThan(40);
  });

  test('after a local deployment of a hostile bundle, shows no word of it that would be obeyed', async () => {
    const local = ['local', '-l', deployable, '-c', configFile, '--deployment-group', 'group'];
    const named = ['--deployment-group-name', HOSTILE_LABEL, '--application-name', HOSTILE_LABEL];
    const rollback = ['rollback', '--config-file', configFile];
    const words = await carryOut([
      run([...local, ...named]),
      run([...local, '--deployment-group-name', HOSTILE_ARGUMENT]),
      run([...local, ...named, '--appspec-filename', 'broken.yml']),
      run(['status', '--config-file', configFile]),
      run(['doctor', '--config-file', configFile]),
      run([...rollback, '--list']),
      run([...rollback, '--yes']),
      run([...rollback, '--yes', '--to', HOSTILE_ARGUMENT]),
      run(['logs', 'latest', '--config-file', configFile]),
      run(['logs', '--config-file', configFile]),
      run(['plan', '-c', configFile, '--group', 'group']),
      run(['plan', '-c', configFile, '--group', 'group', '--json']),
      ...['text', 'json', 'github', 'sarif'].map((format) =>
        run(['validate', join(deployable, 'broken.yml'), '--format', format]),
      ),
      run(['reset-group', 'group', '--files', '--config-file', configFile]),
    ]);
    expect(words.flatMap(faultsOf)).toEqual([]);
    expect(words.flatMap(brokenJson)).toEqual([]);
    const [deployed, , broken, status] = words;
    expect(deployed).toMatchObject({ status: 1, stdout: expect.stringMatching(/AfterInstall +Failed/) });
    expect(deployed?.stderr).toContain('| [stdout]');
    expect(broken?.stderr).toContain('\\u001b');
    expect(status?.stdout).toContain('\\u001b');
  });

  test.each(['answers', 'refuses', 'ends deployments', 'gives lists without an end'])(
    'with a server that %s shows no word that would be obeyed',
    async (how) => {
      const { url } = { answers: server, refuses: refusing, 'ends deployments': ending }[how] ?? endless;
      const some =
        how === 'answers'
          ? leaves
          : leaves.filter(({ command }) => command.options.some(({ long }) => long === '--endpoint-url'));
      const runs = some.flatMap((leaf) => (how === 'answers' ? runsOf(leaf, url) : runsOf(leaf, url).slice(0, 2)));
      const words = await carryOut(runs);
      expect(words.flatMap(faultsOf)).toEqual([]);
      expect(words.flatMap(brokenJson)).toEqual([]);
      expect(words.filter(({ stdout, stderr }) => `${stdout}${stderr}`.includes('\\u001b')).length).toBeGreaterThan(
        some.length / 2,
      );
    },
  );

  test.each(['answers', 'ends deployments'])(
    'on a terminal shows a server that %s in moving lines, and obeys only its own',
    async (how) => {
      const { url } = how === 'answers' ? server : ending;
      const watching = ['deploy', '--endpoint-url', url, '--region', 'us-east-1', '--revision', 's3://bucket/key.zip'];
      const named = ['--application', HOSTILE_ARGUMENT, '--group', HOSTILE_ARGUMENT];
      const words = await carryOut([{ ...run([...watching, ...named]), isTerminal: true }]);
      expect(words.flatMap(faultsOf)).toEqual([]);
      expect(words[0]?.stdout).toContain('\x1b[2K');
      expect(words[0]?.stdout).toContain('\\u001b');
    },
  );

  test('has met a server that answers each operation that the command line has', () => {
    const missing = operationsOfCli().filter((operation) => !server.asked.has(operation));
    expect(missing).toEqual([]);
  });
});

/** Operations that the sources of the command line call by name. */
function operationsOfCli(): string[] {
  const folder = fileURLToPath(new URL('../../src/cli', import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const texts = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  return [...new Set([...texts.matchAll(/\.call\(\s*'([A-Za-z]+)'/g)].map(([, name]) => name ?? ''))].sort();
}
