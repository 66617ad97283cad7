/** A host whose clock jumps by ten minutes. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { eventually } from '../support/eventually.ts';
import type { FleetMachine } from './fleet.ts';
import { clearNotes, hold, notesOf, release, SCRIPTED_EVENTS, untilIn, writeJob } from './revisions.ts';
import { controlIn, type FleetState, hostIn, JOB, must, mustHaveRunOnce, untilActive } from './state.ts';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const OFFSET_FILE = '/etc/clock-offset';
const ADDITION = '/etc/systemd/system/slipway-agent.service.d';
const OFF_SECONDS = 600;
/** Machines of one kernel share its clock, so a library shows the agent another one. It reads the offset each time. */
const CLOCK = [`LD_PRELOAD=${LIBRARY}`, `FAKETIME_TIMESTAMP_FILE=${OFFSET_FILE}`, 'FAKETIME_NO_CACHE=1'];
const CLOCK_WORDS = [...CLOCK, 'FAKETIME_DONT_FAKE_MONOTONIC=1'].join(' ');

/**
 * The clock jumps while a script runs. The server refuses what is signed at another time, and an order would not be valid: nothing is taken
 * and nothing is lost. The agent says why. When the clock is right again, the outcome arrives and the deployment goes on.
 */
export async function clockOff(state: FleetState): Promise<string> {
  const host = hostIn(state, 2);
  mkdirSync(host.at(ADDITION), { recursive: true });
  setClock(host, 0);
  writeFileSync(host.at(`${ADDITION}/clock.conf`), `[Service]\nEnvironment=${CLOCK_WORDS}\n`);
  try {
    await restartAgent(host);
    for (const seconds of [OFF_SECONDS, -OFF_SECONDS]) await jumpInHook(state, host, seconds);
  } finally {
    rmSync(host.at(ADDITION), { recursive: true });
    await restartAgent(host);
  }
  return `${OFF_SECONDS} s before and behind: the agent and its doctor name the clock`;
}

async function jumpInHook(state: FleetState, host: FleetMachine, seconds: number): Promise<void> {
  const control = controlIn(state);
  clearNotes(host);
  hold(host, 'AfterInstall');
  const id = await control.begin(writeJob(state.server, `clock${seconds}`), JOB, host.name);
  await untilIn(host, 'AfterInstall');
  setClock(host, seconds);
  try {
    const shown = Number(host.machine.run(`env ${CLOCK_WORDS} /usr/local/bin/node -e 'console.log(Date.now())'`));
    must(Math.abs(shown - Date.now() - seconds * 1000) < 60_000, `the clock shows ${new Date(shown).toISOString()}`);
    release(host, 'AfterInstall');
    const namesTheClock = () => /clocks differ/.test(host.machine.run('slipway status; true'));
    await eventually(namesTheClock, { withinMs: 120_000, everyMs: 500 });
    const doctor = host.machine.run(`env ${CLOCK_WORDS} slipway doctor; true`);
    must(/fail .*clock/i.test(doctor), doctor);
    const { deployment } = await control.show(id);
    must(deployment.status === 'InProgress', `the deployment is ${deployment.status} although nothing was reported`);
  } finally {
    setClock(host, 0);
  }
  await control.ended(id, 'Succeeded');
  mustHaveRunOnce(notesOf(host, 'ended'), SCRIPTED_EVENTS);
}

function setClock(host: FleetMachine, seconds: number): void {
  writeFileSync(host.at(OFFSET_FILE), `${seconds < 0 ? '' : '+'}${seconds}\n`);
}

async function restartAgent(host: FleetMachine): Promise<void> {
  host.machine.run('systemctl daemon-reload && systemctl restart slipway-agent');
  await untilActive(host);
}
