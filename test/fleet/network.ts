/** A network between machines: one bridge in a namespace of its own, and a namespace with one cable to it for each machine. */
import { execFileSync } from 'node:child_process';

const PREFIX = '10.83.0';
const BRIDGE = 'bridge';
/** Name of the machine's end of its cable. */
const DEVICE = 'eth0';
/** Bytes that a slowed-down cable sends at once, and how long it keeps what waits. */
const BUCKET = ['burst', '64kb', 'latency', '400ms'];

export interface Place {
  /** Name of the machine's network namespace. */
  readonly namespace: string;
  readonly address: string;
  /** Cuts the machine off: packets are lost, and nobody is told. */
  cut(): void;
  mend(): void;
  /** Limits what the machine gets to so many megabits a second. */
  slowDown(megabits: number): void;
  fullSpeed(): void;
}

export interface Network extends Disposable {
  /** @param number of the machine, 1 to 254: the last part of its address */
  place(number: number): Place;
}

export function makeNetwork(): Network {
  const id = `slipway-${process.pid}`;
  const made: string[] = [];
  const add = (namespace: string) => {
    ip('netns', 'add', namespace);
    made.push(namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return namespace;
  };
  const middle = add(id);
  ip('-n', middle, 'link', 'add', BRIDGE, 'type', 'bridge');
  ip('-n', middle, 'link', 'set', BRIDGE, 'up');
  return {
    place(number) {
      const [namespace, cable, address] = [add(`${id}-${number}`), `to-${number}`, `${PREFIX}.${number}`];
      ip('-n', middle, 'link', 'add', cable, 'type', 'veth', 'peer', 'name', DEVICE, 'netns', namespace);
      const mend = () => ip('-n', middle, 'link', 'set', cable, 'master', BRIDGE);
      mend();
      ip('-n', middle, 'link', 'set', cable, 'up');
      ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', DEVICE);
      ip('-n', namespace, 'link', 'set', DEVICE, 'up');
      return {
        ...{ namespace, address, mend },
        cut: () => ip('-n', middle, 'link', 'set', cable, 'nomaster'),
        slowDown: (megabits) => tc(middle, 'add', cable, 'tbf', 'rate', `${megabits}mbit`, ...BUCKET),
        fullSpeed: () => tc(middle, 'delete', cable),
      };
    },
    [Symbol.dispose]() {
      for (const namespace of made.reverse()) ip('netns', 'delete', namespace);
    },
  };
}

/** @returns why no network can be made here; empty: it can */
export function networkObstacles(): readonly string[] {
  const name = `slipway-${process.pid}-try`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'delete', name);
    return [];
  } catch (error) {
    return [`network namespaces cannot be made with ip (iproute2): ${String(error).trim()}`];
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function tc(namespace: string, action: string, device: string, ...rest: readonly string[]): void {
  const args = ['-n', namespace, 'qdisc', action, 'dev', device, 'root', ...rest];
  execFileSync('tc', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
