/** The tables of `docs/api.md`, from the table of operations that the tests run and from the server's own table of permissions. */
import { BEYOND_THE_MODEL } from '../../src/protocol/management/exceptions.ts';
import { MODELLED_EXCEPTIONS } from '../../src/protocol/management/modelled-exceptions.ts';
import type { CodeDeployOperation } from '../../src/protocol/management/shapes.ts';
import { permissionFor } from '../../src/server/api/permissions.ts';
import { OPERATION_NAMES, OPERATIONS } from '../server/api/operations/all.ts';

/** A row for each operation: who may call it, what it touches, what it does, what it refuses, and the exceptions that come. */
export function operationTables(): string {
  return [
    '| operation | role | touches | what it does here | what it refuses, and why | exceptions |',
    '| --- | --- | --- | --- | --- | --- |',
    ...OPERATION_NAMES.map(operationRow),
  ].join('\n');
}

function operationRow(name: CodeDeployOperation): string {
  const { does, refuses } = OPERATIONS[name];
  const exceptions = comingFrom(name).map(shortName).sort();
  const { role = '', touches = '' } = permissionFor(name) ?? {};
  const cells = [`\`${name}\``, role, touches, does, refuses ?? '–', exceptions.join(', ') || '–'];
  return `| ${cells.join(' | ')} |`;
}

function comingFrom(name: CodeDeployOperation): readonly string[] {
  const { refused, full = [] } = OPERATIONS[name];
  return [...Object.keys(refused), ...full];
}

/** How many exceptions there are, and how many of them come. */
export function exceptionCounts(): string {
  const modelled = new Set<string>(Object.values(MODELLED_EXCEPTIONS).flat());
  const coming = new Set(OPERATION_NAMES.flatMap(comingFrom));
  const never = [...modelled].filter((name) => !coming.has(name));
  return `The model of the API names ${modelled.size} exceptions. ${modelled.size - never.length} of them come here, each in a test.`;
}

/** A row for each exception of the model that never comes, or comes from fewer operations than the model has it for. */
export function exceptionTable(): string {
  const rows = new Map<string, { exception: string; reason: string; operations: string[] }>();
  for (const operation of OPERATION_NAMES) {
    for (const [exception, reason = ''] of Object.entries(OPERATIONS[operation].never)) {
      const key = `${shortName(exception)} ${reason}`;
      const row = rows.get(key) ?? { exception: shortName(exception), reason, operations: [] };
      row.operations.push(`\`${operation}\``);
      rows.set(key, row);
    }
  }
  const beyond = Object.entries(BEYOND_THE_MODEL).flatMap(([operation, added]) =>
    Object.entries(added).map(
      ([name, reason]) => `\`${operation}\` answers ${shortName(name)} beyond the model. ${reason}`,
    ),
  );
  return [
    '| exception | operations | why it never comes |',
    '| --- | --- | --- |',
    ...[...rows.keys()].sort().map((key) => {
      const { exception = '', operations = [], reason = '' } = rows.get(key) ?? {};
      return `| ${exception} | ${operations.join(', ')} | ${reason} |`;
    }),
    '',
    ...beyond,
  ].join('\n');
}

/** All names end alike. */
function shortName(exception: string): string {
  return exception.replace(/Exception$/, '');
}
