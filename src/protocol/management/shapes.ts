/**
 * The management API on the wire: `CodeDeploy_20141006`, AWS JSON 1.1, camelCase members.
 *
 * The shapes are derived from the AWS SDK's model, so the compiler holds server and command line against the real API. Only types are
 * taken: nothing of the SDK is loaded. Pure.
 */
import type * as Sdk from '@aws-sdk/client-codedeploy';
import type { KeyScope } from './key-scope.ts';

export const MANAGEMENT_TARGET = 'CodeDeploy_20141006';
export const MANAGEMENT_SIGNING_NAME = 'codedeploy';

/** Prefix of the operations that this server offers beyond CodeDeploy, through the same door and signed in the same way. */
export const CONTROL_TARGET = 'SlipwayControl_20261101';

type SdkModule = typeof Sdk;

/** Every `…Command` of the SDK but its base class, `$Command`. */
type SdkOperation = Exclude<
  { [Name in keyof SdkModule]: Name extends `${infer Op}Command` ? Op : never }[keyof SdkModule],
  '$'
>;

/**
 * A shape as JSON carries it, without the members that the SDK adds to each answer. Times are numbers: seconds since the epoch, with up to
 * three decimals.
 */
export type Wire<T> = T extends Date
  ? number
  : T extends readonly (infer Member)[]
    ? Wire<Member>[]
    : T extends object
      ? { [Name in keyof T as Name extends '$metadata' ? never : Name]: Wire<T[Name]> }
      : T;

type CommandOf<Op extends SdkOperation> = SdkModule[`${Op}Command` & keyof SdkModule];

type InputOf<Op extends SdkOperation> =
  CommandOf<Op> extends abstract new (...args: infer Arguments) => unknown ? NonNullable<Arguments[0]> : never;

type OutputOf<Op extends SdkOperation> =
  CommandOf<Op> extends abstract new (
    ...args: never[]
  ) => { resolveMiddleware(...args: never[]): (...args: never[]) => Promise<{ output: infer Output }> }
    ? Output
    : never;

/** Which processes of Auto Scaling groups rest during a deployment in place. */
interface Ec2DeploymentOptions {
  readonly ec2DeploymentOptions?: { readonly autoScalingGroupProcessesToSuspend?: readonly string[] };
}

/** Members of the newest model that the SDK beside this project does not have yet. */
interface NewerInputs {
  readonly CreateDeployment: Ec2DeploymentOptions;
  readonly CreateDeploymentGroup: Ec2DeploymentOptions;
  readonly UpdateDeploymentGroup: Ec2DeploymentOptions;
}

type NewerInput<Op> = Op extends keyof NewerInputs ? NewerInputs[Op] : unknown;
type NewerOutput<Op> = Op extends 'GetDeploymentGroup'
  ? { readonly deploymentGroupInfo?: Ec2DeploymentOptions }
  : unknown;

/** Each operation of CodeDeploy with what goes in and what comes out. */
export type CodeDeployOperations = {
  readonly [Op in SdkOperation]: {
    input: Wire<InputOf<Op>> & NewerInput<Op>;
    output: Wire<OutputOf<Op>> & NewerOutput<Op>;
  };
};

export type CodeDeployOperation = keyof CodeDeployOperations;

type RevisionLocation = NonNullable<CodeDeployOperations['GetApplicationRevision']['output']['revision']>;

export type AccessRole = 'admin' | 'operator' | 'viewer' | 'host' | 'hook';

export interface AccessKeyRecord {
  readonly accessKeyId: string;
  readonly role: AccessRole;
  readonly hostArn?: string;
  readonly description: string;
  readonly createTime: number;
  readonly disabled: boolean;
  /** Absent: the key is not limited to some applications. */
  readonly scope?: KeyScope;
  /** The OpenID Connect provider of a person. Absent: a key, or a person who belongs to the provider of the next sign-in. */
  readonly issuer?: string;
}

/** A token that hosts enrol with, without its secret. Times are epoch seconds. */
export interface EnrolmentTokenRecord {
  readonly tokenId: string;
  readonly madeBy: string;
  readonly description: string;
  readonly tags: readonly { readonly Key: string; readonly Value: string }[];
  readonly instanceName?: string;
  readonly takeOver: boolean;
  readonly uses: number;
  readonly usesLeft: number;
  readonly createTime: number;
  readonly expireTime: number;
  readonly revokeTime?: number;
}

/** A token for git repositories, without the token. */
export interface GitTokenRecord {
  readonly tokenName: string;
  readonly url: string;
  readonly userName: string;
  readonly applications: readonly string[];
  readonly createTime: number;
}

export interface HostRecord {
  readonly instanceName: string;
  readonly hostArn: string;
  readonly registered: boolean;
  readonly lastPollTime?: number;
  readonly agentVersion?: string;
  /** Two agents polled with its identity within the last ten minutes. */
  readonly identityIsShared?: boolean;
  /** Whether the host has keys of which each was disabled. */
  readonly keysDisabled?: boolean;
  /** Groups whose last good revision it does not get by itself any more: as many automatic deployments failed on it as are tried. */
  readonly updatesGivenUp?: readonly { readonly applicationName: string; readonly deploymentGroupName: string }[];
  readonly tags: readonly { readonly Key: string; readonly Value: string }[];
}

/** An event that a deployment waits for, and when it is given up. Times are epoch seconds. */
/** A call that a deployment would make, in the order of the calls. */
export interface PlannedCall {
  /** Lifecycle event, or the wait, that it belongs to; null: before the first event. */
  readonly event: string | null;
  /** Minutes after the beginning of AllowTraffic; null: of another event. */
  readonly minute: number | null;
  /** In words, the operation first. */
  readonly call: string;
  /** Answer of a call that was made for the plan, in words; null: it was not made. */
  readonly answer: string | null;
}

export interface WaitRecord {
  readonly targetId: string;
  readonly lifecycleEventName: string;
  /** `not-started`: the host has not begun it. `silence`, `too-long`: it runs; that is what will end it first. */
  readonly reason: 'not-started' | 'silence' | 'too-long';
  readonly sinceTime: number;
  /** When the host was last heard of, at the latest when it began. */
  readonly heardOfTime: number;
  readonly giveUpTime: number;
  /** Latest call of an event that the server carries out, and its answer, in words. */
  readonly lastCall?: string;
  readonly lastAnswer?: string;
}

/** How many targets have an event in which state. */
export interface EventProgressRecord {
  readonly lifecycleEventName: string;
  /** In a blue/green deployment: the hosts that have it. */
  readonly fleet?: 'blue' | 'green';
  /** The function that the event calls. */
  readonly hook?: string;
  readonly pendingCount: number;
  readonly inProgressCount: number;
  readonly succeededCount: number;
  readonly failedCount: number;
  readonly skippedCount: number;
  readonly unknownCount: number;
}

/** A phase of a blue/green deployment. Times are epoch seconds. */
export interface PhaseRecord {
  readonly name: 'Provision' | 'Install' | 'ReadyWait' | 'Reroute' | 'TerminationWait' | 'Terminate';
  readonly status: 'Pending' | 'InProgress' | 'Succeeded' | 'Failed' | 'Skipped';
  readonly startTime?: number;
  readonly endTime?: number;
  /** When a wait that goes on ends by itself. */
  readonly untilTime?: number;
}

/** A step of a shift of traffic. */
export interface TrafficStepRecord {
  /** Percent of the traffic that the new version has after it. */
  readonly percent: number;
  readonly status: 'Taken' | 'Next' | 'Later' | 'Skipped';
  /** When it was due, or will be; epoch seconds. Absent: the shift has not begun. */
  readonly time?: number;
}

/** A shift of traffic to a new version of a function or a service. */
export interface TrafficRecord {
  /** Percent of the traffic that the new version has now. */
  readonly percent: number;
  /** From one step to the next. */
  readonly intervalSeconds: number;
  readonly steps: readonly TrafficStepRecord[];
}

/** A request that has changed something. */
export interface AuditRecord {
  readonly time: number;
  /** As the answer carried it. */
  readonly requestId: string;
  /** Id of the access key or the enrolment token; `oidc:SUBJECT` for a person of a provider; a user of the server's own machine. */
  readonly actor: string;
  /** Description of that access key; of a person whom an OpenID Connect provider signs in, the name. */
  readonly actorDescription?: string;
  readonly role: AccessRole | 'token' | 'machine';
  /** `iam:`, `s3:` and `console:` stand before operations of the other APIs. */
  readonly operation: string;
  readonly applicationName?: string;
  readonly deploymentGroupName?: string;
  readonly deploymentId?: string;
  /** One name, or several with commas between them. */
  readonly instanceNames?: string;
  /** The id of the deployment, the key or the token that was made. */
  readonly made?: string;
  /** The members of the request, shortened, and without secrets. */
  readonly request: Readonly<Record<string, unknown>>;
}

/** Maker of a deployment. */
export interface MadeBy {
  /** As GetDeployment has it: `user`, `autoscaling`, `CodeDeployAutoUpdate` or `codeDeployRollback`. */
  readonly creator: string;
  /** The access key that asked for it, and its description; only for those who may list keys. */
  readonly actor?: string;
  readonly actorDescription?: string;
}

/** A deployment of a revision. Times are epoch seconds. */
export interface RevisionHistoryRecord extends MadeBy {
  readonly deploymentId: string;
  readonly applicationName: string;
  readonly deploymentGroupName: string;
  readonly revision: RevisionLocation;
  readonly status: string;
  readonly createTime: number;
  readonly completeTime?: number;
  /** How many of its targets are in which status. */
  readonly hosts: Readonly<Record<string, number>>;
  /** Hosts of the group that have the revision now. */
  readonly hostsNow: number;
}

/** Result of one deployment on one host. */
export interface HostHistoryRecord extends MadeBy {
  readonly instanceName: string;
  readonly deploymentId: string;
  readonly applicationName: string;
  readonly deploymentGroupName: string;
  readonly revision: RevisionLocation;
  /** The target's. */
  readonly status: string;
  /** Time when the deployment was created. */
  readonly createTime: number;
  /** When the target came to its status. */
  readonly statusTime: number;
  /** In a blue/green deployment: `blue` is a host that had the old revision, and gets nothing. */
  readonly fleet?: 'blue' | 'green';
  /** Whether the host has this revision of the group now. */
  readonly isOnHostNow: boolean;
}

/** Revision of one deployment group on a host, and its health. */
export interface HostRevisionRecord {
  readonly instanceName: string;
  readonly applicationName: string;
  readonly deploymentGroupName: string;
  /** Absent: not known, because the last deployment to it failed. */
  readonly revision?: RevisionLocation;
  readonly health: 'healthy' | 'unhealthy';
  /** When the deployment ended that left it so; absent: an older version did not keep it. */
  readonly sinceTime?: number;
}

/** Filters of a history; an absent one asks for nothing. A group needs its application. */
interface HistoryInput {
  readonly applicationName?: string;
  readonly deploymentGroupName?: string;
  readonly nextToken?: string;
}

interface TimeRangeInput {
  /** When the deployments were created. */
  readonly timeRange?: { readonly start?: number; readonly end?: number };
}

/** A log of one event on one target. Positions are bytes of UTF-8 from the beginning of the log. */
export interface EventLogRecord {
  readonly targetId: string;
  readonly lifecycleEventName: string;
  /** Status of the event. */
  readonly status: string;
  /** The first byte that is kept. */
  readonly firstByte: number;
  /** The position behind the last byte. */
  readonly endByte: number;
  /** When something was last added. */
  readonly lastWriteTime: number;
}

/** A message that a trigger has sent, or will send. Times are in seconds since the epoch. */
export interface NoticeRecord {
  /** When it happened. */
  readonly time: number;
  readonly deploymentId: string;
  /** Name of the event, such as `DeploymentFailure`. */
  readonly event: string;
  readonly subject: string;
  readonly trigger: string;
  readonly target: string;
  /** `given-up`: its target has not taken it in time. */
  readonly state: 'waiting' | 'sent' | 'given-up';
  readonly tries: number;
  readonly lastTryTime?: number;
  readonly lastAnswer?: string;
  /** When it was sent or given up. */
  readonly endTime?: number;
}

/** The hook of an event that the AppSpec file names none for. */
export interface GroupHookRecord {
  readonly lifecycleEventName: string;
  /** As AppSpec files name hooks. */
  readonly hook: string;
}

export interface HookParameterRecord {
  readonly name: string;
  readonly value: string;
}

/** DOCUMENTED: a function gets the two members that AWS documents. EXTENDED: hooks get the group's members and parameters, too. */
export type HookPayload = 'DOCUMENTED' | 'EXTENDED';

export interface GroupHooksRecord {
  readonly hooks: readonly GroupHookRecord[];
  readonly parameters: readonly HookParameterRecord[];
  readonly payload: HookPayload;
}

/** A name of the server's own configuration: a load balancer, an alarm, or a receiver of notices. Never with a secret. */
export interface ServerSettingRecord {
  readonly name: string;
  /** Whether the server's files have it. A name that groups use and no file has is one of AWS, or means nothing any more. */
  readonly isConfigured: boolean;
  /** Such as `haproxy`, `prometheus` or `webhook`; absent where no file has it. */
  readonly kind?: string;
  /** Where it is: an origin, a path, or a name elsewhere. */
  readonly place?: string;
  /** The first groups that use it. */
  readonly usedBy: readonly { readonly applicationName: string; readonly deploymentGroupName: string }[];
  readonly usedByCount: number;
}

/** An entry of a bundle. */
export interface RevisionFileRecord {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  readonly sizeBytes: number;
  /** Four octal digits, as `0755`; absent: the bundle does not say. */
  readonly mode?: string;
  readonly linkTarget?: string;
  /** Eight hexadecimal digits, of files. */
  readonly crc32?: string;
}

/** Lines of a text that two versions of it share, or that one of them has alone. */
export interface TextDifferenceRecord {
  readonly kind: 'same' | 'added' | 'removed';
  readonly lines: readonly string[];
}

/** Difference of a revision to another one. */
export interface RevisionDifferenceRecord {
  readonly comparedWith: RevisionLocation;
  readonly added: readonly RevisionFileRecord[];
  readonly removed: readonly RevisionFileRecord[];
  /** Files whose kind, content, mode or link target is another one. */
  readonly changed: readonly { readonly before: RevisionFileRecord; readonly after: RevisionFileRecord }[];
  readonly sameCount: number;
  /** Of the AppSpec files; absent: not both of them have a text. */
  readonly appSpec?: readonly TextDifferenceRecord[];
  /** Why the difference is not a full one; absent: it is. */
  readonly incompleteBecause?: string;
}

/** A resource that a search has found. */
export type FoundResource =
  | { readonly kind: 'Application' | 'Host'; readonly name: string }
  | { readonly kind: 'DeploymentGroup'; readonly name: string; readonly applicationName: string }
  | {
      readonly kind: 'Deployment';
      readonly name: string;
      readonly applicationName: string;
      readonly deploymentGroupName: string;
      readonly status: string;
    }
  | { readonly kind: 'Revision'; readonly applicationName: string; readonly revision: RevisionLocation };

export interface ControlOperations {
  /** Finds resources of which the names have each word of the text, whatever the case. Deployments are found by the beginnings of their ids. */
  readonly SearchResources: {
    input: { readonly text: string };
    output: { readonly resources: readonly FoundResource[] };
  };
  /** Ends what runs as Failed, without waiting for its hosts, and the deployment as Stopped. */
  readonly StopDeploymentNow: {
    input: { readonly deploymentId: string; readonly autoRollbackEnabled?: boolean };
    output: { readonly status: 'Pending' | 'Succeeded'; readonly statusMessage: string };
  };
  /** For Lambda and ECS: the calls that a deployment would make. AWS is asked how everything stands, and nothing is changed. */
  readonly PlanDeployment: {
    input: {
      readonly applicationName: string;
      readonly deploymentGroupName: string;
      /** Left out: the group's. */
      readonly deploymentConfigName?: string;
      readonly revision: {
        readonly revisionType: 'AppSpecContent';
        readonly appSpecContent: { readonly content: string; readonly sha256?: string };
      };
    };
    output: {
      readonly calls: readonly PlannedCall[];
      /** How the deployment would fail before anything moves; absent: it would begin. */
      readonly errorInformation?: { readonly code: string; readonly message: string };
    };
  };
  /** For Lambda and ECS: the hooks of a group, in place of those that it had. What is left out is empty. */
  readonly PutDeploymentGroupHooks: {
    input: {
      readonly applicationName: string;
      readonly deploymentGroupName: string;
      readonly hooks?: readonly GroupHookRecord[];
      readonly parameters?: readonly HookParameterRecord[];
      /** Left out: EXTENDED with parameters, and DOCUMENTED without. */
      readonly payload?: HookPayload;
    };
    output: GroupHooksRecord;
  };
  readonly DescribeDeploymentGroupHooks: {
    input: { readonly applicationName: string; readonly deploymentGroupName: string };
    output: GroupHooksRecord;
  };
  readonly DescribeDeploymentWaits: {
    input: { readonly deploymentId: string };
    output: { readonly waits: readonly WaitRecord[] };
  };
  /** How far a deployment has come. */
  readonly DescribeDeploymentProgress: {
    input: { readonly deploymentId: string };
    output: {
      /** In the order in which they run; none while its targets are not known. */
      readonly events: readonly EventProgressRecord[];
      /** Only in a blue/green deployment, to hosts or to ECS. */
      readonly phases: readonly PhaseRecord[];
      /** Only in a deployment to Lambda or ECS. */
      readonly traffic?: TrafficRecord;
    };
  };
  /** Role `host` needs `hostArn`, or `instanceName` to have one minted. The secret is shown only here. */
  readonly CreateAccessKey: {
    input: {
      readonly role: AccessRole;
      readonly hostArn?: string;
      readonly instanceName?: string;
      readonly description?: string;
      /** For `operator` and `viewer`: what the key is limited to. Lists that are left out are empty. */
      readonly scope?: Partial<KeyScope>;
    };
    output: {
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly role: AccessRole;
      readonly hostArn?: string;
      readonly scope?: KeyScope;
    };
  };
  readonly ListAccessKeys: {
    input: { readonly nextToken?: string };
    output: { readonly accessKeys: readonly AccessKeyRecord[]; readonly nextToken?: string };
  };
  /** A token that hosts enrol with. Its text is shown only here. */
  readonly CreateEnrolmentToken: {
    input: {
      readonly description?: string;
      /** How many hosts may use it; 1 unless told otherwise. */
      readonly uses?: number;
      /** An hour unless told otherwise. */
      readonly lifetimeSeconds?: number;
      /** Tags that its hosts get. */
      readonly tags?: readonly Sdk.Tag[];
      /** The name, or a pattern of names, that its hosts may have. */
      readonly instanceName?: string;
      /** Whether a host that is registered may be taken over. */
      readonly takeOver?: boolean;
    };
    output: EnrolmentTokenRecord & { readonly token: string };
  };
  readonly ListEnrolmentTokens: {
    input: { readonly nextToken?: string };
    output: { readonly tokens: readonly EnrolmentTokenRecord[]; readonly nextToken?: string };
  };
  readonly RevokeEnrolmentToken: { input: { readonly tokenId: string }; output: Record<string, never> };
  /** Keeps a token for git repositories, in place of one of the name. */
  readonly PutGitToken: {
    input: {
      readonly tokenName: string;
      readonly url: string;
      readonly token: string;
      readonly userName?: string;
      /** Names or patterns of names of those that may use it. */
      readonly applications: readonly string[];
    };
    output: GitTokenRecord;
  };
  readonly ListGitTokens: { input: Record<string, never>; output: { readonly tokens: readonly GitTokenRecord[] } };
  readonly DisableAccessKey: { input: { readonly accessKeyId: string }; output: Record<string, never> };
  /** Gives a key of people its power back, and lets a person of a provider in again. */
  readonly EnableAccessKey: { input: { readonly accessKeyId: string }; output: Record<string, never> };
  /** The newest first. Each filter must fit. */
  readonly ListAuditEntries: {
    input: {
      readonly actor?: string;
      readonly operation?: string;
      readonly applicationName?: string;
      readonly deploymentGroupName?: string;
      readonly timeRange?: { readonly start?: number; readonly end?: number };
      readonly nextToken?: string;
    };
    output: { readonly entries: readonly AuditRecord[]; readonly nextToken?: string };
  };
  /** Deployments of revisions, the newest first. */
  readonly ListRevisionHistory: {
    input: HistoryInput & TimeRangeInput;
    output: { readonly entries: readonly RevisionHistoryRecord[]; readonly nextToken?: string };
  };
  /** Lists the history by host, within a deployment in the order of attempt. */
  readonly ListHostHistory: {
    input: HistoryInput & TimeRangeInput & { readonly instanceName?: string };
    output: { readonly entries: readonly HostHistoryRecord[]; readonly nextToken?: string };
  };
  /** Lists the revisions that registered hosts have now. */
  readonly ListHostRevisions: {
    input: HistoryInput & { readonly instanceName?: string };
    output: { readonly entries: readonly HostRevisionRecord[]; readonly nextToken?: string };
  };
  /** The newest first. */
  readonly ListNotices: {
    input: { readonly deploymentId?: string; readonly state?: NoticeRecord['state']; readonly nextToken?: string };
    output: { readonly notices: readonly NoticeRecord[]; readonly nextToken?: string };
  };
  /** Logs of events that something has been written to, without their texts. */
  readonly ListEventLogs: {
    input: {
      readonly deploymentId: string;
      readonly targetId?: string;
      readonly lifecycleEventName?: string;
      /** Only logs that were written to then, or later. */
      readonly writtenSince?: number;
      readonly nextToken?: string;
    };
    output: { readonly logs: readonly EventLogRecord[]; readonly nextToken?: string };
  };
  /** Output of scripts from a position on. */
  readonly GetEventLog: {
    input: {
      readonly deploymentId: string;
      readonly targetId: string;
      readonly lifecycleEventName: string;
      /** Bytes of the log that come before what is asked for; left out: none. */
      readonly firstByte?: number;
    };
    output: {
      /** Lies behind the position that was asked for when what comes between them is not kept. */
      readonly firstByte: number;
      /** Whole characters; empty: there is nothing more just now. */
      readonly text: string;
      /** Position to go on from. */
      readonly nextByte: number;
      /** Status of the event. */
      readonly status: string;
    };
  };
  readonly DescribeServer: {
    input: Record<string, never>;
    output: {
      readonly version: string;
      readonly region: string;
      readonly accountId: string;
      /** null: the S3 API answers at the address of this one. */
      readonly s3Endpoint: string | null;
      readonly revisionBucket: string;
      readonly signerCaCertificatePem: string;
      /** Whether specifications hold a signed order (`src/protocol/order.ts`); absent from older servers. */
      readonly signsOrders?: boolean;
    };
  };
  /** Things outside the server that groups can name, and the groups that do. */
  readonly DescribeServerSettings: {
    input: Record<string, never>;
    output: {
      /** Whether names that no file has are looked up in AWS. */
      readonly asksAws: boolean;
      readonly loadBalancers: readonly ServerSettingRecord[];
      readonly alarms: readonly ServerSettingRecord[];
      readonly noticeTargets: readonly ServerSettingRecord[];
    };
  };
  /** Files of a registered revision, as the server reads them for display, and the difference to what a group had before. */
  readonly DescribeRevisionContent: {
    input: {
      readonly applicationName: string;
      readonly revision: Sdk.RevisionLocation;
      /** Absent: the revision is compared with no other. */
      readonly deploymentGroupName?: string;
    };
    output: {
      /** Of the bundle. */
      readonly sizeBytes: number;
      readonly files: readonly RevisionFileRecord[];
      readonly appSpec?: { readonly path: string; readonly text: string; readonly isComplete: boolean };
      /** Why there may be more files; absent: these are all. */
      readonly incompleteBecause?: string;
      /** Absent: no group was named, or nothing else was deployed to it. */
      readonly difference?: RevisionDifferenceRecord;
    };
  };
  /** Lists hosts in the order of their names. Each filter must fit. */
  readonly DescribeHosts: {
    input: {
      readonly instanceName?: string;
      /** true: registered hosts alone; false: records of those that once were. */
      readonly registered?: boolean;
      /** Words that the name, the agent's version or a tag as `key=value` has, whatever the case. */
      readonly text?: string;
      /** true: registered hosts alone that deployments do not get to. */
      readonly needsAttention?: boolean;
      readonly nextToken?: string;
    };
    output: {
      readonly hosts: readonly HostRecord[];
      /** How many fit, on all pages; only the first page has it. */
      readonly hostCount?: number;
      readonly nextToken?: string;
    };
  };
}

export type ControlOperation = keyof ControlOperations;

export type ManagementOperations = CodeDeployOperations & ControlOperations;
export type ManagementOperation = keyof ManagementOperations;

/** The operations of `CONTROL_TARGET`; all others are CodeDeploy's. A value per operation, so that none can be left out. */
const CONTROL_OPERATIONS: Readonly<Record<ControlOperation, true>> = {
  CreateAccessKey: true,
  ListAccessKeys: true,
  DisableAccessKey: true,
  EnableAccessKey: true,
  CreateEnrolmentToken: true,
  ListEnrolmentTokens: true,
  RevokeEnrolmentToken: true,
  PutGitToken: true,
  ListGitTokens: true,
  ListAuditEntries: true,
  ListRevisionHistory: true,
  ListHostHistory: true,
  ListHostRevisions: true,
  ListNotices: true,
  DescribeServer: true,
  ListEventLogs: true,
  GetEventLog: true,
  DescribeServerSettings: true,
  DescribeRevisionContent: true,
  DescribeHosts: true,
  SearchResources: true,
  StopDeploymentNow: true,
  DescribeDeploymentWaits: true,
  PlanDeployment: true,
  DescribeDeploymentProgress: true,
  PutDeploymentGroupHooks: true,
  DescribeDeploymentGroupHooks: true,
};

export function isControlOperation(name: string): name is ControlOperation {
  return Object.hasOwn(CONTROL_OPERATIONS, name);
}
