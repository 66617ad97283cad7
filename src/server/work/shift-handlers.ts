/** Handlers of all orders about traffic that moves to a new version, by their kinds. */
import type { Clock } from '../../system/clock.ts';
import type { TryHook } from '../engine/shifting/group-hooks.ts';
import type { PlanShift } from '../engine/shifting/plan-request.ts';
import type { AwsClients } from '../outside/aws/aws.ts';
import { createEcsCalls } from '../outside/aws/ecs.ts';
import { createFunctionHooks } from '../outside/aws/invoke-function.ts';
import { createFunctions, regionOfFunction } from '../outside/aws/lambda.ts';
import { createListenerCalls } from '../outside/aws/listeners.ts';
import type { KnownHook } from '../outside/hook-caller.ts';
import { findHookBy } from '../outside/hooks-file.ts';
import type { ReadObject } from '../outside/revision-object.ts';
import { findDeployment } from '../store/deployments.ts';
import type { Store } from '../store/store.ts';
import { functionFaultCode } from './function-faults.ts';
import { functionHandlers } from './function-orders.ts';
import { functionPreflight } from './function-preflight.ts';
import { hookHandlers } from './hook-orders.ts';
import type { OrderHandler } from './order.ts';
import { createShiftPlanner } from './plan-shift.ts';
import { prepareHandlers } from './prepare-shift.ts';
import { serviceFaultCode } from './service-faults.ts';
import { serviceHandlers } from './service-orders.ts';
import { servicePreflight } from './service-preflight.ts';
import type { DividedWatchContext } from './watch-divided.ts';

export interface ShiftHandlersContext {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly awsIn: (region: string) => Pick<AwsClients, 'functions' | 'containers' | 'loadBalancing'>;
  /** The server's own. */
  readonly region: string;
  /** Objects of the server's own store, and of S3. */
  readonly readObject: ReadObject;
  /** Webhooks and programs of the server's file, by what AppSpec files call them. */
  readonly hooks: ReadonlyMap<string, KnownHook>;
}

export interface ShiftHandlers {
  readonly plan: PlanShift;
  readonly tryHook: TryHook;
  /** For the watch of traffic that is left divided. */
  readonly reading: Pick<DividedWatchContext, 'functions' | 'services'>;
  /** Each call is over within seconds. */
  readonly ofTraffic: Readonly<Record<string, OrderHandler>>;
  /** A call may take as long as a function runs. */
  readonly ofHooks: Readonly<Record<string, OrderHandler>>;
}

/** Someone waits for the answer. */
const TRIAL_LIMIT_MS = 10_000;

export function shiftHandlers({ store, clock, awsIn, region, readObject, hooks }: ShiftHandlersContext): ShiftHandlers {
  const clientFor = (functionName: string) => awsIn(regionOfFunction(functionName) ?? region).functions();
  const functions = createFunctions(clientFor);
  const callsIn = (name: string) => {
    const aws = awsIn(name);
    return { ecs: createEcsCalls(aws), listeners: createListenerCalls(aws) };
  };
  const services = { store, clock, callsIn };
  const preflights = { Lambda: functionPreflight(functions), ECS: servicePreflight(services) };
  const faultCodes = { Lambda: functionFaultCode, ECS: serviceFaultCode };
  const findHook = findHookBy(hooks, createFunctionHooks(clientFor));
  return {
    reading: { functions, services },
    tryHook: async (name) => {
      const hook = findHook(name);
      if (hook !== null) return hook.tryOut(AbortSignal.timeout(TRIAL_LIMIT_MS));
      return `is not known: the file behind --hooks of the server has no ${name.replace(/^hook:/, '')}. Add it there, and start the server again`;
    },
    plan: createShiftPlanner({ preflightFunction: preflights.Lambda, services, faultCodes, findHook }),
    ofTraffic: {
      ...prepareHandlers({ ...{ store, clock, readObject, findHook }, preflights, faultCodes }),
      ...functionHandlers({ findDeployment: (id) => findDeployment(store.db, id), clock, functions }),
      ...serviceHandlers(services),
    },
    ofHooks: hookHandlers({ store, clock, findHook }),
  };
}
