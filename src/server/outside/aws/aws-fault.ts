/** A call to AWS that has come to nothing, about anything but load balancers. Pure. */
import { SlipwayError } from '../../../errors.ts';
import { type AwsTrouble, awsFailureOf } from './aws-error.ts';

export class AwsFault extends Error {
  override readonly name = 'AwsFault';
  /** In words, as `DescribeInstances tag:Role`. */
  readonly call: string;
  /** Code, message and request id in one line. */
  readonly answer: string;
  readonly trouble: AwsTrouble;
  /** AWS' own code; empty: it has given none. */
  readonly awsCode: string;

  constructor(call: string, failure: { readonly trouble: AwsTrouble; readonly code: string; readonly answer: string }) {
    super(`${call}: ${failure.answer}`);
    this.call = call;
    this.answer = failure.answer;
    this.trouble = failure.trouble;
    this.awsCode = failure.code;
  }
}

/** @throws AwsFault */
export async function callAws<Answer>(call: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof AwsFault) throw error;
    // A package that is missing: no call was made, and none will be.
    if (error instanceof SlipwayError) {
      throw new AwsFault(call, { trouble: 'refused', code: '', answer: `${error.message}. ${error.remedy}` });
    }
    throw new AwsFault(call, awsFailureOf(error));
  }
}
