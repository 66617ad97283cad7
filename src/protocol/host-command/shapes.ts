/**
 * The host command API on the wire: `CodeDeployCommandService_v20141006`, AWS JSON 1.1, PascalCase members.
 *
 * Absent members are omitted, never null. Both sides ignore members that they do not know.
 */

export const HOST_COMMAND_TARGET = 'CodeDeployCommandService_v20141006';
/** The prefix that agents with `enable_auth_policy` use; the shapes are the same. */
export const HOST_COMMAND_SECURE_TARGET = 'CodeDeployCommandService';
export const HOST_COMMAND_SIGNING_NAME = 'codedeploy-commands';
export const HOST_COMMAND_SECURE_SIGNING_NAME = 'codedeploy-commands-secure';

/**
 * Our own agent's first poll asks for an answer at once, so that the agent learns within a moment whether the service takes its requests.
 * Services that do not know the header do as they always do.
 */
export const POLL_HEADER = 'x-slipway-poll';
export const POLL_ANSWER_NOW = 'answer-now';

/** The id that one start of our own agent has, in its requests. Services that do not know the header ignore it. */
export const RUN_HEADER = 'x-slipway-run';

export type CommandStatus = 'Pending' | 'InProgress' | 'Succeeded' | 'Failed';

/** A format name and its text: Format 1..64 characters, Payload 0..8192 where an agent sends it. */
export interface Envelope {
  readonly Format: string;
  readonly Payload: string;
}

export interface HostCommand {
  readonly HostCommandIdentifier: string;
  readonly HostIdentifier: string;
  /** 1..129 characters, four parts separated by slashes; opaque to the agent. */
  readonly DeploymentExecutionId: string;
  readonly CommandName: string;
  readonly Nonce?: number;
}

export interface PollHostCommandInput {
  readonly HostIdentifier: string;
}
export interface PollHostCommandOutput {
  readonly HostCommand?: HostCommand;
  /** Another agent polls with the same identity. Only our own server says so, and only to our own agent. */
  readonly IdentityIsShared?: boolean;
}

export interface GetDeploymentSpecificationInput {
  readonly DeploymentExecutionId: string;
  readonly HostIdentifier: string;
}
export interface GetDeploymentSpecificationOutput {
  readonly DeploymentSystem?: string;
  readonly DeploymentSpecification?: { readonly GenericEnvelope?: Envelope };
}

export interface PutHostCommandAcknowledgementInput {
  readonly HostCommandIdentifier: string;
  readonly Diagnostics?: Envelope;
}
export interface PutHostCommandAcknowledgementOutput {
  readonly CommandStatus?: CommandStatus;
}

export interface PostHostCommandUpdateInput {
  readonly HostCommandIdentifier: string;
  readonly EstimatedCompletionTime?: number;
  readonly Diagnostics?: Envelope;
}
export interface PostHostCommandUpdateOutput {
  readonly CommandStatus?: CommandStatus;
}

export interface PutHostCommandCompleteInput {
  readonly HostCommandIdentifier: string;
  readonly CommandStatus: CommandStatus;
  readonly Diagnostics?: Envelope;
}

/** Each operation with what goes in and what comes out; the client and the server are both typed by this table. */
export interface HostCommandOperations {
  readonly PollHostCommand: { input: PollHostCommandInput; output: PollHostCommandOutput };
  readonly GetDeploymentSpecification: {
    input: GetDeploymentSpecificationInput;
    output: GetDeploymentSpecificationOutput;
  };
  readonly PutHostCommandAcknowledgement: {
    input: PutHostCommandAcknowledgementInput;
    output: PutHostCommandAcknowledgementOutput;
  };
  readonly PostHostCommandUpdate: { input: PostHostCommandUpdateInput; output: PostHostCommandUpdateOutput };
  readonly PutHostCommandComplete: { input: PutHostCommandCompleteInput; output: Record<string, never> };
}

export type HostCommandOperation = keyof HostCommandOperations;
