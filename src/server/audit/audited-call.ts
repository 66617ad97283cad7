/** A request that changes something, as the audit log keeps it. Pure. */
import type { AuditEntryRow, AuditRole } from '../store/schema.ts';
import { shownMembers } from './shown-members.ts';

/** A request before it is known what comes of it. */
export interface AuditedCall {
  /** Id that the answer carries. It is the entry's key, so that a request leaves one entry however many transactions it has. */
  readonly requestId: string;
  /** The access key's or the enrolment token's id; on the server's own machine, its user. */
  readonly actor: string;
  readonly role: AuditRole;
  readonly operation: string;
  readonly members: Readonly<Record<string, unknown>>;
}

const MAX_NAME = 256;
/** So many characters of instance names are kept; a request names up to 100 instances. */
const MAX_NAMES = 1_024;

/** @param made what the change made: the id of a deployment, a key or a token; null: nothing that has one */
export function auditEntryOf(call: AuditedCall, made: string | null, nowMs: number): AuditEntryRow {
  const { members } = call;
  const [tagged, taggedGroup] = resourceOf(textOf(members['ResourceArn']) ?? '');
  const instances = members['instanceNames'];
  return {
    request_id: call.requestId,
    at_ms: nowMs,
    actor: call.actor,
    role: call.role,
    operation: call.operation,
    application_name: textOf(members['applicationName']) ?? textOf(tagged),
    deployment_group_name:
      textOf(members['deploymentGroupName']) ?? textOf(members['currentDeploymentGroupName']) ?? textOf(taggedGroup),
    deployment_id: textOf(members['deploymentId']),
    instance_names: Array.isArray(instances)
      ? instances.map(String).join(', ').slice(0, MAX_NAMES)
      : textOf(members['instanceName']),
    made,
    request_json: shownMembers(members),
  };
}

/** `arn:aws:codedeploy:REGION:ACCOUNT:deploymentgroup:APPLICATION/GROUP`, or `…:application:APPLICATION`. */
function resourceOf(arn: string): readonly string[] {
  const [, , , , , kind, ...name] = arn.split(':');
  return kind === 'application' || kind === 'deploymentgroup' ? name.join(':').split('/') : [];
}

/** Members of an answer that name what the change has made. The first that is there counts. */
const MADE = ['accessKeyId', 'deploymentId', 'tokenId'] as const;

/** @param result what the transaction answers */
export function madeBy(result: unknown): string | null {
  if (typeof result !== 'object' || result === null) return null;
  const members = result as Readonly<Record<string, unknown>>;
  return MADE.map((name) => textOf(members[name])).find((id) => id !== null) ?? null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_NAME) : null;
}
