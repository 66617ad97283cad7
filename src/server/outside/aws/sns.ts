/** Topics of SNS as receivers of notices. */
import type { PublishInput, SNS } from '@aws-sdk/client-sns';
import type { OutgoingNotice, SendNotice } from '../notice-target.ts';
import { awsFailureOf, whyInWords } from './aws-error.ts';

/** SNS' codes for a message that it will never take. */
const REFUSALS: readonly string[] = [
  'InvalidParameterException',
  'InvalidParameterValueException',
  'ValidationException',
];

/** @param clientIn the client of a region @returns what publishes to the topics of a region */
export function createTopics(clientIn: (region: string) => Promise<SNS>): (region: string) => SendNotice {
  return (region) => async (notice, signal) => {
    try {
      const client = await clientIn(region);
      const { MessageId } = await client.publish(inputOf(notice), { abortSignal: signal });
      return { ending: 'sent', answer: `published as ${MessageId ?? 'a message without an id'}` };
    } catch (error) {
      const { code } = awsFailureOf(error);
      return { ending: REFUSALS.includes(code) ? 'refused' : 'failed', answer: whyInWords(error) };
    }
  };
}

function inputOf({ target, subject, message, event, messageId, deploymentId }: OutgoingNotice): PublishInput {
  const text = (StringValue: string) => ({ DataType: 'String', StringValue });
  return {
    TopicArn: target,
    Subject: subject,
    Message: message,
    // SNS makes an id of its own at each call; by this one a receiver knows a notice again.
    MessageAttributes: { event: text(event), slipwayMessageId: text(messageId) },
    ...(target.endsWith('.fifo') ? { MessageGroupId: deploymentId, MessageDeduplicationId: messageId } : {}),
  };
}
