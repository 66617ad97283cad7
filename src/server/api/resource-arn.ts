/** Makes and reads ARNs of applications and deployment groups. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { ApiContext, Input } from './context.ts';
import { countCharacters, quote, readText } from './input.ts';

const MAX_ARN = 1011;

export function resourceArn(ctx: Pick<ApiContext, 'region' | 'accountId'>, resource: string): string {
  return `arn:aws:codedeploy:${ctx.region}:${ctx.accountId}:${resource}`;
}

export interface TaggedResource {
  readonly arn: string;
  readonly applicationName: string;
  /** null: the application itself. */
  readonly groupName: string | null;
}

/** @throws ApiError InvalidArnException when it is no ARN of this server, ArnNotSupportedException when its resource cannot have tags */
export function readResourceArn(ctx: Pick<ApiContext, 'region' | 'accountId'>, input: Input): TaggedResource {
  const arn = readText(input, 'ResourceArn') ?? '';
  const own = resourceArn(ctx, '');
  if (countCharacters(arn) > MAX_ARN || !/^arn:[^:]+:codedeploy:[^:]*:\d{12}:./s.test(arn)) {
    throw new ApiError(
      'InvalidArnException',
      `ResourceArn must be the ARN of a CodeDeploy resource, but is ${quote(arn)}.`,
    );
  }
  if (!arn.startsWith(own)) {
    throw new ApiError(
      'InvalidArnException',
      `ResourceArn ${quote(arn)} is not of this server, whose ARNs begin with ${own}`,
    );
  }
  const [, kind, name = ''] = /^(application|deploymentgroup):(.*)$/s.exec(arn.slice(own.length)) ?? [];
  if (kind === undefined) {
    throw new ApiError(
      'ArnNotSupportedException',
      `ResourceArn ${quote(arn)} is of something without tags; applications and deployment groups have them.`,
    );
  }
  if (kind === 'application') return { arn, applicationName: name, groupName: null };
  const slash = name.indexOf('/');
  if (slash < 0) {
    throw new ApiError('InvalidArnException', `ResourceArn ${quote(arn)} must end with APPLICATION/DEPLOYMENT_GROUP.`);
  }
  return { arn, applicationName: name.slice(0, slash), groupName: name.slice(slash + 1) };
}
