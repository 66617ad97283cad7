/** The machines of a fleet: a control server with HAProxy beside it, and hosts. They meet in a network of their own. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { baseSystem, type DebianRelease } from '../systemd/base-system.ts';
import { bootMachine, type Machine } from '../systemd/machine.ts';
import type { Network, Place } from './network.ts';

/** Name that hosts and people reach the server by. */
export const SERVER_NAME = 'deploy.example.com';
export const ENDPOINT = `https://${SERVER_NAME}:8400`;
const SERVER_NUMBER = 1;

export interface FleetMachine extends AsyncDisposable {
  readonly name: string;
  readonly machine: Machine;
  readonly place: Place;
  /** A path in it, as this machine sees it. */
  at(path: string): string;
}

export interface FleetGround {
  /** Folder for the machines' file systems. */
  readonly folder: string;
  readonly network: Network;
  /** The package, in each machine at `/slipway.deb`. */
  readonly deb: string;
}

export interface MachineRequest {
  readonly name: string;
  /** Number of its place in the network; the server's is 1. */
  readonly number: number;
  readonly release?: DebianRelease;
  /** Folder of this machine → folder in the new one. */
  readonly binds?: Readonly<Record<string, string>>;
}

export const SERVER: MachineRequest = { name: 'server', number: SERVER_NUMBER };

export async function bootFleetMachine(ground: FleetGround, request: MachineRequest): Promise<FleetMachine> {
  const { name, number, release = 'bookworm', binds = {} } = request;
  const { folder, network, deb } = ground;
  const place = network.place(number);
  const own = join(folder, `${name}-${number}`);
  mkdirSync(own);
  // Applications of the fleet are programs for Node; they have one that is not Slipway's.
  const bound = { [process.execPath]: '/usr/local/bin/node', ...binds };
  const machine = await bootMachine(own, bound, place, {
    name: `${name}-${number}`,
    base: baseSystem(release),
    prepare(root) {
      cpSync(deb, join(root, 'slipway.deb'));
      const serverAddress = place.address.replace(/\d+$/, String(SERVER_NUMBER));
      writeFileSync(join(root, 'etc/hosts'), `127.0.0.1 localhost\n${serverAddress} ${SERVER_NAME}\n`);
      writeFileSync(join(root, 'etc/hostname'), `${name}\n`);
    },
  });
  return {
    ...{ name, machine, place },
    at: (path) => join(machine.root, path),
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
}
