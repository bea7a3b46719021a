import type { Attacher } from './attach/attacher.ts';
import { type ConvergenceSources, problemsOf } from './convergence.ts';
import { readIfThere } from './state/read-if-there.ts';

export interface SilentSources extends ConvergenceSources {
  readonly attacher: Attacher;
}

/**
 * What no event tells of, looked at without starting a program: namespaces of apps anywhere on the device and the device's resolvers.
 * Where something is not as it should be, or is in a switch's namespace, only a pass can tell.
 */
export class SilentChanges {
  readonly #sources: SilentSources;
  readonly #resolvConf: string;
  #resolvers: string | null = null;

  constructor(sources: SilentSources, resolvConf: string) {
    this.#sources = sources;
    this.#resolvConf = resolvConf;
  }

  /** What a pass that begins now will find. */
  note(): void {
    this.#resolvers = this.#readResolvers();
  }

  /** Whether something may be otherwise than the last pass left it. */
  async any(): Promise<boolean> {
    const { attacher, switchPorts } = this.#sources;
    return (
      problemsOf(this.#sources).length > 0 ||
      switchPorts.records().length > 0 ||
      this.#readResolvers() !== this.#resolvers ||
      (await attacher.isBehind())
    );
  }

  /** What can't be read is told of by the pass. */
  #readResolvers(): string {
    try {
      return readIfThere(this.#resolvConf) ?? '';
    } catch {
      return '';
    }
  }
}
