/**
 * A deployment's order about an alias, without a server: the real handler, a Lambda in memory that refuses old revision ids, and a time that
 * only the test moves. Calls can be cut off at each point, and updates can arrive long after the server that sent them is dead.
 */
import type { ShiftPlan, StoredLambdaSpec } from '../../src/server/engine/shifting/plan.ts';
import type { Schedule } from '../../src/server/engine/shifting/schedule.ts';
import type { AliasLook, AliasWish } from '../../src/server/outside/aws/alias-look.ts';
import { AwsFault } from '../../src/server/outside/aws/aws-fault.ts';
import type { Functions } from '../../src/server/outside/aws/lambda.ts';
import type { DeploymentRow, OrderRow } from '../../src/server/store/schema.ts';
import { functionHandlers } from '../../src/server/work/function-orders.ts';
import type { Progress } from '../../src/server/work/order.ts';

/** Fault in one look at the order. `late`: the update arrives some time later, and its answer never. */
export type Trouble = 'none' | 'killed before' | 'killed after' | 'killed late' | 'late' | 'throttled' | 'lost answer';

const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:shop';
const KILLED = new Error('the server is killed');
const SPEC: StoredLambdaSpec = {
  ...{ platform: 'Lambda', logicalName: 'it', functionName: 'shop', alias: 'live' },
  ...{ currentVersion: '1', targetVersion: '2', hooks: {} },
};

export class SimulatedAlias {
  nowMs = 1_000_000;
  /** Percent of version 2, after each update that Lambda has taken, and when. */
  readonly history: { readonly percent: number; readonly atMs: number }[] = [];
  ending: Extract<Progress, { ending: 'Succeeded' | 'Failed' }> | null = null;
  stop: { readonly withRollback: boolean } | null = null;
  readonly #schedule: Schedule;
  #alias = { functionVersion: '1', weights: {} as Readonly<Record<string, number>>, revision: 1 };
  #memory: unknown = null;
  #late: AliasWish[] = [];
  #isRollback = false;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  get percent(): number {
    const other = this.#alias.weights['2'] ?? 0;
    return this.#alias.functionVersion === '2' ? 100 : other;
  }

  /** Sends what is on its way to Lambda, which refuses what is outdated. */
  deliver(): void {
    for (const wish of this.#late.splice(0)) this.#take(wish);
  }

  /** The rollback's own order, of the deployment that follows. */
  beginRollback(): void {
    this.#isRollback = true;
    this.#memory = null;
    this.ending = null;
  }

  /** One look at the order, as a worker does it. */
  async look(trouble: Trouble): Promise<void> {
    if (this.ending !== null) return;
    const handler = functionHandlers({
      findDeployment: async () => this.#row(),
      clock: { now: () => this.nowMs },
      functions: this.#functions(trouble),
    }).LambdaAllowTraffic;
    const order = { deployment_id: 'd-1', memory_json: this.#memory === null ? null : JSON.stringify(this.#memory) };
    try {
      const progress = await handler(order as OrderRow, {
        signal: new AbortController().signal,
        remember: async (memory) => {
          this.#memory = structuredClone(memory);
        },
      });
      this.#memory = structuredClone(progress.memory);
      if (progress.ending !== 'later') this.ending = progress;
    } catch (error) {
      if (error !== KILLED) throw error;
    }
  }

  #row(): DeploymentRow {
    const versions = this.#isRollback ? { currentVersion: '2', targetVersion: '1' } : {};
    const schedule = this.#isRollback ? { steps: [100], intervalMs: 0 } : this.#schedule;
    const target = { subjectId: ARN, targetId: 'shop', targetArn: ARN, details: {} };
    const shifted: ShiftPlan = {
      ...{ platform: 'Lambda', schedule, prepared: { appSpec: { ...SPEC, ...versions }, target } },
      ...(this.#isRollback ? { isRollback: true } : {}),
    };
    const isStopped = this.stop !== null && !this.#isRollback;
    const row: Partial<DeploymentRow> = {
      settings_json: JSON.stringify({ filterLists: [], rollbackEvents: [], loadBalancerInfo: null, shifted }),
      stop_requested_at_ms: isStopped ? this.nowMs : null,
      stop_rollback: isStopped ? Number(this.stop?.withRollback) : null,
      ...{ stopped_by_alarm: null, creator: 'user' },
    };
    return row as DeploymentRow;
  }

  #functions(trouble: Trouble): Functions {
    const fault = (call: string, kind: 'throttled' | 'away') => {
      return new AwsFault(call, { trouble: kind, code: '', answer: 'of the test' });
    };
    return {
      alias: async () => {
        if (trouble === 'throttled') throw fault('GetAlias', 'throttled');
        return this.#look();
      },
      putAlias: async (_, wish) => {
        if (trouble === 'killed before') throw KILLED;
        if (trouble === 'late' || trouble === 'killed late') {
          this.#late.push(wish);
          throw trouble === 'late' ? fault('UpdateAlias', 'away') : KILLED;
        }
        if (!this.#take(wish)) {
          throw new AwsFault('UpdateAlias', {
            ...{ trouble: 'refused', code: 'PreconditionFailedException', answer: 'changed' },
          });
        }
        if (trouble === 'killed after') throw KILLED;
        if (trouble === 'lost answer') throw fault('UpdateAlias', 'away');
        return this.#look();
      },
      provisioned: async () => ({ state: 'none', answer: 'none' }),
    };
  }

  #look(): AliasLook {
    const { functionVersion, weights, revision } = this.#alias;
    return { functionArn: ARN, functionVersion, weights, revisionId: String(revision) };
  }

  /** @returns false: the alias has changed since */
  #take({ functionVersion, weights, revisionId }: AliasWish): boolean {
    if (revisionId !== String(this.#alias.revision)) return false;
    this.#alias = { functionVersion, weights, revision: this.#alias.revision + 1 };
    this.history.push({ percent: this.percent, atMs: this.nowMs });
    return true;
  }
}
