/** A host enrols with a token: it needs no access key, and no certificate that was copied beforehand. */
import { SlipwayError } from '../errors.ts';
import { enrolHost } from '../protocol/management/enrol-host.ts';
import {
  type EnrolHostInput,
  type EnrolHostOutput,
  type EnrolmentToken,
  parseToken,
} from '../protocol/management/enrolment.ts';
import type { ProxyEnvironment } from '../protocol/proxy.ts';
import { trustOnly } from '../system/trust.ts';
import type { CliContext } from './context.ts';
import { authorityInChain, privateAuthorities } from './private-authority.ts';
import { readTokenFile } from './secret-file.ts';

export interface EnrolledByToken {
  readonly answer: EnrolHostOutput;
  /** Authorities that the host's services have to trust, PEM; null: the system's own suffice. */
  readonly authorities: string | null;
}

/**
 * The token of `--token` or `--token-file`.
 *
 * @returns null: neither is given
 * @throws SlipwayError CLI_BAD_ARGUMENT
 */
export function readToken(
  ctx: Pick<CliContext, 'workingDirectory'>,
  { token: text, tokenFile: file }: { readonly token?: string; readonly tokenFile?: string },
): EnrolmentToken | null {
  if (text === undefined && file === undefined) return null;
  if (text !== undefined && file !== undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--token and --token-file name two tokens', {
      remedy: 'Give one of them.',
    });
  }
  const token = parseToken(text ?? readTokenFile(ctx, file ?? ''));
  if (token !== null) return token;
  const flag = file === undefined ? '--token is given' : `--token-file ${file} holds`;
  throw new SlipwayError('CLI_BAD_ARGUMENT', `${flag} what is no enrolment token`, {
    remedy: 'Give the whole text that `slipway server tokens create` printed, from slipway. to its end.',
  });
}

/**
 * @param caFile the authority's file that the command was given; null: the token says whom to trust, or the system does
 * @throws SlipwayError CLI_BAD_ARGUMENT, SERVER_UNREACHABLE; RemoteApiError when the server refuses
 */
export async function enrolByToken(
  ctx: CliContext,
  endpoint: string,
  token: EnrolmentToken,
  { input, caFile }: { readonly input: EnrolHostInput; readonly caFile: string | null },
): Promise<EnrolledByToken> {
  const url = new URL(endpoint);
  requireSafe(url);
  const pinned = caFile === null ? await pinnedAuthority(url, token, ctx.env) : null;
  const connection = { endpoint, clock: ctx.clock, proxyEnvironment: ctx.env };
  const answer = await enrolHost(connection, token, input);
  return { answer, authorities: pinned ?? (await privateAuthorities(url, caFile, ctx.env)) };
}

/** Refuses an address where others could see the token pass: a reader could enrol with it. */
function requireSafe({ protocol, hostname, origin }: URL): void {
  if (protocol === 'https:' || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)) return;
  throw new SlipwayError(
    'CLI_BAD_ARGUMENT',
    `a token is not sent to ${origin}, where everybody on the way could read it`,
    {
      remedy: 'Give the server a certificate and name its https address, or enrol with an access key.',
    },
  );
}

/** From here on this process trusts that authority alone. */
async function pinnedAuthority(
  url: URL,
  { authoritySha256 }: EnrolmentToken,
  proxyEnvironment: ProxyEnvironment,
): Promise<string | null> {
  if (url.protocol !== 'https:' || authoritySha256 === null) return null;
  const authority = await authorityInChain(url, authoritySha256, proxyEnvironment);
  await trustOnly(authority);
  return `${authority}\n`;
}
