/** Answers of the AWS Query protocol: XML with a namespace for each API, and the request's id in every answer. Pure. */
import { elements, escapeXml } from '../xml-text.ts';

/** The members of an output. A member that is undefined is left out; a list becomes one `member` element for each entry. */
export interface QueryOutput {
  readonly [name: string]: QueryValue | undefined;
}

export type QueryValue = string | boolean | QueryOutput | readonly QueryValue[];

/** @param namespace of the API, as its model has it */
export function encodeQueryAnswer(
  { action, namespace, requestId }: { readonly action: string; readonly namespace: string; readonly requestId: string },
  output: QueryOutput,
): string {
  const result = Object.keys(output).length === 0 ? '' : wrap(`${action}Result`, encodeValue(output));
  const metadata = wrap('ResponseMetadata', elements({ RequestId: requestId }));
  return document(`${action}Response`, namespace, `${result}${metadata}`);
}

/** @param status of HTTP; from 500 on the fault is the server's */
export function encodeQueryError(
  { namespace, requestId, status }: { readonly namespace: string; readonly requestId: string; readonly status: number },
  { code, message }: { readonly code: string; readonly message: string },
): string {
  const error = elements({ Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message });
  return document('ErrorResponse', namespace, `${wrap('Error', error)}${elements({ RequestId: requestId })}`);
}

function encodeValue(value: QueryValue): string {
  if (typeof value === 'string' || typeof value === 'boolean') return escapeXml(String(value));
  if (isList(value)) return value.map((entry) => wrap('member', encodeValue(entry))).join('');
  return Object.entries(value)
    .map(([name, member]) => (member === undefined ? '' : wrap(name, encodeValue(member))))
    .join('');
}

/** `Array.isArray` does not narrow read-only lists. */
function isList(value: QueryOutput | readonly QueryValue[]): value is readonly QueryValue[] {
  return Array.isArray(value);
}

function wrap(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function document(root: string, namespace: string, content: string): string {
  return `<${root} xmlns="${escapeXml(namespace)}">${content}</${root}>\n`;
}
