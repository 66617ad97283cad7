/** Every operation of S3, from the SDK's own model, with an input that has all that the operation requires. */
import * as sdk from '@aws-sdk/client-s3';

export interface ModelledOperation {
  readonly name: string;
  /** Sends the operation with its least input. */
  send(client: sdk.S3Client): Promise<unknown>;
}

/** Names that an operation needs, so that it is about something that is there. */
export const BUCKET = 'revisions';
export const KEY = 'bundle.zip';
const KNOWN: Readonly<Record<string, unknown>> = { Bucket: BUCKET, Key: KEY, CopySource: `${BUCKET}/${KEY}` };

/** The kinds of the SDK's schemas. @see `@smithy/types`, `schema/static-schemas.d.ts` */
const [LIST, MAP, STRUCTURE, UNION, OPERATION] = [1, 2, 3, 4, 9];
const MAX_DEPTH = 4;

export function modelledOperations(): readonly ModelledOperation[] {
  const exported: Readonly<Record<string, unknown>> = { ...sdk };
  const names = Object.keys(exported)
    .filter((name) => name.endsWith('Command') && name !== '$Command')
    .map((name) => name.slice(0, -'Command'.length));
  return names.sort().map((name) => ({
    name,
    send: (client) => send(client, exported[`${name}Command`], leastInput(exported[`${name}$`])),
  }));
}

async function send(client: sdk.S3Client, Command: unknown, input: unknown): Promise<unknown> {
  if (typeof Command !== 'function') throw new Error('the SDK’s model has another form than this test knows');
  const command: sdk.ListBucketsCommand = Reflect.construct(Command, [input]);
  return client.send(command);
}

function leastInput(operation: unknown): unknown {
  if (!Array.isArray(operation) || operation[0] !== OPERATION)
    throw new Error('the SDK’s model has another form than this test knows');
  return exampleOf(operation[4], 0);
}

/** Something of the form that a schema describes. */
function exampleOf(schema: unknown, depth: number): unknown {
  if (typeof schema === 'function') return exampleOf(schema(), depth);
  if (typeof schema === 'number') return simpleValue(schema);
  if (!Array.isArray(schema)) return 'x';
  const [kind, namespace] = schema;
  // A schema with traits of its member beside it.
  if (typeof namespace !== 'string') return exampleOf(kind, depth);
  switch (kind) {
    case LIST:
      return depth > MAX_DEPTH ? [] : [exampleOf(schema[4], depth + 1)];
    case MAP:
      return {};
    case STRUCTURE:
      return structureOf(schema, depth);
    case UNION:
      return depth > MAX_DEPTH ? {} : { [schema[4][0]]: exampleOf(schema[5][0], depth + 1) };
    default:
      return exampleOf(schema[4], depth);
  }
}

/** All members that are required, which come first; of a structure without such, the first one. */
function structureOf(schema: readonly unknown[], depth: number): unknown {
  const [names, members, required] = [schema[4], schema[5], schema[6]];
  if (!Array.isArray(names) || !Array.isArray(members) || depth > MAX_DEPTH) return {};
  const count = typeof required === 'number' ? required : depth === 0 ? 0 : 1;
  return Object.fromEntries(
    names.slice(0, count).map((name, at) => [name, KNOWN[name] ?? exampleOf(members[at], depth + 1)]),
  );
}

function simpleValue(schema: number): unknown {
  switch (schema) {
    case 1:
      return 1;
    case 2:
      return true;
    case 4:
    case 5:
    case 6:
    case 7:
      return new Date(0);
    case 21:
    case 42:
      return Buffer.from('x');
    default:
      return 'x';
  }
}
