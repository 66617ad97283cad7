/** What is inside a revision, and what is not as before, as lines. */
import type { ControlOperations, RevisionFileRecord } from '../../protocol/management/shapes.ts';
import { renderLocation } from '../revision-arguments.ts';
import { renderTable } from './table.ts';

type Content = ControlOperations['DescribeRevisionContent']['output'];

export function contentLines({ files, sizeBytes, appSpec, incompleteBecause }: Content): string[] {
  return [
    ...(files.length === 0 ? [] : renderTable([['MODE', 'SIZE', 'CRC', 'FILE'], ...files.map(rowOf)])),
    `${files.length} entries in ${sizeBytes} bytes${appSpec === undefined ? '; no AppSpec file' : ''}`,
    ...because(incompleteBecause),
    ...appSpecLines(appSpec),
  ];
}

/** Each with a sign before it, so that no line of a stranger looks like one of ours. */
function appSpecLines(appSpec: Content['appSpec']): string[] {
  if (appSpec === undefined) return [];
  const lines = appSpec.text.replace(/\n$/, '').split('\n');
  return [`AppSpec file ${appSpec.path}:`, ...lines.map((line) => `| ${line}`), ...(appSpec.isComplete ? [] : ['| …'])];
}

export function differenceLines({ difference, incompleteBecause }: Content): string[] {
  if (difference === undefined) return ['The group has had no other revision.', ...because(incompleteBecause)];
  const { comparedWith, added, removed, changed, sameCount, appSpec = [] } = difference;
  const rows = [
    ...added.map((file) => ['added', ...rowOf(file)]),
    ...removed.map((file) => ['removed', ...rowOf(file)]),
    ...changed.map(({ after }) => ['changed', ...rowOf(after)]),
  ];
  return [
    `compared with ${renderLocation(comparedWith)}`,
    ...(rows.length === 0 ? [] : renderTable([['WHAT', 'MODE', 'SIZE', 'CRC', 'FILE'], ...rows])),
    `${added.length} added, ${removed.length} removed, ${changed.length} changed, ${sameCount} the same`,
    ...because(difference.incompleteBecause),
    ...(appSpec.some(({ kind }) => kind !== 'same') ? ['AppSpec:', ...appSpec.flatMap(textLines)] : []),
  ];
}

function rowOf({ path, sizeBytes, mode = '-', linkTarget, crc32 = '-' }: RevisionFileRecord): string[] {
  return [mode, String(sizeBytes), crc32, linkTarget === undefined ? path : `${path} -> ${linkTarget}`];
}

function textLines({ kind, lines }: NonNullable<NonNullable<Content['difference']>['appSpec']>[number]): string[] {
  const sign = kind === 'same' ? ' ' : kind === 'added' ? '+' : '-';
  return lines.map((line) => `${sign} ${line}`);
}

function because(why: string | undefined): string[] {
  return why === undefined ? [] : [`This may not be all: ${why}.`];
}
