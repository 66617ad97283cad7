/** Facts about the file at a script's place in an unpacked revision, for those who judge it. */
import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HostView, ScriptFacts } from '../appspec/bundle-lint.ts';
import { PROGRAM_BYTES, programKind } from '../appspec/program-kind.ts';
import { nearPath } from '../appspec/suggest.ts';
import { startsProgram } from '../system/binary-formats.ts';
import { BEGINNING_BYTES, readBeginning } from '../system/file-beginning.ts';

/** @param root the bundle's folder, without links on the way */
export function scriptFacts(root: string, location: string): ScriptFacts {
  const path = join(root, location);
  const stats = existsSync(path) ? statSync(path) : null;
  if (stats === null) return { kind: 'missing', near: nearScript(root, location) };
  const leadsTo = realpathSync(path);
  if (!leadsTo.startsWith(`${root}/`)) return { kind: 'outside', leadsTo };
  if (!stats.isFile()) return { kind: 'other' };
  const text = readBeginning(path, SCRIPT_BYTES);
  const beginning = text.slice(0, BEGINNING_BYTES);
  const isText = beginning.startsWith('#!') || !beginning.includes('\0');
  return {
    kind: 'file',
    isExecutable: (stats.mode & 0o111) !== 0,
    beginning,
    program: isText ? null : programKind(text.slice(0, PROGRAM_BYTES)),
    hasCrlfInside: hasCrlfBelow(text),
  };
}

/** Whether this machine starts a program. */
export const startsHere: NonNullable<HostView['starts']> = ({ machines }, beginning, location) =>
  startsProgram(machines, beginning, location);

/** @param root the bundle's folder; what is near to no script there has no near name */
function nearScript(root: string, location: string): string | null {
  return nearPath(location, (folder) => {
    const path = join(root, folder);
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(path) : [];
  });
}

/** Whether a line below the first ends as on Windows, or the text's last one does so half; no binary part lies between. */
function hasCrlfBelow(text: string): boolean {
  const parts = text.split('\0');
  return parts.some((part, index) => {
    const first = part.indexOf('\n');
    if (first < 0) return false;
    const rest = part.slice(first + 1);
    return rest.includes('\r\n') || (index === parts.length - 1 && rest.endsWith('\r'));
  });
}

/** Bytes of a script that are read, to see how its lines end. Where a program is called a script, more would be read for nothing. */
const SCRIPT_BYTES = 1024 * 1024;
