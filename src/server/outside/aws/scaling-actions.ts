/** Changes to Auto Scaling groups: hooks that the server puts and removes, and the answers that instances wait for at them. */
import type { AwsClients } from './aws.ts';
import { AwsFault, callAws } from './aws-fault.ts';
import { describeGroups } from './fleet.ts';

export interface Hook {
  readonly name: string;
  readonly autoScalingGroup: string;
  readonly kind: 'launch' | 'termination';
}

/** Each call may be repeated. @throws AwsFault */
export interface ScalingActions {
  putHook(hook: Hook, signal: AbortSignal): Promise<void>;
  /** A hook that is not there, or whose group is gone, is removed. */
  removeHook(hook: Hook, signal: AbortSignal): Promise<void>;
  /** The instance goes on waiting. @returns false: it waits no more */
  beat(hook: Hook, instanceId: string, signal: AbortSignal): Promise<boolean>;
  /** Ends the wait; one that is over stays so. */
  complete(hook: Hook, instanceId: string, result: 'CONTINUE' | 'ABANDON', signal: AbortSignal): Promise<void>;
  /** Processes of a group that rest now, no matter who has suspended them. @throws AwsFault also where there is no such group */
  suspendedProcesses(autoScalingGroup: string, signal: AbortSignal): Promise<readonly string[]>;
  suspend(autoScalingGroup: string, processes: readonly string[], signal: AbortSignal): Promise<void>;
  /** Resumes processes; those of a group that is gone count as resumed. */
  resume(autoScalingGroup: string, processes: readonly string[], signal: AbortSignal): Promise<void>;
}

/** As the hosted service has them: without a heartbeat an instance waits so long; with heartbeats a hundred times as long. */
const HEARTBEAT_TIMEOUT_S = 600;
const TRANSITIONS = {
  launch: 'autoscaling:EC2_INSTANCE_LAUNCHING',
  termination: 'autoscaling:EC2_INSTANCE_TERMINATING',
};
/** An instance that nobody brings the revision is not let into service; one that is going goes. */
const DEFAULT_RESULTS = { launch: 'ABANDON', termination: 'CONTINUE' };

/** Words of AWS about a hook, a group or a wait that does not exist: all have the code ValidationError. */
const IS_GONE = /not found|no lifecycle hook|no active lifecycle action/i;

export function createScalingActions(clients: Pick<AwsClients, 'autoScaling'>): ScalingActions {
  return {
    ...processActions(clients),
    async putHook({ name, autoScalingGroup, kind }, abortSignal) {
      const request = {
        ...{ LifecycleHookName: name, AutoScalingGroupName: autoScalingGroup },
        ...{ LifecycleTransition: TRANSITIONS[kind], DefaultResult: DEFAULT_RESULTS[kind] },
        HeartbeatTimeout: HEARTBEAT_TIMEOUT_S,
      };
      await callAws(`PutLifecycleHook ${autoScalingGroup}`, async () =>
        (await clients.autoScaling()).putLifecycleHook(request, { abortSignal }),
      );
    },
    async removeHook({ name, autoScalingGroup }, abortSignal) {
      const request = { LifecycleHookName: name, AutoScalingGroupName: autoScalingGroup };
      await unlessGone(`DeleteLifecycleHook ${autoScalingGroup}`, async () =>
        (await clients.autoScaling()).deleteLifecycleHook(request, { abortSignal }),
      );
    },
    async beat(hook, InstanceId, abortSignal) {
      const request = { ...idOf(hook), InstanceId };
      return unlessGone(`RecordLifecycleActionHeartbeat ${hook.autoScalingGroup} ${InstanceId}`, async () =>
        (await clients.autoScaling()).recordLifecycleActionHeartbeat(request, { abortSignal }),
      );
    },
    async complete(hook, InstanceId, result, abortSignal) {
      const request = { ...idOf(hook), InstanceId, LifecycleActionResult: result };
      await unlessGone(`CompleteLifecycleAction ${hook.autoScalingGroup} ${InstanceId} ${result}`, async () =>
        (await clients.autoScaling()).completeLifecycleAction(request, { abortSignal }),
      );
    },
  };
}

/** Makes the actions on processes. */
function processActions(
  clients: Pick<AwsClients, 'autoScaling'>,
): Pick<ScalingActions, 'suspendedProcesses' | 'suspend' | 'resume'> {
  return {
    async suspendedProcesses(autoScalingGroup, signal) {
      const [group] = await describeGroups(clients, [autoScalingGroup], signal);
      return (group?.SuspendedProcesses ?? []).flatMap(({ ProcessName }) => ProcessName ?? []);
    },
    async suspend(AutoScalingGroupName, processes, abortSignal) {
      const request = { AutoScalingGroupName, ScalingProcesses: [...processes] };
      await callAws(`SuspendProcesses ${AutoScalingGroupName} ${processes.join(' ')}`, async () =>
        (await clients.autoScaling()).suspendProcesses(request, { abortSignal }),
      );
    },
    async resume(AutoScalingGroupName, processes, abortSignal) {
      const request = { AutoScalingGroupName, ScalingProcesses: [...processes] };
      await unlessGone(`ResumeProcesses ${AutoScalingGroupName} ${processes.join(' ')}`, async () =>
        (await clients.autoScaling()).resumeProcesses(request, { abortSignal }),
      );
    },
  };
}

function idOf({ name, autoScalingGroup }: Hook) {
  return { LifecycleHookName: name, AutoScalingGroupName: autoScalingGroup };
}

/** @returns false: what the call is about is not there */
async function unlessGone(call: string, ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await callAws(call, ask);
    return true;
  } catch (error) {
    const isRefused = error instanceof AwsFault && (error.trouble === 'refused' || error.trouble === 'missing');
    if (isRefused && IS_GONE.test(error.answer)) return false;
    throw error;
  }
}
