/**
 * Which policies a host's user may have. A policy changes nothing here: a host reads the bundles of open deployments to it, and nothing
 * else. So a policy that promises more is refused, and so is one that promises a limit which nobody would keep. The only policy left allows
 * reading from S3, as `aws deploy register` and the CodeDeploy user guide write it. Pure.
 */
import { messageOf } from '../../errors.ts';
import { ApiError } from '../../protocol/errors.ts';

const VERSIONS: readonly unknown[] = ['2012-10-17', '2008-10-17'];
const READS_S3 = /^s3:(?:Get|List)[A-Za-z]*\*?$/i;
const S3_RESOURCE = /^(?:\*|arn:aws[a-z-]*:s3:::\S{1,1024})$/;
const STATEMENT_MEMBERS: readonly string[] = ['Sid', 'Effect', 'Action', 'Resource'];
/** More of a stranger's text is not repeated; characters. */
const MAX_SHOWN = 100;

/** @throws ApiError MalformedPolicyDocument that names the first thing which is not leave to read from S3 */
export function requireReadingOfS3(document: string): void {
  if (!/^[\t\n\r\u0020-\u00ff]+$/.test(document)) throw refused('it has characters beyond Latin-1');
  const policy = requireObject(parse(document), 'it');
  for (const name of Object.keys(policy)) {
    if (!['Version', 'Id', 'Statement'].includes(name)) throw refused(`it has the member ${shown(name)}`);
  }
  if (!VERSIONS.includes(policy['Version'])) throw refused('its Version is not 2012-10-17');
  const statements = asList(policy['Statement']);
  if (statements.length === 0) throw refused('it has no Statement');
  for (const statement of statements) requireStatement(requireObject(statement, 'a Statement'));
}

function requireStatement(statement: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(statement)) {
    if (!STATEMENT_MEMBERS.includes(name)) throw refused(`a Statement has the member ${shown(name)}`);
  }
  if (statement['Effect'] !== 'Allow') throw refused(`the Effect ${shown(statement['Effect'])} is not Allow`);
  requireEach(statement, 'Action', READS_S3);
  requireEach(statement, 'Resource', S3_RESOURCE);
}

function requireEach(statement: Readonly<Record<string, unknown>>, member: string, pattern: RegExp): void {
  const values = asList(statement[member]);
  if (values.length === 0) throw refused(`a Statement has no ${member}`);
  for (const value of values) {
    if (typeof value !== 'string' || !pattern.test(value)) throw refused(`it has the ${member} ${shown(value)}`);
  }
}

function parse(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch (cause) {
    throw refused(`it is not JSON: ${messageOf(cause)}`);
  }
}

function requireObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused(`${what} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

/** A single value stands for a list of one, as everywhere in policies. */
function asList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, MAX_SHOWN);
}

function refused(why: string): ApiError {
  return new ApiError(
    'MalformedPolicyDocument',
    `The policy was not kept: ${why}. A user here is the identity of an on-premises host, and its policy may only allow ` +
      's3:Get… and s3:List…, as the one of aws deploy register does.',
  );
}
