import type { ItemState } from '../../shared/proto/messages.ts';
import type { LinkCommand } from '../bridge/plan.ts';

/** Tells what somebody else changed from what is only not there yet, such as a link that the supervisor makes later. */
export class DriftWatch {
  #known: ReadonlySet<string> = new Set();
  readonly #wereOk = new Set<string>();

  /** Another config: nothing has been in place for it yet. */
  reset(): void {
    this.#known = new Set();
    this.#wereOk.clear();
  }

  /** What a pass has left behind. */
  note(items: ReadonlyMap<string, ItemState>): void {
    this.#known = new Set(items.keys());
    for (const [key, { state }] of items) if (state === 'ok') this.#wereOk.add(key);
  }

  /** Of commands for the same config those that put right what had been in place, or take away what nobody wants. */
  repairs(commands: readonly LinkCommand[]): LinkCommand[] {
    return commands.filter(({ item }) => this.#wereOk.has(item) || !this.#known.has(item));
  }
}
