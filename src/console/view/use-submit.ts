/** A change that a person asks for: under way, refused, or done. */
import { useState } from 'react';
import type { Refusal } from '../api/call.ts';
import { refusalOf } from '../api/use-data.ts';

export interface Submit {
  /** Why the last try was refused; null: none was. */
  readonly problem: Refusal | null;
  readonly isBusy: boolean;
  /** Does nothing while a try is under way. */
  readonly submit: () => void;
}

/**
 * @param carryOut makes the change; its rejection is the refusal
 * @param onEnd called once the change is made
 */
export function useSubmit(carryOut: () => Promise<unknown>, onEnd: () => void): Submit {
  const [problem, setProblem] = useState<Refusal | null>(null);
  const [isBusy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await carryOut();
      onEnd();
    } catch (error) {
      setProblem(refusalOf(error));
    }
    setBusy(false);
  };
  return { problem, isBusy, submit: () => void (isBusy || run()) };
}
