/** Receivers of notices: the webhooks of the server's file, and topics of SNS. */
import type { NoticeTargets, SendNotice } from './notice-target.ts';

/**
 * The ARN of a topic. Its region becomes a part of a host name, so nothing else may stand there. An author of triggers must not choose
 * where the server sends to.
 */
const TOPIC =
  /^arn:aws(?:-[a-z]{1,20}){0,3}:sns:([a-z]{2}(?:-[a-z]{1,20}){1,3}-\d{1,2}):\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$/;

/** A name that the file has means its webhook, also where it is the ARN of a topic. */
export function createNoticeTargets(
  webhooks: ReadonlyMap<string, SendNotice>,
  topicsIn: (region: string) => SendNotice,
): NoticeTargets {
  return {
    find(target) {
      const webhook = webhooks.get(target);
      if (webhook !== undefined) return webhook;
      const region = TOPIC.exec(target)?.[1];
      return region === undefined ? null : topicsIn(region);
    },
  };
}
