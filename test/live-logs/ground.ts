/** Ground of the checks of live logs: a real server, a real agent behind a faulty proxy, and a revision whose script a test leads. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HOST_LOG_TARGET } from '../../src/protocol/host-command/logs.ts';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import { eventually } from '../support/eventually.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type ControlServer, type Daemon, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';

export const EVENT = 'ValidateService';
const TO = ['--application', 'site', '--group', 'test'];

/** How the proxy treats live logs; all else goes through. */
export type Treatment = 'passed' | 'refused' | 'left hanging' | 'answered with errors';

export interface Ground extends AsyncDisposable {
  readonly scratch: ScratchFolder;
  readonly client: ManagementClient;
  server: ControlServer;
  readonly agent: Daemon;
  readonly proxy: LogProxy;
  /** Begins a deployment whose last script is this. @returns its id */
  begin(script: string): Promise<string>;
  /** Waits for the end of a deployment. @returns how long it took, in ms */
  end(deploymentId: string): Promise<number>;
  /** The text of the log that the server has. */
  log(deploymentId: string): Promise<string>;
}

export interface LogProxy {
  treatment: Treatment;
  /** Requests with live logs that came. */
  readonly asked: number;
}

export async function openGround(
  options: { readonly server?: readonly string[]; readonly agent?: string } = {},
): Promise<Ground> {
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(scratchFolder());
  const dataDir = scratch.at('server');
  let server = await startControlServer(dataDir, undefined, options.server);
  stack.defer(() => server[Symbol.asyncDispose]());
  const { url, env } = server;
  const proxy = await startProxy(url, stack);
  const host = await enrolHost(server, scratch.at('host'), 'web-1');
  const config = readFileSync(host.configFile, 'utf8').replaceAll(url, proxy.url);
  writeFileSync(host.configFile, `${config}${options.agent ?? ''}`);
  await slipway(env, 'applications', 'create', 'site');
  await slipway(env, 'groups', 'create', 'test', '--application', 'site', '--tag', 'Role=test');
  const agent = stack.use(host.startAgent());
  const key = { accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '' };
  const client = managementClient(url, key);
  let revisions = 0;
  const kept = stack.move();
  return {
    ...{ scratch, client, agent, proxy },
    get server() {
      return server;
    },
    set server(next) {
      server = next;
    },
    async begin(script) {
      revisions += 1;
      const folder = writeRevision(scratch.at(`revision-${revisions}`), {
        destination: scratch.at('site'),
        files: { 'index.html': String(revisions) },
        scripts: { [EVENT]: script },
        timeoutSeconds: 600,
      });
      const { stdout } = await slipway(env, 'deploy', folder, ...TO, '--no-follow', '--json');
      return /d-[A-Z0-9]{9}/.exec(stdout)?.[0] ?? '';
    },
    async end(deploymentId) {
      let tookMs = 0;
      const isOver = async () => {
        const { deploymentInfo: info } = await client.call('GetDeployment', { deploymentId });
        if (info?.status === 'Failed') throw new Error(`${deploymentId} failed: ${info.errorInformation?.message}`);
        tookMs = ((info?.completeTime ?? 0) - (info?.startTime ?? 0)) * 1000;
        return info?.status === 'Succeeded';
      };
      await eventually(isOver, { withinMs: 300_000 });
      return Math.round(tookMs);
    },
    async log(deploymentId) {
      let text = '';
      for (let firstByte = 0; ; ) {
        const about = { deploymentId, targetId: 'web-1', lifecycleEventName: EVENT, firstByte };
        const part = await client.call('GetEventLog', about);
        if (part.text === '') return text;
        text += part.text;
        firstByte = part.nextByte;
      }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function slipway(env: Record<string, string>, ...args: readonly string[]) {
  const said = await runSlipway(args, env);
  if (said.status !== 0) throw new Error(`slipway ${args.join(' ')} ended with ${said.status}: ${said.stderr}`);
  return said;
}

/** Passes requests on as they are. Signatures hold, because the `Host` header stays. */
async function startProxy(
  serverUrl: string,
  stack: AsyncDisposableStack,
): Promise<LogProxy & { readonly url: string }> {
  const { hostname, port } = new URL(serverUrl);
  const state = { treatment: 'passed' as Treatment, asked: 0 };
  const proxy = createServer((request, response) => {
    const isLog = String(request.headers['x-amz-target']).startsWith(HOST_LOG_TARGET);
    if (isLog) state.asked += 1;
    if (isLog && state.treatment !== 'passed') treat(state.treatment, request, response);
    else pass({ hostname, port }, request, response);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  stack.defer(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return Object.defineProperty(state, 'url', {
    value: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
  }) as typeof state & { readonly url: string };
}

function treat(treatment: Treatment, request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  if (treatment === 'left hanging') return;
  const [status, type] = treatment === 'refused' ? [403, 'AccessDeniedException'] : [503, 'ServiceUnavailable'];
  request.on('end', () => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify({ __type: type, message: 'not now' }));
  });
}

function pass(to: { hostname: string; port: string }, request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request;
  const onward = httpRequest({ ...to, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  // The server is gone for a moment: so is this.
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

/** A script that waits for a file. */
export function untilFile(file: string): string {
  return `while [ ! -e '${file}' ]; do sleep 0.1; done`;
}

export function touch(file: string): void {
  writeFileSync(file, '');
}
