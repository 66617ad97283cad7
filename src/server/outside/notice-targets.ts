/** Who takes notices: the webhooks of the server's file. */
import type { NoticeTargets, SendNotice } from './notice-target.ts';

export function createNoticeTargets(webhooks: ReadonlyMap<string, SendNotice>): NoticeTargets {
  return { find: (target) => webhooks.get(target) ?? null };
}
