import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import { RemoteApiError } from '../protocol/errors.ts';
import { printable } from '../system/printable.ts';
import { SYSTEM_REMEDIES } from '../system/system-remedies.ts';
import type { ExitReason } from './exit-status.ts';
import { UnknownNameError } from './near-names.ts';

/** Codes of faults that the person at the keyboard can correct by saying something else. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ECONNRESET', 'EHOSTUNREACH']);

/** Report on a fault for the person who typed the command: the lines to print and how to exit. */
export interface ErrorReport {
  readonly lines: readonly string[];
  readonly reason: ExitReason;
}

/**
 * Words any fault for a person: what happened, where, what to do; the stack and the causes only when asked for.
 *
 * @param verbose also the stack of the fault and of each of its causes
 */
export function reportError(thrown: unknown, verbose: boolean): ErrorReport {
  const { message, remedy, reason } = describe(thrown);
  const lines = [`slipway: ${message}`];
  if (thrown instanceof SlipwayError) lines.push(...thrown.details.map((detail) => `  ${detail}`));
  if (remedy !== null) lines.push(`  to do: ${remedy}`);
  if (verbose) lines.push(...causes(thrown));
  return { lines, reason };
}

function describe(thrown: unknown): { message: string; remedy: string | null; reason: ExitReason } {
  if (thrown instanceof SlipwayError) {
    return {
      message: `${thrown.message} [${thrown.code}]`,
      remedy: thrown.remedy,
      reason: reasonOf(thrown),
    };
  }
  if (thrown instanceof RemoteApiError) {
    return {
      message: `the server answered ${printable(thrown.type)}: ${printable(thrown.message)}`,
      remedy: remedyOfRemote(thrown),
      reason: thrown.status >= 500 ? 'unreachable' : 'refused',
    };
  }
  const ofSystem = SYSTEM_REMEDIES[systemErrorCode(thrown) ?? ''];
  if (ofSystem !== undefined) return { message: messageOf(thrown), remedy: ofSystem, reason: 'usage' };
  return {
    message: messageOf(thrown),
    remedy: 'this is a fault in Slipway; run again with --verbose and report what it prints',
    reason: 'internal',
  };
}

function reasonOf(error: SlipwayError): ExitReason {
  if (error.code === 'INTERNAL') return 'internal';
  if (error.code === 'SERVER_UNREACHABLE') return 'unreachable';
  if (error.code === 'CLI_AGENT_CONTROL') return 'failed';
  const network = systemErrorCode(error.cause);
  return network !== null && UNREACHABLE.has(network) ? 'unreachable' : 'usage';
}

function remedyOfRemote(error: RemoteApiError): string | null {
  const remedy = remedyOfType(error);
  if (!(error instanceof UnknownNameError)) return remedy;
  const meant = `did you mean ${error.near.map(printable).join(' or ')}?`;
  return remedy === null ? meant : `${meant} Else ${remedy}`;
}

function remedyOfType(error: RemoteApiError): string | null {
  switch (error.type) {
    case 'UnrecognizedClientException':
      return /disabled/.test(error.message)
        ? 'use another key: `slipway keys create` on the server makes one'
        : 'the server does not know this access key: check AWS_ACCESS_KEY_ID, or make a key with `slipway keys create`';
    case 'InvalidSignatureException':
      return 'check AWS_SECRET_ACCESS_KEY, and the clocks of both machines';
    case 'AccessDeniedException':
      return 'use a key whose role allows this: `slipway keys create --role operator` on the server makes one';
    case 'InstanceNameAlreadyRegisteredException':
      return 'choose another --instance-name; if it is this very machine, enrolled before, add --force';
    case 'ApplicationDoesNotExistException':
      return 'check the name: `slipway applications list`; or create it: `slipway applications create NAME`';
    case 'DeploymentGroupDoesNotExistException':
      return 'check the name: `slipway groups list`; or create it: `slipway groups create NAME --application APPLICATION --tag KEY=VALUE`';
    case 'DeploymentDoesNotExistException':
      return 'check the id: `slipway deployments list` shows the newest';
    case 'DeploymentConfigDoesNotExistException':
      return 'check the name: `slipway configs list` shows all';
    case 'RevisionDoesNotExistException':
      return 'check it: `slipway revisions list --application NAME` shows all';
    case 'DeploymentTargetDoesNotExistException':
      return 'check the host: `slipway deployments show DEPLOYMENT` lists its targets';
    case 'InstanceNotRegisteredException':
      return 'check the name: `slipway hosts list` shows all hosts';
    default:
      return /^HTTP \d/.test(error.type) ? remedyOfStatus(error.status) : null;
  }
}

/** For an answer that is none of a control server's. */
function remedyOfStatus(status: number): string {
  if (status >= 300 && status <= 399) return 'write the address that it sends on to, if that is the control server’s';
  if (status === 502 || status === 503 || status === 504) {
    return 'a proxy or load balancer answers in the server’s place: check that the server behind it runs, and that it knows its address';
  }
  if (status === 407)
    return 'the proxy wants a name and a password: write http://USER:PASSWORD@HOST:PORT in https_proxy or http_proxy';
  return 'check that the address is that of a control server’s API, and not of its S3 API, a proxy or a web site';
}

function causes(thrown: unknown): string[] {
  const lines: string[] = [];
  for (let error = thrown; error instanceof Error; error = error.cause) {
    // A message may be a stranger's, and hold line breaks; those behind it are the stack's.
    const stack = error.stack ?? error.message;
    const end = Math.max(0, stack.indexOf(error.message)) + error.message.length;
    const [rest = '', ...frames] = stack.slice(end).split('\n');
    lines.push(`  ${stack.slice(0, end)}${rest}`, ...frames.map((line) => `  ${line}`));
  }
  return lines;
}
