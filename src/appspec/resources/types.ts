/** The AppSpec files of Lambda and ECS, checked. Pure. */

/** @see the AWS CodeDeploy user guide, "AppSpec 'hooks' section", for the events of each platform that have hooks */
export const RESOURCE_HOOK_EVENTS = {
  Lambda: ['BeforeAllowTraffic', 'AfterAllowTraffic'],
  ECS: ['BeforeInstall', 'AfterInstall', 'AfterAllowTestTraffic', 'BeforeAllowTraffic', 'AfterAllowTraffic'],
} as const;

/** Event → the function that is asked: a name, or an ARN; or a hook of the server's file, `hook:NAME` or a name that the file has. */
export type ResourceHooks = ReadonlyMap<string, string>;

export interface LambdaAppSpec {
  readonly platform: 'Lambda';
  /** Name that the file gives the resource; it has no meaning outside of the file. */
  readonly logicalName: string;
  /** Name or ARN, without a version or an alias behind it. */
  readonly functionName: string;
  readonly alias: string;
  /** Digits; never the same as `targetVersion`. */
  readonly currentVersion: string;
  readonly targetVersion: string;
  readonly hooks: ResourceHooks;
}

export interface EcsAppSpec {
  readonly platform: 'ECS';
  readonly logicalName: string;
  /** `FAMILY:REVISION`, or the ARN of it. */
  readonly taskDefinition: string;
  readonly containerName: string;
  readonly containerPort: number;
  /** null: ECS chooses. */
  readonly platformVersion: string | null;
  /** null: as the task set has it that serves now. */
  readonly network: AwsvpcNetwork | null;
  /** Empty: as the task set has it that serves now. */
  readonly capacityProviders: readonly CapacityProvider[];
  readonly hooks: ResourceHooks;
}

export interface AwsvpcNetwork {
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly assignPublicIp: 'ENABLED' | 'DISABLED';
}

export interface CapacityProvider {
  readonly name: string;
  readonly base: number;
  readonly weight: number;
}

export type ResourceAppSpec = LambdaAppSpec | EcsAppSpec;
