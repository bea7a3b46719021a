import { readFileSync } from 'node:fs';
import type { InterfaceCounter } from '../../shared/proto/messages.ts';

/** What is done in the same beat need not read it again. */
const FRESH_MS = 50;
let last = { text: '', at: Number.NEGATIVE_INFINITY };

/** /proc/net/dev of this namespace. Synchronous: the way through the thread pool wakes four threads, every few seconds. */
export function readInterfaceTable(): string {
  const now = performance.now();
  if (now - last.at >= FRESH_MS) last = { text: readFileSync('/proc/self/net/dev', 'utf8'), at: now };
  return last.text;
}

/** Reads /proc/net/dev: two lines of headings, then `name:` and eight counters for each direction. */
export function parseInterfaceCounters(text: string): InterfaceCounter[] {
  return text
    .split('\n')
    .slice(2)
    .flatMap(line => {
      const colon = line.lastIndexOf(':');
      const values = line
        .slice(colon + 1)
        .trim()
        .split(/\s+/)
        .map(Number);
      if (colon < 0 || values.length < 16 || values.some(Number.isNaN)) return [];
      const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDrops = 0, , , , , ...tx] = values;
      const [txBytes = 0, txPackets = 0, txErrors = 0, txDrops = 0] = tx;
      const name = line.slice(0, colon).trim();
      return [{ name, rxBytes, rxPackets, rxDrops, rxErrors, txBytes, txPackets, txDrops, txErrors }];
    });
}
