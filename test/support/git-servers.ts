/** Servers of git: the real one, and makers of what hostile ones say. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { httpServer, type TestServer } from './http-server.ts';

/** A commit in a bare repository that gives away single commits. */
export interface BareRepository {
  readonly folder: string;
  readonly commitId: string;
}

/** @param folder for a work tree and `repo.git` @param files name → content, beside the AppSpec file */
export function bareRepository(folder: string, files: Readonly<Record<string, string | Buffer>> = {}): BareRepository {
  const work = join(folder, 'work');
  const bare = join(folder, 'repo.git');
  mkdirSync(work, { recursive: true });
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    ...{ GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com' },
    ...{ GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' },
  };
  const git = (...args: string[]) => execFileSync('git', args, { cwd: work, encoding: 'utf8', env }).trim();
  git('init', '--quiet', '--initial-branch=main');
  for (const [name, content] of Object.entries({ 'appspec.yml': 'version: 0.0\nos: linux\n', ...files })) {
    writeFileSync(join(work, name), content);
  }
  git('add', '-A');
  git('commit', '--quiet', '-m', 'one');
  git('clone', '--quiet', '--bare', '.', bare);
  git('-C', bare, 'config', 'http.uploadpack', 'true');
  git('-C', bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
  git('-C', bare, 'repack', '-adq');
  git('-C', bare, 'update-server-info');
  return { folder: bare, commitId: git('rev-parse', 'HEAD') };
}

/** Adds a commit of a few objects that stand for ten to the power of `levels` files. @returns its id */
export function gitBomb({ folder }: BareRepository, levels: number): string {
  const identity = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com' };
  const env = { ...process.env, ...identity, GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' };
  const git = (input: string, ...args: string[]) =>
    execFileSync('git', ['-C', folder, ...args], { input, encoding: 'utf8', env }).trim();
  let id = git('a file', 'hash-object', '-w', '--stdin');
  for (let level = 0; level < levels; level += 1) {
    const kind = level === 0 ? '100644 blob' : '040000 tree';
    id = git(Array.from({ length: 10 }, (_, n) => `${kind} ${id}\t${n}\n`).join(''), 'mktree');
  }
  return git('', 'commit-tree', '-m', 'many', id);
}

/**
 * A real git server, as any web server with `git http-backend` behind it.
 *
 * @param options.authorization the header that is demanded; null: none
 * @param options.send sends the body of an answer; else it goes out at once
 */
export function gitHttpServer(
  root: string,
  options: {
    readonly authorization?: string | null;
    /** Files as they are, as a web server without git gives them. */
    readonly isDumb?: boolean;
    readonly send?: (response: ServerResponse, body: Buffer, request: IncomingMessage) => void;
  } = {},
): Promise<TestServer> {
  const { authorization = null, isDumb = false, send = (response, body) => void response.end(body) } = options;
  return httpServer((request, response) => {
    if (authorization !== null && request.headers.authorization !== authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const url = new URL(request.url ?? '/', 'http://git');
    const backend = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'],
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        REQUEST_METHOD: request.method,
        PATH_INFO: url.pathname,
        QUERY_STRING: isDumb ? '' : url.search.slice(1),
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REMOTE_ADDR: '127.0.0.1',
      },
    });
    request.pipe(backend.stdin);
    backend.stdin.on('error', () => undefined);
    const chunks: Buffer[] = [];
    backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    backend.on('close', () => {
      const answer = Buffer.concat(chunks);
      const end = answer.indexOf('\r\n\r\n');
      const headers = answer
        .toString('latin1', 0, end)
        .split('\r\n')
        .map((line) => line.split(': ') as [string, string]);
      const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200';
      response.writeHead(
        Number.parseInt(status, 10),
        Object.fromEntries(headers.filter(([name]) => name !== 'Status')),
      );
      send(response, answer.subarray(end + 4), request);
    });
  });
}

/** A line of git's protocol. @see `gitprotocol-common` */
export function packetLine(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

export const FLUSH = Buffer.from('0000');

/** First words of a server of protocol version 0: one reference, which may be asked for by its id. */
export function advertisement(commitId: string): Buffer {
  const abilities = 'side-band-64k shallow allow-tip-sha1-in-want allow-reachable-sha1-in-want';
  return packetLine(`${commitId} HEAD\0${abilities}\n`);
}

/** One more reference. */
export function reference(commitId: string, name: string): Buffer {
  return packetLine(`${commitId} refs/heads/${name}\n`);
}

/** Answer to a wish for one commit without its history. */
export function shallow(commitId: string): Buffer {
  return Buffer.concat([packetLine(`shallow ${commitId}`), FLUSH]);
}

/** Words before the pack when nothing is here yet. */
export const NO_HAVES = packetLine('NAK\n');

/** Sends the same again and again, until the other side is gone. @param everyMs 0: as fast as it is taken */
export function sendForever(response: ServerResponse, chunk: Buffer, everyMs: number): void {
  if (everyMs > 0) {
    const timer = setInterval(() => response.write(chunk), everyMs);
    response.once('close', () => clearInterval(timer));
    return;
  }
  const much = Buffer.concat(Array.from({ length: Math.ceil((256 * 1024) / chunk.length) }, () => chunk));
  const push = () => {
    while (!response.destroyed && response.write(much));
  };
  response.on('drain', push);
  push();
}

/** Sends a body in drops. */
export function sendInDrops(response: ServerResponse, body: Buffer, dropBytes: number, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    response.write(body.subarray(at, at + dropBytes));
    at += dropBytes;
    if (at < body.length) return;
    clearInterval(timer);
    response.end();
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}
