/**
 * The file with the servers of an upstream, which nginx includes: one `server ADDRESS [parameters];` a line. Pure.
 *
 * Its first lines may name the workers of nginx that still have the file as it was before. So a reader knows what a change still waits
 * for, no matter who has made it, also after a crash.
 */

export interface Worker {
  readonly pid: number;
  /** With the pid it names a process for good. */
  readonly startTime: string;
}

export interface Upstream {
  /** Workers from before the last change. */
  readonly before: readonly Worker[];
  readonly lines: readonly UpstreamLine[];
}

type UpstreamLine =
  | {
      readonly kind: 'server';
      readonly address: string;
      readonly parameters: readonly string[];
      readonly isDown: boolean;
    }
  | { readonly kind: 'other'; readonly text: string };

const MARK = '# slipway: workers from before this change: ';
/** Workers a line: nginx refuses a comment of 4096 bytes. */
const MARKED_IN_LINE = 50;
const SERVER = /^\s*server\s+([^\s;]+)(\s[^;]*)?;\s*$/;
/** Texts that may stand for an address and mean nothing else to nginx. */
const ADDRESS = /^[A-Za-z0-9._:[\]/-]+$/;

export function isAddress(text: string): boolean {
  return ADDRESS.test(text);
}

export function parseUpstream(text: string): Upstream {
  const lines = text.split('\n');
  const marks: string[] = [];
  while (lines[0]?.startsWith(MARK)) marks.push(lines.shift()?.slice(MARK.length) ?? '');
  const before = marks
    .join(' ')
    .split(' ')
    .flatMap((word): Worker[] => {
      const match = /^(\d+)\/(\d+)$/.exec(word);
      return match === null ? [] : [{ pid: Number(match[1]), startTime: match[2] ?? '' }];
    });
  if (lines.at(-1) === '') lines.pop();
  return { before, lines: lines.map(parseLine) };
}

function parseLine(text: string): UpstreamLine {
  const match = SERVER.exec(text);
  if (match === null) return { kind: 'other', text };
  const words = (match[2] ?? '').split(/\s+/).filter((word) => word !== '');
  const parameters = words.filter((word) => word !== 'down');
  return { kind: 'server', address: match[1] ?? '', parameters, isDown: parameters.length < words.length };
}

export function renderUpstream({ before, lines }: Upstream): string {
  const words = [...new Set(before.map(({ pid, startTime }) => `${pid}/${startTime}`))];
  const marks = Array.from(
    { length: Math.ceil(words.length / MARKED_IN_LINE) },
    (_, at) => MARK + words.slice(at * MARKED_IN_LINE, (at + 1) * MARKED_IN_LINE).join(' '),
  );
  const rendered = lines.map((line) => {
    if (line.kind === 'other') return line.text;
    return `server ${[line.address, ...line.parameters, ...(line.isDown ? ['down'] : [])].join(' ')};`;
  });
  return `${[...marks, ...rendered].join('\n')}\n`;
}

/** Wanted state of one server. */
export interface Wish {
  readonly address: string;
  readonly isDown: boolean;
}

/** How the file has the server: up, down, not at all, or up because no other one is. */
export type ServerState = 'up' | 'down' | 'absent' | 'last-up' | 'only';

export function stateOf({ lines }: Upstream, address: string): ServerState {
  const servers = lines.filter((line) => line.kind === 'server');
  const own = servers.find((line) => line.address === address);
  if (own === undefined) return 'absent';
  if (own.isDown) return 'down';
  if (servers.length === 1) return 'only';
  return servers.some((line) => line !== own && !line.isDown) ? 'up' : 'last-up';
}

/** The upstream after a wish. nginx answers 502 when all its servers are down, so the last one stays up unless forced. */
export function withWish(upstream: Upstream, { address, isDown }: Wish, isForced: boolean): Upstream {
  const state = stateOf(upstream, address);
  if (state === 'absent') {
    if (isDown) return upstream;
    return { ...upstream, lines: [...upstream.lines, { kind: 'server', address, parameters: [], isDown: false }] };
  }
  if (isDown && state !== 'up' && !(isForced && state !== 'down')) return upstream;
  if (!isDown && state !== 'down') return upstream;
  const lines = upstream.lines.map((line) =>
    line.kind === 'server' && line.address === address ? { ...line, isDown } : line,
  );
  return { ...upstream, lines };
}
