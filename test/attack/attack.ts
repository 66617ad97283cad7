/** The shape of an attack: what it is told, and how it says that it got through. */
import type { ControlServer, Daemon } from '../support/slipway.ts';

export interface Attack {
  /** Promise of the product that the attack tries to break, in the words of docs/security.md. */
  readonly promise: string;
  /** A whole sentence: who tries what. */
  readonly name: string;
  /** After this the attack counts as hung; seconds. */
  readonly limitSeconds?: number;
  /** The reason why it cannot run on this machine; null: it can. */
  readonly missing?: string | null;
  /** Tries it against real processes. Throws, with what happened instead, when the promise did not hold. */
  run(ground: AttackGround): Promise<void>;
}

/** Tools of an attack. Everything is put away by the runner. */
export interface AttackGround {
  /** A folder of this attack's own, empty. */
  readonly folder: string;
  /** One server for all attacks that leave it usable; the runner makes sure after each that it still answers. */
  sharedServer(): Promise<ControlServer>;
  /** A server of this attack's own. @param args more arguments for `slipway server` @param env more variables for it */
  ownServer(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<ControlServer>;
  /** Has a process ended after the attack and counts its peak memory. The servers from above are watched already. */
  watch(role: 'server' | 'agent', daemon: Daemon): Daemon;
}

export interface AttackReport {
  readonly attack: Attack;
  readonly ending: 'held' | 'through' | 'hung' | 'not run';
  /** Why, for all endings but `held`. */
  readonly why: string | null;
  readonly tookMs: number;
}
