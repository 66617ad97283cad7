/** Calls of IAM and STS as bytes of the Query protocol, signed by the rules. */
import { XMLParser } from 'fast-xml-parser';
import { signRequest } from '../../src/protocol/sigv4/sign.ts';
import type { KeyPair } from './hand-driven-host.ts';

export interface QueryAnswer {
  readonly status: number;
  /** The code of an error; null: it was carried out. */
  readonly code: string | null;
  readonly message: string;
  readonly requestId: string;
  /** The members of the result; a list of one entry is that entry. */
  readonly result: Record<string, unknown>;
}

export type CallQuery = (action: string, parameters?: Readonly<Record<string, string>>) => Promise<QueryAnswer>;

const VERSIONS = { iam: '2010-05-08', sts: '2011-06-15' };

export function queryApi(url: string, service: 'iam' | 'sts', key: KeyPair): CallQuery {
  return (action, parameters = {}) =>
    sendForm(url, service, key, new URLSearchParams({ Action: action, Version: VERSIONS[service], ...parameters }));
}

/** @param body in place of a form: the text itself */
export async function sendForm(
  url: string,
  service: string,
  key: KeyPair,
  body: URLSearchParams | string,
  more: Readonly<Record<string, string>> = {},
): Promise<QueryAnswer> {
  const text = String(body);
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8', ...more };
  const request = { method: 'POST', url: new URL(url), headers, body: text };
  const signed = await signRequest(request, key, { service, region: 'us-east-1' }, Date.now());
  const answer = await fetch(url, { method: 'POST', headers: signed, body: text });
  return readAnswer(answer.status, await answer.text());
}

export function readAnswer(status: number, text: string): QueryAnswer {
  const parser = new XMLParser({ parseTagValue: false });
  const [[root, content] = ['', {}]] = Object.entries(parser.parse(text) as Record<string, Record<string, unknown>>);
  const error = content['Error'] as { Code: string; Message: string } | undefined;
  const metadata = content['ResponseMetadata'] as { RequestId: string } | undefined;
  const result = content[root.replace(/Response$/, 'Result')];
  return {
    status,
    code: error?.Code ?? null,
    message: error?.Message ?? '',
    requestId: String(metadata?.RequestId ?? content['RequestId']),
    result: typeof result === 'object' && result !== null ? (result as Record<string, unknown>) : {},
  };
}
