import { describe, test } from 'vitest';
import { missingPrograms } from './programs.ts';

/** Runs a test where the machine has what it needs; elsewhere the test's name in the report says what is missing. */
export function testIf(met: boolean, need: string) {
  return (name: string, run: () => void | Promise<void>, timeoutMs?: number): void =>
    test.runIf(met)(nameWith(name, met, need), run, timeoutMs);
}

/** Runs a group of tests where the machine has what they need; elsewhere its name in the report says what is missing. */
export function describeIf(met: boolean, need: string) {
  return (name: string, define: () => void): void => {
    describe.runIf(met)(nameWith(name, met, need), define);
  };
}

function nameWith(name: string, met: boolean, need: string): string {
  return met ? name : `${name} (NOT RUN: needs ${need})`;
}

/** Runs a test where the machine has these programs; elsewhere the test's name in the report says which are missing. */
export function testWith(...programs: readonly string[]) {
  const missing = missingPrograms(programs);
  return testIf(missing.length === 0, missing.join(' and '));
}

/** Runs a group of tests where the machine has these programs; elsewhere its name in the report says which are missing. */
export function describeWith(...programs: readonly string[]) {
  const missing = missingPrograms(programs);
  return describeIf(missing.length === 0, missing.join(' and '));
}

/** Part that a test leaves out if the machine lacks these programs, for its title; empty if it has them. */
export function leftOut(...programs: readonly string[]): string {
  const missing = missingPrograms(programs);
  return missing.length === 0 ? '' : ` (in part NOT RUN: needs ${missing.join(' and ')})`;
}
