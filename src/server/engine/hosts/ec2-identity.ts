/** Which EC2 instance an enrolled host is. Pure. */

/** The tag that says so, where the host's own identity does not. */
export const INSTANCE_TAG = 'InstanceId';

const INSTANCE_ID = /^i-[0-9a-f]{8,17}$/;
/** An instance's own ARN, and the session that it has by its profile, which is named after it. */
const OF_INSTANCE =
  /^arn:aws[a-z-]*:(?:ec2:[a-z0-9-]+:\d{12}:instance|sts::\d{12}:assumed-role\/[^/]+)\/(i-[0-9a-f]{8,17})$/;

/**
 * @param hostArn with which it signs: what that says nobody else can say of themselves
 * @param tagValue of its tag `InstanceId`
 * @returns null: it is not known to be one
 */
export function ec2InstanceIdOf(hostArn: string, tagValue: string | null | undefined): string | null {
  const [, own] = OF_INSTANCE.exec(hostArn) ?? [];
  if (own !== undefined) return own;
  return tagValue && INSTANCE_ID.test(tagValue) ? tagValue : null;
}
