/** Whether the server has its two ports, and if not, who has them or what keeps it from them. */
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { messageOf, systemErrorCode } from '../../../errors.ts';
import { lookupUser } from '../../../system/users.ts';
import type { ListenAddress } from '../../arguments.ts';
import { type Finding, fail, ok, warn } from '../check.ts';
import { isInTheWay, kernelAddress, ownerOfSocket, type PortOwner, socketsOn, type TcpSocket } from './sockets.ts';

export interface PortFacts {
  readonly address: ListenAddress;
  /** Where it is configured: `--listen (SLIPWAY_LISTEN)`. */
  readonly setting: string;
  /** Process id of the running server; null: none runs. */
  readonly pid: number | null;
  /** User that the server runs as; null: the user who asks. */
  readonly user: string | null;
}

export interface LookedAtPort {
  readonly finding: Finding;
  /** Whether the server itself listens there, so that it can be asked. */
  readonly isOwn: boolean;
}

export async function lookAtPort(facts: PortFacts): Promise<LookedAtPort> {
  const { address, setting, pid } = facts;
  const check = `port ${shownListenAddress(address)}`;
  if (address.port === 0) {
    const detail = 'is another one at each start: 0 was configured';
    return { finding: warn(check, detail, `Name a port in ${setting}: hosts must find the server.`), isOwn: false };
  }
  const resolved = await resolve(address.host);
  if ('error' in resolved) {
    const remedy = `Make ${address.host} resolvable (/etc/hosts), or write an address into ${setting}.`;
    return {
      finding: fail(check, `${address.host} is no address of this machine: ${resolved.error}`, remedy),
      isOwn: false,
    };
  }
  const wanted = kernelAddress(resolved.address);
  const sockets = socketsOn(address.port).filter((socket) => isInTheWay(socket.address, wanted));
  const owners = sockets.filter(({ state }) => state === 'LISTEN').map(ownerOfSocket);
  if (pid !== null && owners.some((owner) => owner.pid === pid)) {
    return { finding: ok(check, `the server listens there (PID ${pid})`), isOwn: true };
  }
  const [other] = owners;
  if (other !== undefined) return { finding: heldBy(check, other, facts), isOwn: other.pid === null && pid !== null };
  if (pid !== null) {
    const remedy = `It was started with other settings, or is still starting: restart it to put ${setting} to use.`;
    return { finding: fail(check, `the server (PID ${pid}) runs and does not listen there`, remedy), isOwn: false };
  }
  return { finding: await tryPort(check, resolved.address, sockets, facts), isOwn: false };
}

/** As a person writes it. */
export function shownListenAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

async function resolve(host: string): Promise<{ readonly address: string } | { readonly error: string }> {
  try {
    return { address: (await lookup(host)).address };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function heldBy(check: string, { pid, name, uid }: PortOwner, { setting }: PortFacts): Finding {
  if (pid === null) {
    const detail = `a process of user ${uid} listens there`;
    return fail(check, detail, 'Run the doctor as root, to be told which.');
  }
  const detail = `another process listens there: ${name} (PID ${pid})`;
  const isServer = / server( |$)/.test(name) && /slipway/.test(name);
  const remedy = isServer
    ? `It is another control server: end it (\`kill ${pid}\`, or stop its service), or choose another port in ${setting}.`
    : `End that process (\`kill ${pid}\`, or stop its service), or choose another port in ${setting}.`;
  return fail(check, detail, remedy);
}

/** Listens for an instant: nobody does, so the server does not run. */
async function tryPort(
  check: string,
  address: string,
  sockets: readonly TcpSocket[],
  facts: PortFacts,
): Promise<Finding> {
  const { address: wanted, setting } = facts;
  if (needsRights(wanted.port, facts.user)) {
    const who = facts.user === null ? 'this user' : `the user ${facts.user}`;
    return fail(
      check,
      `${who} may not listen on ports below ${firstFreePort()}`,
      `Choose a port from ${firstFreePort()} on in ${setting}, with a proxy in front if it must be this one; or let the unit have it: ` +
        'AmbientCapabilities=CAP_NET_BIND_SERVICE and CapabilityBoundingSet=CAP_NET_BIND_SERVICE (`systemctl edit slipway-server`).',
    );
  }
  const fault = await listenOnce(address, wanted.port);
  if (fault === null) return ok(check, 'is free');
  const detail = `cannot be listened on: ${fault.message}`;
  if (fault.code === 'EADDRNOTAVAIL') {
    const remedy = `${address} is no address of this machine (\`ip address\` shows them): correct ${setting}; 0.0.0.0 stands for all.`;
    return fail(check, detail, remedy);
  }
  if (fault.code === 'EAFNOSUPPORT') {
    return fail(check, detail, `This machine has no IPv6: write an IPv4 address into ${setting}, such as 0.0.0.0.`);
  }
  const [rest] = sockets.map(ownerOfSocket).filter(({ pid }) => pid !== null);
  if (fault.code === 'EADDRINUSE' && rest !== undefined) {
    return fail(
      check,
      `nobody listens there, and ${rest.name} (PID ${rest.pid}) has a connection on it (${rest.state})`,
      `End that process (\`kill ${rest.pid}\`), which keeps the port; or choose another port in ${setting}.`,
    );
  }
  return fail(
    check,
    detail,
    `\`ss -tanp sport = :${wanted.port}\` shows what is in the way; or choose another port in ${setting}.`,
  );
}

function needsRights(port: number, user: string | null): boolean {
  const uid = user === null ? process.getuid?.() : lookupUser(user)?.uid;
  return uid !== 0 && port < firstFreePort();
}

function firstFreePort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return 1024;
  }
}

function listenOnce(host: string, port: number): Promise<{ readonly code: string; readonly message: string } | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve({ code: systemErrorCode(error) ?? '', message: messageOf(error) }));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
