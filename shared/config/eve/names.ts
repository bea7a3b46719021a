import { type Reporter, showValue, type Told } from '../issue.ts';
import { NAME_PATTERN } from '../names.ts';

const MAX_LENGTH = 63;

/**
 * Gives each display name a name that nibox can use in paths, the same one each time the document is read. Names that are fine
 * keep theirs; the others are spelt with allowed characters, and numbered when that name is taken.
 */
export class DisplayNames {
  readonly #taken: Set<string>;
  /** Where to go on counting, by name. */
  readonly #next = new Map<string, number>();

  /** `all` are the display names of all things of this kind. */
  constructor(all: Iterable<string>) {
    this.#taken = new Set([...all].filter(name => NAME_PATTERN.test(name)));
  }

  /** The name for one thing; `fallback` is for display names without any usable character. */
  nameFor(displayName: Told<string>, fallback: string, report: Reporter): string {
    if (NAME_PATTERN.test(displayName.value)) return displayName.value;
    const name = this.#free(slug(displayName.value) || fallback);
    const remedy = `rename it to ${showValue(name)}, or to another name of letters, digits, dots, dashes and underscores`;
    report.warn(displayName, `can't be used as a name as it is; nibox calls it ${name}`, remedy);
    return name;
  }

  #free(wanted: string): string {
    let name = wanted;
    let count = this.#next.get(wanted) ?? 2;
    while (this.#taken.has(name)) {
      const suffix = `-${count++}`;
      name = wanted.slice(0, MAX_LENGTH - suffix.length) + suffix;
    }
    this.#next.set(wanted, count);
    this.#taken.add(name);
    return name;
  }
}

/** The text in allowed characters: `Küche & Bad` gives `Kuche-Bad`. */
function slug(text: string): string {
  return text
    .slice(0, 4 * MAX_LENGTH)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_LENGTH)
    .replace(/-+$/, '');
}
