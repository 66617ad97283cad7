/** Orders to prepare a deployment that moves traffic: its AppSpec file is read, and what it is about is looked at before anything moves. */
import { readResourceAppSpec } from '../../appspec/resources/read.ts';
import type { ResourceAppSpec } from '../../appspec/resources/types.ts';
import { parseLocation } from '../../protocol/management/revision-location.ts';
import type { Clock } from '../../system/clock.ts';
import type { ScalingFailure } from '../engine/hosts/scaling-failure.ts';
import { shiftPlanOf } from '../engine/settings.ts';
import { withGroupHooks } from '../engine/shifting/group-hooks.ts';
import { type Prepared, type ShiftedPlatform, type ShiftedTarget, storedAppSpec } from '../engine/shifting/plan.ts';
import type { ServicePlan } from '../engine/shifting/service-plan.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { FindHook } from '../outside/hook-caller.ts';
import type { ReadObject } from '../outside/revision-object.ts';
import { findDeployment } from '../store/deployments.ts';
import type { OrderRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { OrderHandler, Progress } from './order.ts';
import { readRevisionText } from './read-revision.ts';
import { afterFault, ownFault, ShiftFault } from './shift-retry.ts';

export interface PreflightSubject {
  readonly deploymentId: string;
  /** Absent: it deploys to Lambda. */
  readonly service?: ServicePlan;
}

/** Looks at what the AppSpec file names. @throws ShiftFault when it cannot be deployed to, AwsFault */
export type Preflight = (
  appSpec: ResourceAppSpec,
  deployment: PreflightSubject,
  signal: AbortSignal,
) => Promise<{ readonly target: ShiftedTarget; readonly call: string; readonly answer: string }>;

export interface PrepareContext {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly preflights: Readonly<Partial<Record<ShiftedPlatform, Preflight>>>;
  readonly readObject: ReadObject;
  readonly findHook: FindHook;
  /** Code of the API's ErrorInformation for a fault of a platform. */
  readonly faultCodes: Readonly<Record<ShiftedPlatform, (fault: AwsFault) => string>>;
}

export function prepareHandlers(ctx: PrepareContext): Readonly<Record<'PrepareShift', OrderHandler>> {
  return { PrepareShift: (order, { signal }) => prepare(ctx, order, signal) };
}

async function prepare(ctx: PrepareContext, order: OrderRow, signal: AbortSignal): Promise<Progress> {
  const deployment = await findDeployment(ctx.store.db, order.deployment_id);
  const plan = deployment === null ? null : shiftPlanOf(deployment);
  if (deployment === null || plan === null) return failed('INTERNAL_ERROR: The deployment moves no traffic.');
  const preflight = ctx.preflights[plan.platform];
  if (preflight === undefined) {
    return failed(`INTERNAL_ERROR: This server does not deploy to ${plan.platform}: it asks no AWS (--aws-region).`);
  }
  try {
    const text = await readRevisionText(parseLocation(deployment.revision_json), ctx.readObject, signal);
    const written = readAppSpec(text, plan.platform);
    const appSpec = withGroupHooks(written, plan.groupHooks);
    requireHooks(appSpec, written, ctx.findHook);
    const about = {
      deploymentId: order.deployment_id,
      ...(plan.service === undefined ? {} : { service: plan.service }),
    };
    const { target, call, answer } = await preflight(appSpec, about, signal);
    const memory: Prepared = { appSpec: storedAppSpec(appSpec), target };
    return { memory, lastCall: call, lastAnswer: answer, ending: 'Succeeded', message: answer };
  } catch (error) {
    const final = error instanceof ShiftFault ? error : ownFault(error);
    if (final !== null) return failed(final.coded);
    if (!(error instanceof AwsFault)) throw error;
    const { failing = null } = JSON.parse(order.memory_json ?? '{}') as { readonly failing?: ScalingFailure | null };
    // A revision that is missing is another thing than a function that is.
    const code = error.call.startsWith('GetObject') ? revisionFaultCode(error) : ctx.faultCodes[plan.platform](error);
    const next = afterFault(failing, error, { code, nowMs: ctx.clock.now(), hasBegun: false });
    const standing = { memory: { failing: next.failing }, lastCall: error.call, lastAnswer: error.answer };
    if (next.is === 'again') return { ...standing, ending: 'later', inMs: next.inMs };
    return { ...standing, ending: 'Failed', message: next.message };
  }
}

/** @throws ShiftFault INVALID_REVISION */
export function readAppSpec(content: string, platform: ShiftedPlatform): ResourceAppSpec {
  const reading = readResourceAppSpec(content, { filename: 'the AppSpec file', platform });
  if (reading.ok) return reading.appSpec;
  const errors = reading.findings.filter(({ severity }) => severity === 'error');
  const said = errors.map(({ position, message }) =>
    position === null ? message : `line ${position.line}: ${message}`,
  );
  throw new ShiftFault('INVALID_REVISION', `The revision is no AppSpec file for ${platform}: ${said.join('; ')}.`);
}

/**
 * A hook that the server does not know would be found out when traffic has moved.
 *
 * @param written the AppSpec file without the hooks of its group
 * @throws ShiftFault INVALID_REVISION
 */
export function requireHooks({ hooks }: ResourceAppSpec, written: ResourceAppSpec, findHook: FindHook): void {
  const [missing] = [...hooks].filter(([, name]) => findHook(name) === null);
  if (missing === undefined) return;
  const [event, name] = missing;
  const namer = written.hooks.has(event) ? 'AppSpec file' : 'deployment group';
  throw new ShiftFault(
    'INVALID_REVISION',
    `The ${namer} names ${name} for ${event}, but the file behind --hooks of the server has no ${name.replace(/^hook:/, '')}. ` +
      'Add it there and start the server again, or name a function.',
  );
}

function failed(message: string): Progress {
  return { memory: null, lastCall: null, lastAnswer: null, ending: 'Failed', message };
}

function revisionFaultCode({ trouble }: AwsFault): string {
  if (trouble === 'denied') return 'IAM_ROLE_PERMISSIONS';
  if (trouble === 'throttled') return 'THROTTLED';
  return trouble === 'away' || trouble === 'nowhere' ? 'INTERNAL_ERROR' : 'REVISION_MISSING';
}
