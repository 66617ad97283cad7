/** Plans a deployment that moves traffic: AWS is asked how everything stands, and no call that changes anything is made. */

import { withGroupHooks } from '../engine/shifting/group-hooks.ts';
import type { ShiftedPlatform } from '../engine/shifting/plan.ts';
import type { PlanRequest, PlanShift } from '../engine/shifting/plan-request.ts';
import { plannedFunctionCalls } from '../engine/shifting/planned-function-calls.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { FindHook } from '../outside/hook-caller.ts';
import { plannedServiceCalls } from './plan-service.ts';
import { type Preflight, readAppSpec, requireHooks } from './prepare-shift.ts';
import { examineService } from './service-preflight.ts';
import { inRegionOf, type ServicesContext } from './service-work.ts';
import { ShiftFault } from './shift-retry.ts';

export interface PlannerContext {
  readonly preflightFunction: Preflight;
  readonly services: ServicesContext;
  readonly findHook: FindHook;
  /** Code of the API's ErrorInformation for a fault of a platform. */
  readonly faultCodes: Readonly<Record<ShiftedPlatform, (fault: AwsFault) => string>>;
}

/** Someone waits for the plan. */
const LIMIT_MS = 20_000;
/** No task set has it. */
const NO_DEPLOYMENT = 'planned';

export function createShiftPlanner(ctx: PlannerContext): PlanShift {
  return async (request) => {
    try {
      return { calls: await plan(ctx, request, AbortSignal.timeout(LIMIT_MS)) };
    } catch (error) {
      if (error instanceof ShiftFault) return failing(error.code, error.message);
      if (!(error instanceof AwsFault)) throw error;
      const code = ctx.faultCodes[request.platform](error);
      return failing(code, `The last call to AWS was: ${error.call}. The answer: ${error.answer}.`);
    }
  };
}

async function plan(ctx: PlannerContext, request: PlanRequest, signal: AbortSignal) {
  const { platform, content, schedule, service, groupHooks } = request;
  const written = readAppSpec(content, platform);
  const appSpec = withGroupHooks(written, groupHooks);
  requireHooks(appSpec, written, ctx.findHook);
  const hookCalls = new Map([...appSpec.hooks].map(([event, name]) => [event, ctx.findHook(name)?.call ?? name]));
  if (appSpec.platform === 'Lambda') {
    const { answer } = await ctx.preflightFunction(appSpec, { deploymentId: NO_DEPLOYMENT }, signal);
    return plannedFunctionCalls({ ...appSpec, hookCalls }, schedule, answer);
  }
  if (service === null) throw new ShiftFault('INVALID_ECS_SERVICE', 'The deployment group names no service.');
  const about = { appSpec, deploymentId: NO_DEPLOYMENT, service };
  const seen = await examineService(inRegionOf(ctx.services, service), about, signal);
  return plannedServiceCalls({ appSpec, hookCalls, service, seen, schedule, nowMs: ctx.services.clock.now() });
}

function failing(code: string, message: string) {
  return { calls: [], errorInformation: { code, message } };
}
