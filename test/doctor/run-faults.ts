import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlServer, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';
import type { Fault, Ground, Judgement, Question } from './fault.ts';

interface Finding {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly remedy: string | null;
}

/** Plants one fault after the other, and asks. @param folder an empty one, for everything that is written */
export async function* runFaults(faults: readonly Fault[], folder: string): AsyncGenerator<Judgement> {
  await using all = new AsyncDisposableStack();
  let shared: Promise<ControlServer> | null = null;
  const sharedServer = () =>
    (shared ??= startControlServer(join(folder, 'shared-server')).then((server) => all.use(server)));
  for (const [index, fault] of faults.entries()) {
    if (fault.missing) {
      yield { fault, ending: 'not run', why: fault.missing };
      continue;
    }
    await using after = new AsyncDisposableStack();
    const own = join(folder, String(index));
    mkdirSync(own);
    const ground: Ground = {
      folder: own,
      after,
      sharedServer,
      ownServer: async (args = []) => after.use(await startControlServer(join(own, 'server'), undefined, args)),
      host: async () => enrolHost(await sharedServer(), join(own, 'host'), `host-${index}`),
    };
    yield await judge(fault, ground);
  }
}

async function judge(fault: Fault, ground: Ground): Promise<Judgement> {
  try {
    const question = await fault.plant(ground);
    const { status, stdout, stderr } = await runSlipway(question.args, question.env);
    const said = `${stdout}${stderr}`;
    if (status === 0) return { fault, ending: 'missed', why: said };
    return typeof question.finds === 'string'
      ? judgeFindings(fault, question, question.finds, said)
      : judgeText(fault, question, question.finds, said);
  } catch (error) {
    return { fault, ending: 'missed', why: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function judgeFindings(fault: Fault, { detail, remedy }: Question, check: string, said: string): Judgement {
  const findings = JSON.parse(said) as Finding[];
  const faults = findings.filter((finding) => finding.status === 'fail');
  const found = faults.find((finding) => finding.check.startsWith(check) && (detail?.test(finding.detail) ?? true));
  if (found === undefined) return { fault, ending: 'missed', why: JSON.stringify(faults, null, 1) };
  if (!remedy.test(found.remedy ?? '')) return { fault, ending: 'wrong remedy', why: JSON.stringify(found) };
  return { fault, ending: 'found', why: null };
}

function judgeText(fault: Fault, { remedy }: Question, finds: RegExp, said: string): Judgement {
  if (!finds.test(said)) return { fault, ending: 'missed', why: said };
  return remedy.test(said) ? { fault, ending: 'found', why: null } : { fault, ending: 'wrong remedy', why: said };
}
