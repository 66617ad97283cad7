/** Calls of the host command API, as the host whose key has signed them. */
import type { IncomingMessage } from 'node:http';
import { ApiError } from '../../protocol/errors.ts';
import {
  type HostCommandOperation,
  POLL_ANSWER_NOW,
  POLL_HEADER,
  RUN_HEADER,
} from '../../protocol/host-command/shapes.ts';
import { printable } from '../../system/printable.ts';
import type { Caller, Input } from '../api/context.ts';
import type { HostCommandService } from '../commands/host-commands.ts';
import type { HostLogs } from '../commands/host-logs.ts';
import type { GuardedResponse } from '../connections/guarded-response.ts';
import { readRunId } from '../engine/agent-runs.ts';
import type { ProvedCaller } from './authenticate.ts';
import type { Calls } from './calls.ts';

/** More of an agent's version is not kept; characters. */
const MAX_VERSION = 128;

/**
 * A poll that is held ends when its client hangs up or the server stops. Not an async function: what a call needs until its end is kept by the
 * operation alone.
 *
 * @throws ApiError UnknownOperationException, AccessDeniedException, or what the operation throws
 */
export function callHostCommand(
  { hostCommands, calls }: { readonly hostCommands: HostCommandService; readonly calls: Calls },
  operation: string,
  input: Input,
  caller: ProvedCaller,
  { request, response }: { readonly request: IncomingMessage; readonly response: GuardedResponse },
): Promise<object> {
  if (!Object.hasOwn(hostCommands, operation)) {
    throw new ApiError('UnknownOperationException', `There is no operation ${operation} for hosts.`);
  }
  const hostArn = requireOwnHost(caller, input);
  const version = request.headers['x-amz-codedeploy-agent-version'];
  const answer = hostCommands[operation as HostCommandOperation] as unknown as (
    input: Input,
    caller: object,
  ) => Promise<object>;
  const about = {
    accessKeyId: caller.accessKeyId,
    hostArn,
    host: caller.host,
    runId: readRunId(request.headers[RUN_HEADER]),
    agentVersion: typeof version === 'string' ? printable(version.slice(0, MAX_VERSION)) : null,
    mayHold: request.headers[POLL_HEADER] !== POLL_ANSWER_NOW,
    asker: calls.begin(response),
  };
  // All that is needed of them is read. A poll that is held would keep them for a minute.
  request.headers = {};
  request.rawHeaders.length = 0;
  return answer(input, about);
}

/** Live logs, which are no part of the host command API. @throws ApiError AccessDeniedException, or what `put` throws */
export function callHostLogs(hostLogs: Pick<HostLogs, 'put'>, input: Input, caller: ProvedCaller): Promise<object> {
  return hostLogs.put(input, { accessKeyId: caller.accessKeyId, hostArn: requireOwnHost(caller, input) });
}

/** A host speaks for itself only; people have no business here. */
function requireOwnHost(caller: Caller, input: Input): string {
  const denied = (why: string) => new ApiError('AccessDeniedException', why, { status: 403 });
  if (caller.role !== 'host' || caller.hostArn === null)
    throw denied(`A key of role ${caller.role} cannot act as a host.`);
  const claimed = input['HostIdentifier'];
  if (claimed !== undefined && claimed !== caller.hostArn) {
    const other = typeof claimed === 'string' ? claimed.slice(0, 200) : `a HostIdentifier that is no text`;
    throw denied(`This key speaks for ${caller.hostArn}, not for ${other}.`);
  }
  return caller.hostArn;
}
