/** A host enrols with a token: it needs no access key, and no certificate that was copied beforehand. */
import { SlipwayError } from '../errors.ts';
import { enrolHost } from '../protocol/management/enrol-host.ts';
import {
  type EnrolHostInput,
  type EnrolHostOutput,
  type EnrolmentToken,
  parseToken,
} from '../protocol/management/enrolment.ts';
import { trustOnly } from '../system/trust.ts';
import type { CliContext } from './context.ts';
import { authorityInChain, privateAuthorities } from './private-authority.ts';

export interface EnrolledByToken {
  readonly answer: EnrolHostOutput;
  /** What the host's services have to trust, PEM; null: the system's own authorities suffice. */
  readonly authorities: string | null;
}

/** @throws SlipwayError CLI_BAD_ARGUMENT */
export function readToken(text: string): EnrolmentToken {
  const token = parseToken(text);
  if (token !== null) return token;
  throw new SlipwayError('CLI_BAD_ARGUMENT', '--token is given what is no enrolment token', {
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
  const pinned = caFile === null ? await pinnedAuthority(url, token) : null;
  const connection = { endpoint, clock: ctx.clock, proxyEnvironment: ctx.env };
  const answer = await enrolHost(connection, token, input);
  return { answer, authorities: pinned ?? (await privateAuthorities(url, caFile)) };
}

/** Whoever sees the token pass could enrol with it. */
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
async function pinnedAuthority(url: URL, { authoritySha256 }: EnrolmentToken): Promise<string | null> {
  if (url.protocol !== 'https:' || authoritySha256 === null) return null;
  const authority = await authorityInChain(url, authoritySha256);
  await trustOnly(authority);
  return `${authority}\n`;
}
