import type { World } from '../world/index.ts';
import type { Capture } from './capture.ts';
import type { Nibox } from './nibox.ts';

/** What a check needs beyond local network instances. */
export type Needs = 'local' | 'switch' | 'vpn' | 'slow' | 'stop';

export interface CheckContext {
  world: World;
  nibox: Nibox;
  /** Everything that reached gw from when the first check began. */
  capture: Capture;
}

export interface Verdict {
  ok: boolean;
  /** What was seen, or what was expected and seen instead. */
  detail: string;
}

export interface Check {
  id: string;
  title: string;
  needs: Needs;
  /** The network instance it is about; one of a type that is not built yet makes the check `not built`. */
  networkInstance: string;
  /** It compares counters, or sums up the others: nothing runs beside it. */
  alone: boolean;
  run(context: CheckContext): Promise<Verdict>;
}

/** Thrown by `expect`: the check ran, and the world is not as it should be. */
export class Unexpected extends Error {}

/** Throws Unexpected with a message that says what was expected and what was seen. */
export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Unexpected(message);
}

interface Definition {
  id: string;
  title: string;
  networkInstance: string;
  needs?: Needs;
  alone?: boolean;
  /** Gives what was seen, in a few words; throws when something is not as expected. */
  see: (context: CheckContext) => Promise<string>;
}

/** Makes a check from what it sees: anything thrown is a failed check, whatever the reason. */
export function defineCheck({ id, title, networkInstance, needs = 'local', alone = false, see }: Definition): Check {
  const run = async (context: CheckContext): Promise<Verdict> => {
    try {
      return { ok: true, detail: await see(context) };
    } catch (cause) {
      return { ok: false, detail: cause instanceof Error ? cause.message : String(cause) };
    }
  };
  return { id, title, needs, networkInstance, alone, run };
}
