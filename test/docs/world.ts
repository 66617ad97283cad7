/**
 * The ground on which pages are tried: a control server, two hosts with their agents, and a shell in a folder of its own.
 *
 * The shell finds `slipway`, the server, an admin's key and, if the machine has one, the AWS command line. A folder `build` holds a revision
 * that installs into `$SITE`.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { AWS_BY_VARIABLE } from '../support/aws-cli.ts';
import { writeRevision } from '../support/revision.ts';
import type { ScratchFolder } from '../support/scratch.ts';
import { type ControlServer, cleanEnvironment, enrolHost, SLIPWAY, startControlServer } from '../support/slipway.ts';

export interface Finished {
  readonly status: number | null;
  /** Standard output and error, as they came. */
  readonly said: string;
}

export interface World extends AsyncDisposable {
  readonly server: ControlServer;
  readonly scratch: ScratchFolder;
  /** Folder that the shell works in. */
  readonly folder: string;
  /** Folder that revisions are installed into. */
  readonly site: string;
  /** Runs the text in a shell of its own, with these variables beside the usual ones. */
  shell(text: string, env?: Readonly<Record<string, string>>): Promise<Finished>;
}

/** Names that pages use, so that groups can be given them. */
const FILES = {
  'load-balancers.yml': 'front:\n  kind: script\n  command: ["/bin/true"]\n',
  'alarms.yml': 'errors:\n  kind: http\n  url: URL/healthz\nfront:\n  kind: http\n  url: URL/healthz\n',
  'webhooks.yml': 'chat:\n  url: http://127.0.0.1:9/\n  secret: 0123456789abcdef\n',
};
/** A page's commands take seconds. A command that waits for something that never comes must not hold up the others. */
const SHELL_LIMIT_MS = 240_000;

/** @param hosts name → tag; each gets an agent */
export async function startWorld(scratch: ScratchFolder, hosts: Readonly<Record<string, string>>): Promise<World> {
  const folder = scratch.at('work');
  const site = scratch.at('site');
  mkdirSync(scratch.at('bin'));
  mkdirSync(folder);
  program(scratch.at('bin/slipway'), [process.execPath, SLIPWAY]);
  for (const [name, text] of Object.entries(FILES)) {
    // An address of this machine that answers: what the alarms say does not matter here.
    writeFileSync(scratch.at(name), text.replaceAll('URL', 'http://127.0.0.1:9'));
  }
  const dataDir = scratch.at('data');
  const named = ['--load-balancers', scratch.at('load-balancers.yml'), '--alarms', scratch.at('alarms.yml')];
  const server = await startControlServer(dataDir, undefined, [...named, '--webhooks', scratch.at('webhooks.yml')]);
  const agents: AsyncDisposable[] = [];
  for (const [name, tag] of Object.entries(hosts)) {
    agents.push((await enrolHost(server, scratch.at(name), name, tag)).startAgent());
  }
  writeRevision(join(folder, 'build'), { destination: site, files: { 'index.html': 'Hello' } });
  const path = [
    scratch.at('bin'),
    ...(AWS_BY_VARIABLE === null ? [] : [dirname(AWS_BY_VARIABLE)]),
    process.env['PATH'],
  ];
  return {
    ...{ server, scratch, folder, site },
    async shell(text, env = {}) {
      const { exitCode, all } = await execa('bash', ['-c', text], {
        env: {
          ...cleanEnvironment(),
          ...server.env,
          ...{ HOME: folder, PATH: path.filter(Boolean).join(':'), SITE: site, WORK: folder },
          ...{
            SLIPWAY_DATA_DIR: dataDir,
            AWS_ENDPOINT_URL: server.url,
            AWS_DEFAULT_REGION: 'us-east-1',
            AWS_PAGER: '',
          },
          ...env,
        },
        ...{ extendEnv: false, cwd: folder, all: true, reject: false, timeout: SHELL_LIMIT_MS, stdin: 'ignore' },
      });
      return { status: exitCode ?? null, said: all };
    },
    async [Symbol.asyncDispose]() {
      for (const agent of agents) await agent[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A program of this name that runs these words with its own arguments behind them. */
function program(path: string, words: readonly string[]): void {
  writeFileSync(path, `#!/bin/sh\nexec ${words.map(quoteForShell).join(' ')} "$@"\n`);
  chmodSync(path, 0o755);
}
