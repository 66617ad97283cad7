/** Links of a revision that would surprise somebody on the host, where each is what it is in the bundle. */
import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { AppSpecReading } from '../appspec/parse.ts';
import { LINT_RULES, type LintRuleId } from '../appspec/rules.ts';
import type { AppSpec, FileMapping, Finding } from '../appspec/types.ts';
import type { InstallPlan } from '../install/types.ts';
import { withoutTrailing } from '../system/trailing.ts';

/** More of one kind from one entry of the AppSpec file tell nothing new. */
const LISTED = 10;

/** @param archiveDir without links on the way */
export function lintLinks(
  reading: AppSpecReading,
  appSpec: AppSpec,
  archiveDir: string,
  plan: Pick<InstallPlan, 'files' | 'folders'>,
): Finding[] {
  return [
    ...appSpec.files.flatMap((mapping) => lintSource(reading, mapping, archiveDir)),
    ...lintTargets(reading, appSpec, archiveDir, plan),
  ];
}

function lintSource(reading: AppSpecReading, mapping: FileMapping, archiveDir: string): Finding[] {
  const path = join(archiveDir, mapping.source);
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (!isLink || !existsSync(path) || !statSync(path).isDirectory()) return [];
  const message = `the source ${mapping.source} is a link to a folder: the link itself is installed, not what is in that folder`;
  return [finding('source-link', message, reading, mapping)];
}

/** Finds links that lead to something in the bundle, and would lead to nothing on the host: their targets were meant to be there. */
function lintTargets(
  reading: AppSpecReading,
  appSpec: AppSpec,
  archiveDir: string,
  { files, folders }: Pick<InstallPlan, 'files' | 'folders'>,
): Finding[] {
  const brought = new Set([...files.map(({ path }) => path), ...folders]);
  const lost = files.filter(({ source, path, target }) => {
    if (target === null || isAbsolute(target) || !isInside(resolve(dirname(source), target), archiveDir)) return false;
    return !brought.has(resolve(dirname(path), target));
  });
  const byMapping = Map.groupBy(lost, ({ path }) => mappingOf(appSpec, path));
  return [...byMapping].flatMap(([mapping, links]) => {
    return links.slice(0, LISTED).map(({ source, path, target }, index) => {
      const more = links.length - LISTED;
      const rest = index === LISTED - 1 && more > 0 ? `; and ${more} more like it` : '';
      const name = source.slice(archiveDir.length + 1);
      const message = `the link ${name} leads to ${target}, which no source brings to where ${path} will look for it${rest}`;
      return finding('link-leads-nowhere', message, reading, mapping);
    });
  });
}

function isInside(path: string, archiveDir: string): boolean {
  return existsSync(path) && `${realpathSync(path)}/`.startsWith(`${archiveDir}/`);
}

function mappingOf({ files }: AppSpec, path: string): FileMapping | null {
  return files.findLast(({ destination }) => path.startsWith(`${withoutTrailing(destination, '/')}/`)) ?? null;
}

function finding(rule: LintRuleId, message: string, reading: AppSpecReading, mapping: FileMapping | null): Finding {
  const position = mapping === null ? null : reading.placeOf(mapping, 'source');
  return { severity: LINT_RULES[rule].severity, rule, message, position };
}
