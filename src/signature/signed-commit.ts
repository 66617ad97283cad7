/** A commit as git keeps it, and whether somebody who is trusted has signed it. Pure. */
import { createHash } from 'node:crypto';
import type { Signer } from './signers.ts';
import { judge, parseSignature, refused, unreadable, type Verdict } from './verdict.ts';

export interface SignedCommit {
  readonly payload: Buffer;
  /** null: the commit is not signed. */
  readonly signature: string | null;
}

/**
 * A commit is named by the hash of all that it is of, so its signer has signed that.
 *
 * @param raw what `git cat-file commit` prints; null: it is not kept
 * @param commitId what it must be; null: any
 */
export function judgeCommit(
  raw: Buffer | null,
  commitId: string | null,
  signers: readonly Signer[],
  nowMs: number,
): Verdict {
  if (raw === null) return refused('SIGNATURE_MISSING', 'the commit that it comes from is not kept on this host');
  if (commitId !== null && commitIdOf(raw) !== commitId) {
    return refused('SIGNATURE_MISMATCH', `the commit that vouches for it is ${commitIdOf(raw)}`);
  }
  const { payload, signature } = splitCommit(raw);
  if (signature === null) return refused('SIGNATURE_MISSING', 'the commit is not signed');
  if (signature.startsWith('-----BEGIN PGP')) {
    return refused('SIGNATURE_UNREADABLE', 'its commit is signed with PGP, and only those of SSH keys are accepted');
  }
  try {
    const parsed = parseSignature('ssh', signature);
    const digest = createHash(parsed.digest).update(payload).digest();
    return judge(parsed, digest, signers, { kind: 'commit' }, nowMs);
  } catch (error) {
    return unreadable(error);
  }
}

/**
 * @param raw what `git cat-file commit` prints
 * @see git, `parse_signed_commit` in `commit.c`: headers that begin with gpgsig are no part of what is signed
 */
export function splitCommit(raw: Buffer): SignedCommit {
  const ownHeader = usesSha256(raw) ? 'gpgsig-sha256' : 'gpgsig';
  // Byte for byte: messages of commits may have any encoding.
  const text = raw.toString('latin1');
  const end = text.indexOf('\n\n');
  const header = end < 0 ? text : text.slice(0, end);
  const kept: string[] = [];
  const signature: string[] = [];
  let into: string[] | null = kept;
  for (const line of header.split('\n')) {
    const [name = ''] = line.split(' ', 1);
    if (line.startsWith(' ')) into?.push(into === signature ? line.slice(1) : line);
    else if (name === ownHeader) {
      into = signature;
      signature.push(line.slice(ownHeader.length + 1));
    } else {
      into = name.startsWith('gpgsig') ? null : kept;
      into?.push(line);
    }
  }
  const payload = kept.join('\n') + (end < 0 ? '' : text.slice(end));
  return {
    payload: Buffer.from(payload, 'latin1'),
    signature: signature.length === 0 ? null : `${signature.join('\n')}\n`,
  };
}

/** Git's own name for a commit. */
function commitIdOf(raw: Buffer): string {
  const hash = createHash(usesSha256(raw) ? 'sha256' : 'sha1');
  return hash.update(`commit ${raw.length}\0`).update(raw).digest('hex');
}

/** The repository’s hash is that of the tree, which every commit begins with. */
function usesSha256(raw: Buffer): boolean {
  return /^tree [0-9a-f]{64}\n/.test(raw.toString('latin1', 0, 80));
}
