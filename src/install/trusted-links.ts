/** Which links on the way to a destination are followed. Pure. */
import type { ObjectFacts } from './types.ts';

type Owner = Pick<ObjectFacts, 'uid'>;

/**
 * A link that root or the agent's own user has made is the operator's word, unless somebody else can exchange it. That may be the owner of
 * the folder that it lies in, or another user who may write there. With the folder's owner alone it may lead to what is that user's anyway.
 *
 * @param target the folder that the link leads to
 */
export function isTrustedLink(
  link: Owner,
  folder: Pick<ObjectFacts, 'uid' | 'mode'>,
  target: Owner,
  agentUid: number,
): boolean {
  const isOwn = ({ uid }: Owner) => uid === 0 || uid === agentUid;
  const isSticky = (folder.mode & 0o1000) !== 0;
  const othersMayWrite = (folder.mode & 0o022) !== 0;
  if (!isOwn(link) || (othersMayWrite && !isSticky)) return false;
  return isOwn(folder) || folder.uid === target.uid;
}
