import type { PortRecord } from './records.ts';

/** An uplink that a switch is to have. */
export interface WantedPort {
  ni: string;
  interface: string;
  /** A routed network instance goes out by it, so the device needs an interface of that name in any case. */
  isRoutedToo: boolean;
  /** The switch's manager has its bridge in place: what is taken works again at once. */
  isReady: boolean;
}

/** Where an interface of the uplink's name was found. */
export interface Found {
  onDevice: 'nothing' | 'interface' | 'stand-in';
  inSwitch: boolean;
}

/**
 * - take: save what it has, and move it.
 * - finish: it is in the switch's namespace, but not all that belongs to it is in place.
 * - give back: it belongs to another switch, or was on its way back.
 * - clear: it has gone, and its stand-in has nothing behind it.
 * - blocked: something else has its name on the device.
 */
export type Step = 'wait' | 'wait for the manager' | 'take' | 'finish' | 'keep' | 'give back' | 'clear' | 'blocked';

/** What to do next for an uplink. Asked again after a crash at any point, it leads to the same end. */
export function decide(wanted: WantedPort, record: PortRecord | undefined, { onDevice, inSwitch }: Found): Step {
  if (record && (record.ni !== wanted.ni || record.phase === 'returning')) return 'give back';
  if (record && inSwitch) {
    if (record.isShared || wanted.isRoutedToo) {
      if (record.isShared && record.phase === 'held' && onDevice === 'stand-in') return 'keep';
      return onDevice === 'interface' && record.phase === 'held' ? 'blocked' : 'finish';
    }
    return record.phase === 'held' ? 'keep' : 'finish';
  }
  if (onDevice === 'stand-in') return 'clear';
  if (onDevice === 'nothing') return 'wait';
  return wanted.isReady ? 'take' : 'wait for the manager';
}
