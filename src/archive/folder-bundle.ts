/** A folder as a bundle: judged by the rules for archives, and copied by the writer that unpacks them. */
import { chmodSync, mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { createEntryJudge, type UnpackLimits } from './entry-judge.ts';
import type { EntryRules } from './entry-rules.ts';
import { onDisk } from './on-disk.ts';
import { archiveError } from './problems.ts';
import { type FolderEntry, readFolder } from './read-folder.ts';
import type { UnpackReport } from './unpack.ts';
import { type ArchiveWriter, createArchiveWriter } from './writer.ts';

export interface JudgeFolderRequest {
  readonly sourceDir: string;
  readonly limits: UnpackLimits;
  readonly rules: EntryRules;
  readonly signal?: AbortSignal;
}

export interface CopyFolderRequest extends JudgeFolderRequest {
  /** Must not exist; its parent must. */
  readonly archiveDir: string;
}

/**
 * Asks of a folder what unpacking it as an archive would. Nothing is written.
 *
 * @returns its entries, in the order of their names
 * @throws SlipwayError ARCHIVE_…, naming the entry at fault
 */
export async function judgeFolder({
  sourceDir,
  limits,
  rules,
  signal,
}: JudgeFolderRequest): Promise<readonly FolderEntry[]> {
  const judge = createEntryJudge(limits, rules, () => undefined);
  const links = new Map<string, string>();
  const writer: Parameters<typeof readFolder>[1] = {
    directory: (name) => void judge.admit(name, 'directory'),
    file(name) {
      judge.admit(name, 'file');
      const grow = (bytes: number) => judge.grow(name, bytes);
      return { write: (content) => grow(content.length), hole: grow, copy: (_, bytes) => grow(bytes), close: () => {} };
    },
    symlink(name, target) {
      links.set(judge.admitLink(name, target).path, target);
    },
  };
  const entries = await readFolder(sourceDir, writer, { withContent: false, ...(signal && { signal }) });
  judge.judgeLinks(links);
  return entries;
}

/**
 * Copies a folder as if it were packed and unpacked: links as they are, without setuid and setgid bits. The copy comes to its place under
 * its name in one step, when all of it is there. A crash leaves `<archiveDir>-temp`, which the next try removes. Large files share their
 * content with the originals where the file system can.
 *
 * @throws SlipwayError ARCHIVE_…, naming the entry at fault; nothing is left behind then
 */
export async function copyFolder(request: CopyFolderRequest): Promise<UnpackReport> {
  const { sourceDir, archiveDir, limits, rules, signal } = request;
  const temporary = `${archiveDir}-temp`;
  rmSync(temporary, { recursive: true, force: true });
  let writer: ArchiveWriter | null = null;
  try {
    onDisk(null, () => mkdirSync(temporary, { mode: 0o755 }));
    requireOutside(sourceDir, temporary);
    writer = createArchiveWriter(temporary, limits, rules);
    await readFolder(sourceDir, writer, { withContent: true, ...(signal && { signal }) });
    const report = await writer.finish();
    onDisk(null, () => {
      chmodSync(temporary, 0o755);
      renameSync(temporary, archiveDir);
    });
    return report;
  } catch (error) {
    await writer?.abandon();
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** A copy inside of what is copied would have no end. */
function requireOutside(sourceDir: string, copy: string): void {
  const source = realpathSync(sourceDir);
  if (!`${realpathSync(copy)}/`.startsWith(source === '/' ? '/' : `${source}/`)) return;
  throw archiveError('ARCHIVE_CANNOT_READ', null, `in ${sourceDir} holds the place that it is copied to, ${copy}`);
}
