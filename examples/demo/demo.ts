/**
 * The main job from end to end, with real parts only. A control server and a host agent run as processes of their own. A host enrols, and a
 * revision goes through the S3 API, with files, scripts and their results. Then a revision fails.
 *
 * Everything happens in `.scratch/` of this checkout. With `--keep` the two go on running until Ctrl-C.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const SLIPWAY = join(PROJECT, 'bin/slipway.js');
const APPLICATION = 'hello-site';
const GROUP = 'demo';
const FIRST_DEPLOYMENT_EVENTS = 7;

interface Demo {
  readonly folder: string;
  /** Where the example's files go; a real host would use /srv/hello-site. */
  readonly site: string;
  readonly env: NodeJS.ProcessEnv;
  /** Processes that this demo has started and must end. */
  readonly running: Set<ChildProcess>;
  /** Those of them that were told to end: a second signal would make an agent drop its work. */
  readonly ending: Set<ChildProcess>;
}

interface Finished {
  readonly status: number | null;
  readonly output: string;
}

async function main(): Promise<void> {
  const keep = process.argv.includes('--keep');
  mkdirSync(join(PROJECT, '.scratch'), { recursive: true });
  const folder = mkdtempSync(join(PROJECT, '.scratch', 'demo-'));
  const demo: Demo = {
    folder,
    site: join(folder, 'srv/hello-site'),
    env: { ...process.env },
    running: new Set(),
    ending: new Set(),
  };
  const endEverything = () => {
    for (const child of demo.running) tellToEnd(demo, child);
  };
  process.once('SIGINT', endEverything);
  process.once('SIGTERM', endEverything);
  // npm's shell dies of a signal without passing it on; a demo that nobody waits for any more ends itself.
  const parent = process.ppid;
  const orphanWatch = setInterval(() => {
    if (process.ppid !== parent) endEverything();
  }, 1000);
  try {
    await startServer(demo);
    await enrolHost(demo);
    await deployGoodRevision(demo);
    await deployBadRevision(demo);
    say('Both deployments ended as they should.');
    if (keep) await keepRunning(demo);
  } finally {
    clearInterval(orphanWatch);
    await endAll(demo);
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
}

async function startServer(demo: Demo): Promise<void> {
  heading('A control server with an embedded database');
  const dataDir = join(demo.folder, 'server');
  const { output } = await run(demo, ['keys', 'create', '--role', 'admin', '--data-dir', dataDir, '--json'], 'quiet');
  const key = JSON.parse(output) as { accessKeyId: string; secretAccessKey: string };
  Object.assign(demo.env, { AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey });
  const server = start(demo, 'server', [...['server', '--data-dir', dataDir], ...['--listen', '127.0.0.1:0']]);
  const line = await firstLine(server);
  const [, url] = /API on (\S+),/.exec(line) ?? [];
  if (url === undefined) throw new Error(`the server said something unexpected: ${line}`);
  say(line);
  Object.assign(demo.env, { SLIPWAY_ENDPOINT_URL: url, AWS_ENDPOINT_URL: url, AWS_REGION: 'us-east-1' });
}

async function enrolHost(demo: Demo): Promise<void> {
  heading('A host that enrols, and its agent');
  const conf = join(demo.folder, 'agent/conf');
  await run(demo, [
    ...['register', '--instance-name', 'demo-host', '--tag', 'Name=demo'],
    ...['--config-dir', conf, '--state-dir', join(demo.folder, 'agent')],
  ]);
  start(demo, 'agent', ['agent', '--config-file', join(conf, 'codedeployagent.yml')]);
}

async function deployGoodRevision(demo: Demo): Promise<void> {
  heading('A revision that is good');
  await run(demo, ['applications', 'create', APPLICATION]);
  await run(demo, ['groups', 'create', GROUP, '--application', APPLICATION, '--tag', 'Name=demo']);
  const revision = exampleRevision(demo, 'revision-1');
  const { status } = await run(demo, ['deploy', revision, '--application', APPLICATION, '--group', GROUP]);
  expect(status === 0, `the first deployment should have succeeded, but slipway deploy exited with ${status}`);
  const { targets } = await newestDeployment(demo);
  const events = targets.flatMap((target) => target.lifecycleEvents);
  expect(
    events.length === FIRST_DEPLOYMENT_EVENTS,
    `expected ${FIRST_DEPLOYMENT_EVENTS} events, found ${events.length}`,
  );
  for (const event of events) {
    expect(event.status === 'Succeeded', `${event.lifecycleEventName} is ${event.status}`);
  }
  say('\nWhat the scripts said:');
  await run(demo, ['logs', 'latest', '--config-file', join(demo.folder, 'agent/conf/codedeployagent.yml')]);
  say('\nWhat is deployed now:');
  for (const file of filesBelow(demo.site)) say(`  ${relative(PROJECT, file)}  ${statSync(file).size} bytes`);
  expect(
    readFileSync(join(demo.site, 'index.html'), 'utf8').includes('Hello from Slipway'),
    'the page is not in place',
  );
}

async function deployBadRevision(demo: Demo): Promise<void> {
  heading('A revision whose ValidateService fails');
  const revision = exampleRevision(demo, 'revision-2');
  writeFileSync(
    join(revision, 'scripts/validate.sh'),
    '#!/bin/sh\necho "asking the site how it is"\necho "it answered 503" >&2\nexit 3\n',
  );
  const { status } = await run(demo, ['deploy', revision, '--application', APPLICATION, '--group', GROUP]);
  expect(status === 1, `slipway deploy should have exited with 1, but exited with ${status}`);
  const { deployment, targets } = await newestDeployment(demo);
  expect(deployment.status === 'Failed', `the deployment should be Failed, but is ${deployment.status}`);
  const failed = targets.flatMap((target) => target.lifecycleEvents).find((event) => event.status === 'Failed');
  expect(
    failed?.lifecycleEventName === 'ValidateService',
    `${failed?.lifecycleEventName} failed instead of ValidateService`,
  );
  expect(failed?.diagnostics?.errorCode === 'ScriptFailed', `the error code is ${failed?.diagnostics?.errorCode}`);
  expect(failed?.diagnostics?.logTail?.includes('it answered 503') === true, 'the log tail lacks the script’s words');
}

interface ShownDeployment {
  readonly deployment: { readonly deploymentId: string; readonly status: string };
  readonly targets: readonly {
    readonly lifecycleEvents: readonly {
      readonly lifecycleEventName: string;
      readonly status: string;
      readonly diagnostics?: { readonly errorCode?: string; readonly logTail?: string };
    }[];
  }[];
}

async function newestDeployment(demo: Demo): Promise<ShownDeployment> {
  const list = await run(demo, ['deployments', 'list', '--json'], 'quiet');
  const [newest] = JSON.parse(list.output) as { deploymentId: string }[];
  expect(newest !== undefined, 'the server lists no deployment');
  const shown = await run(demo, ['deployments', 'show', newest?.deploymentId ?? '', '--json'], 'quiet');
  return JSON.parse(shown.output) as ShownDeployment;
}

/** The example with its destination moved into the demo's folder, so that nobody needs root and nothing else is touched. */
function exampleRevision(demo: Demo, name: string): string {
  const revision = join(demo.folder, name);
  cpSync(join(PROJECT, 'examples/hello-site'), revision, { recursive: true });
  for (const file of filesBelow(revision)) {
    // The checkout's path may hold blanks and quotes: YAML reads JSON's strings, and a shell reads its own.
    const site = file.endsWith('.yml') ? JSON.stringify(demo.site) : shellWord(demo.site);
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replaceAll('/srv/hello-site', () => site),
    );
  }
  return revision;
}

/** A word that a shell takes as it is, quoted where it must be. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

async function keepRunning(demo: Demo): Promise<void> {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, SLIPWAY_ENDPOINT_URL, AWS_ENDPOINT_URL } = demo.env;
  const settings = join(demo.folder, 'env');
  writeFileSync(
    settings,
    [
      `export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID}`,
      `export AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY}`,
      'export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1',
      `export SLIPWAY_ENDPOINT_URL=${SLIPWAY_ENDPOINT_URL} AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL}`,
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
  const { deployment } = await newestDeployment(demo);
  const { bucket, key } = (await goodRevision(demo)) ?? {};
  buildConsole();
  const signIn = await run(demo, ['console'], 'quiet');
  heading('Server and agent go on running; Ctrl-C ends them');
  say(`In a browser, once and within five minutes (afterwards: npx slipway console):

  ${signIn.output.trim()}

In another terminal, in this folder:

  . ${shellWord(settings)}

  npx slipway hosts list
  npx slipway deployments show ${deployment.deploymentId}
  npx slipway deploy ${shellWord(join(demo.folder, 'revision-1'))} --application ${APPLICATION} --group ${GROUP}

and with the AWS command line, which takes the server for CodeDeploy:

  aws deploy list-applications --endpoint-url $SLIPWAY_ENDPOINT_URL
  aws deploy list-deployments --endpoint-url $SLIPWAY_ENDPOINT_URL
  aws deploy create-deployment --application-name ${APPLICATION} --deployment-group-name ${GROUP} --s3-location bucket=${bucket},key=${key},bundleType=zip --endpoint-url $SLIPWAY_ENDPOINT_URL
  aws deploy wait deployment-successful --endpoint-url $SLIPWAY_ENDPOINT_URL --deployment-id ID
  aws deploy list-deployment-targets --endpoint-url $SLIPWAY_ENDPOINT_URL --deployment-id ID

Database, logs and deployed files stay in ${demo.folder} until you delete it.
`);
  await Promise.race([...demo.running].map((child) => once(child, 'exit')));
}

/** A checkout has no console before it is built once, which takes some seconds. */
function buildConsole(): void {
  if (existsSync(join(PROJECT, 'dist/console/index.html'))) return;
  heading('The console is built');
  const vite = join(PROJECT, 'node_modules/vite/bin/vite.js');
  const config = join(PROJECT, 'src/console/vite.config.ts');
  execFileSync(process.execPath, [vite, 'build', '--config', config, '--logLevel', 'warn'], {
    cwd: PROJECT,
    stdio: 'inherit',
  });
}

/** Where the bundle of the first deployment, the good one, is kept. */
async function goodRevision(demo: Demo): Promise<{ readonly bucket: string; readonly key: string } | undefined> {
  const { output } = await run(demo, ['deployments', 'list', '--json'], 'quiet');
  const deployments = JSON.parse(output) as {
    readonly status: string;
    readonly revision: { readonly s3Location?: { readonly bucket: string; readonly key: string } };
  }[];
  return deployments.find(({ status }) => status === 'Succeeded')?.revision.s3Location;
}

/** Starts a daemon; its log goes to a file in the demo's folder. */
function start(demo: Demo, name: string, args: readonly string[]): ChildProcess {
  const logFile = join(demo.folder, `${name}.log`);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, [SLIPWAY, ...args], {
    env: demo.env,
    stdio: ['ignore', 'pipe', log],
    // Out of the terminal's reach: Ctrl-C is for this demo, which then ends its daemons itself, once.
    detached: true,
  });
  closeSync(log);
  demo.running.add(child);
  child.once('exit', (code, signal) => {
    demo.running.delete(child);
    if (code !== 0) say(`the ${name} ended with ${signal ?? code}:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
  });
  say(`$ slipway ${args.map((arg) => shellWord(relativePath(arg))).join(' ')} &`);
  return child;
}

/** Runs one command to its end, showing what it prints unless told to be quiet. */
async function run(demo: Demo, args: readonly string[], manner: 'loud' | 'quiet' = 'loud'): Promise<Finished> {
  if (manner === 'loud') say(`$ slipway ${args.map((arg) => shellWord(relativePath(arg))).join(' ')}`);
  const child = spawn(process.execPath, [SLIPWAY, ...args], { env: demo.env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (manner === 'loud') process.stdout.write(text.replaceAll(`${demo.folder}/`, ''));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
    if (manner === 'loud') process.stderr.write(text);
  });
  const [status] = (await once(child, 'close')) as [number | null];
  // A failed deployment is an answer (1); anything above is a fault of the demo or of Slipway.
  if (status === null || status > 1) throw new Error(`slipway ${args.join(' ')} ended with ${status}\n${errors}`);
  return { status, output };
}

/** Both end within a second; one that does not has a fault, which must not hang whoever watches. */
const END_MS = 15_000;

async function endAll(demo: Demo): Promise<void> {
  await Promise.all(
    [...demo.running].map(async (child) => {
      const gone = once(child, 'exit');
      const killer = setTimeout(() => {
        process.exitCode = 1;
        say(`process ${child.pid} did not end within ${END_MS / 1000} seconds and is killed`);
        child.kill('SIGKILL');
      }, END_MS);
      tellToEnd(demo, child);
      await gone;
      clearTimeout(killer);
    }),
  );
}

function tellToEnd(demo: Demo, child: ChildProcess): void {
  if (demo.ending.has(child)) return;
  demo.ending.add(child);
  child.kill('SIGTERM');
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the process has no output to read');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [''])])) as [string];
  return line;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function relativePath(arg: string): string {
  return arg.startsWith(PROJECT) ? relative(PROJECT, arg) : arg;
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

function heading(text: string): void {
  say(`\n== ${text}\n`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
